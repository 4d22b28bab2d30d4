using System.Net;
using MigrationDashboard.Core.Inventory;
using MigrationDashboard.Core.Migrations;
using MigrationDashboard.Core.Preflight;
using MigrationDashboard.Core.Servers;
using MigrationDashboard.Core.Stages;
using Xunit;
using static MigrationDashboard.Core.Preflight.CheckStatus;

namespace MigrationDashboard.Core.Tests.Preflight;

public class WorkloadChecksTests
{
    private static readonly CheckCase Seed = CheckCase.Seed;

    private static HostInventory Containers(HostInventory host, Func<Container, Container?> change) =>
        host with { Docker = host.Docker! with { Containers = host.Docker.Containers.Select(change).OfType<Container>().ToValueList() } };

    private static CheckCase Unit(string unit, params ForwardedPort[] ports) =>
        Seed.WithSpec(spec => spec with { Workload = new SystemdUnit(Name.Parse<UnitName>(unit, "unit"), []), Ports = ports.ToValueList() });

    private static readonly Container Mail = Seed.Old.Docker!.Container("mail")!;

    [Fact]
    public void The_container_must_be_there_and_run()
    {
        Assert.Equal(Pass, Seed.Status(new WorkloadCheck(), Role.Old));
        var missing = Seed.WithOld(host => Containers(host, container => container.Name == "mail" ? null : container)).Ask(new WorkloadCheck(), Role.Old);
        Assert.Equal(Fail, missing.Status);
        Assert.Contains("echo", missing.WillDo, StringComparison.Ordinal);
        Assert.Equal(Fail, Seed.WithOld(host => Containers(host, container => container with { Running = false, Status = "exited" })).Status(new WorkloadCheck(), Role.Old));
        Assert.Equal(Fail, Seed.WithOld(host => host with { Docker = null }).Status(new WorkloadCheck(), Role.Old));
    }

    [Fact]
    public void It_must_not_run_on_new_when_only_one_may()
    {
        HostInventory With(HostInventory host, bool running) => host with { Docker = host.Docker! with { Containers = [Mail with { Running = running, Status = running ? "running" : "exited" }] } };
        Assert.Equal(Pass, Seed.Status(new WorkloadCheck(), Role.New));
        Assert.Equal(Fail, Seed.WithNew(host => With(host, true)).Status(new WorkloadCheck(), Role.New));
        Assert.Equal(Warn, Seed.WithNew(host => With(host, false)).Status(new WorkloadCheck(), Role.New));
        Assert.Equal(Warn, Seed.WithNew(host => With(host, true)).WithSpec(spec => spec with { Mode = CutoverMode.Parallel }).Status(new WorkloadCheck(), Role.New));
    }

    [Fact]
    public void A_unit_must_run_on_old_only()
    {
        var banner = Unit("banner.service", new ForwardedPort(2525, Transport.Tcp));
        Assert.Equal(Pass, banner.Status(new WorkloadCheck(), Role.Old));
        Assert.Equal(Pass, banner.Status(new WorkloadCheck(), Role.New));
        Assert.Equal(Fail, Unit("absent.service").Status(new WorkloadCheck(), Role.Old));
        Assert.Equal(Fail, banner.WithNew(host => host with { Services = [new("banner.service", "")] }).Status(new WorkloadCheck(), Role.New));
    }

    [Fact]
    public void Own_commands_can_only_be_rehearsed() =>
        Assert.Equal(Pass, Seed.WithSpec(spec => spec with { Workload = new CustomCommands("a", "b", "c", []) }).Status(new WorkloadCheck(), Role.Old));

    [Fact]
    public void A_container_must_publish_the_ports_on_the_links_address()
    {
        CheckResult With(params PublishedPort[] ports) => Seed.WithOld(host => Containers(host, container => container with { Ports = ports.ToValueList() })).WithSpec(spec => spec with { Ports = [new(25, Transport.Tcp)] }).Ask(new WorkloadPortsCheck(), Role.Old);
        Assert.Equal(Pass, Seed.Status(new WorkloadPortsCheck(), Role.Old));
        Assert.Equal(Fail, With().Status);
        Assert.Contains("does not publish", With().Found, StringComparison.Ordinal);
        Assert.Equal(Fail, With(new PublishedPort(IPAddress.Any, 25, 25, Transport.Udp)).Status);
        Assert.Contains("127.0.0.1 only", With(new PublishedPort(IPAddress.Loopback, 25, 25, Transport.Tcp)).Found, StringComparison.Ordinal);
        Assert.Equal(Fail, With(new PublishedPort(IPAddress.Parse("203.0.113.10"), 25, 25, Transport.Tcp)).Status);
        Assert.Equal(Pass, With(new PublishedPort(IPAddress.Parse("10.77.0.1"), 25, 2525, Transport.Tcp)).Status);
    }

    [Fact]
    public void A_process_must_listen_on_the_links_address_or_the_public_one()
    {
        CheckStatus With(string? address, bool both = false) => Unit("banner.service", new ForwardedPort(2525, Transport.Tcp))
            .WithOld(host => host with { Sockets = address is null ? [] : [new(Transport.Tcp, IPAddress.Parse(address), 2525, null, "lab-echo", 57, "banner.service", null, both)] }).Status(new WorkloadPortsCheck(), Role.Old);
        Assert.Equal(Pass, Unit("banner.service", new ForwardedPort(2525, Transport.Tcp)).Status(new WorkloadPortsCheck(), Role.Old));
        Assert.Equal(Pass, With("0.0.0.0"));
        Assert.Equal(Pass, With("::", both: true));
        Assert.Equal(Pass, With("10.77.0.1"));
        Assert.Equal(Fail, With("::"));
        Assert.Equal(Fail, With("127.0.0.1"));
        Assert.Equal(Pass, With("203.0.113.10"));
        Assert.Equal(Fail, With("203.0.113.11"));
        Assert.Equal(Fail, With(null));
    }

    [Fact]
    public void A_link_with_ipv6_to_an_application_without_warns()
    {
        var spec = Seed.WithSpec(spec => spec with { Link = spec.Link with { Ipv6 = new(IPNetwork.Parse("fd77::/64"), IPAddress.Parse("fd77::1"), IPAddress.Parse("fd77::2"), true) } });
        Assert.Equal(Pass, spec.Status(new WorkloadPortsCheck(), Role.Old));
        Assert.Equal(Warn, spec.WithOld(host => Containers(host, container => container with { Ports = container.Ports.Where(port => port.Address.Equals(IPAddress.Any)).ToValueList() })).Status(new WorkloadPortsCheck(), Role.Old));
    }

    [Fact]
    public void Ports_that_something_else_uses_on_new_fail()
    {
        CheckResult With(params ListeningSocket[] sockets) => Seed.WithNew(host => host with { Sockets = sockets.ToValueList() }).Ask(new PortsInUseCheck(), Role.New);
        Assert.Equal(Pass, Seed.Status(new PortsInUseCheck(), Role.New));
        var busy = With(new ListeningSocket(Transport.Tcp, IPAddress.Any, 25, null, "master", 9, "postfix.service", null));
        Assert.Equal((Fail, "25/tcp is in use by master (postfix.service)"), (busy.Status, busy.Found));
        Assert.Contains("systemctl disable --now postfix.service", busy.WillDo, StringComparison.Ordinal);
        var loopback = With(new ListeningSocket(Transport.Tcp, IPAddress.Loopback, 25, null, "exim4", 9, "exim4.service", null));
        Assert.Equal(Fail, loopback.Status);
        Assert.Contains("127.0.0.1", loopback.Found, StringComparison.Ordinal);
        Assert.Equal(Pass, With(new ListeningSocket(Transport.Udp, IPAddress.Any, 25, null, "x", 9, null, null)).Status);
    }

    [Fact]
    public void A_container_that_publishes_the_port_on_new_fails_unless_it_is_the_application_itself()
    {
        CheckResult With(string name) => Seed.WithNew(host => host with { Docker = host.Docker! with { Containers = [Mail with { Name = name }] } }).Ask(new PortsInUseCheck(), Role.New);
        Assert.Contains("the container web", With("web").Found, StringComparison.Ordinal);
        Assert.Equal(Fail, With("web").Status);
        Assert.Equal(Pass, With("mail").Status);
    }

    [Fact]
    public void Docker_must_answer_on_both_for_a_container()
    {
        Assert.Equal(Pass, Seed.Status(new DockerCheck(), Role.New));
        Assert.Equal(Fail, Seed.WithNew(host => host with { Docker = null }).Status(new DockerCheck(), Role.New));
        Assert.Equal(Fail, Seed.WithNew(host => host with { Docker = host.Docker! with { Problem = "Cannot connect" } }).Status(new DockerCheck(), Role.New));
        Assert.Equal(Warn, Seed.WithNew(host => host with { Docker = host.Docker! with { Swarm = true } }).Status(new DockerCheck(), Role.New));
        Assert.Empty(new DockerCheck().Judge(Unit("banner.service").Input));
        var compose = Seed.WithSpec(spec => spec with { Workload = new ComposeProject(Name.Parse<DockerName>("mail", "project"), "/srv/mail") });
        Assert.Equal(Fail, compose.WithNew(host => host with { Docker = host.Docker! with { Compose = false } }).Status(new DockerCheck(), Role.New));
        Assert.Equal(Pass, compose.WithNew(host => host with { Docker = host.Docker! with { Compose = true } }).Status(new DockerCheck(), Role.New));
        var macvlan = Seed.WithOld(host => host with { Docker = host.Docker! with { Networks = host.Docker.Networks.Select(network => network with { Driver = "macvlan", Bridge = null }).ToValueList() } });
        Assert.Equal(Fail, macvlan.Status(new DockerCheck(), Role.Old));
    }

    [Fact]
    public void The_applications_own_connections_need_a_bridge_and_a_public_address()
    {
        var egress = Seed.WithSpec(spec => spec with { EgressThroughNew = true });
        Assert.Equal(Pass, egress.Status(new EgressCheck(), Role.Old));
        Assert.Equal(Pass, egress.Status(new EgressCheck(), Role.New));
        Assert.Equal(Fail, egress.WithOld(host => Containers(host, container => container with { Networks = [] })).Status(new EgressCheck(), Role.Old));
        Assert.Equal(Fail, egress.WithNew(host => host with { Addresses = [] }).Status(new EgressCheck(), Role.New));
        Assert.Equal(Fail, egress.WithSpec(spec => spec with { Link = spec.Link with { Ipv4 = null } }).Status(new EgressCheck(), Role.New));
        Assert.Empty(new EgressCheck().Judge(Seed.Input));
    }

    [Fact]
    public void What_moves_must_fit_on_new()
    {
        var volume = Seed.Old.Sizes.Single(size => size.Kind == "data").What;
        CheckResult With(long? image, long? data, long free) => Seed.WithOld(host => host with { Sizes = [new("image", "sha256:1", image), new("data", volume, data)] })
            .WithNew(host => host with { FileSystems = [new("/", "/dev/sda1", 1L << 40, 1L << 39), new("/var/lib/docker", "/dev/sdb1", 1L << 40, free)] }).Ask(new DiskCheck(), Role.New);
        Assert.Equal(Pass, Seed.Status(new DiskCheck(), Role.New));
        Assert.Equal(Pass, With(1L << 30, 1L << 30, 4L << 30).Status);
        var full = With(1L << 30, 1L << 30, 3L << 30);
        Assert.Equal((Fail, "3.0 GiB needed, 3.0 GiB free at /var/lib/docker"), (full.Status, full.Found));
        Assert.Equal(Warn, With(1L << 30, null, 4L << 30).Status);
        Assert.Equal(Unknown, Seed.WithOld(host => host with { Sizes = [] }).Status(new DiskCheck(), Role.New));
        var nothing = Seed.WithSpec(spec => spec with { Workload = new SystemdUnit(Name.Parse<UnitName>("postfix", "unit"), []) });
        Assert.Empty(new DiskCheck().Judge(nothing.Input));

        // Our own files need room in any case.
        Assert.Equal(Fail, nothing.WithOld(host => host with { FileSystems = [new("/", "/dev/sda1", 1L << 40, 1L << 20)] }).Status(new DiskCheck(), Role.Old));
    }

    [Fact]
    public void Folders_of_a_unit_are_measured_on_the_file_system_they_will_be_on()
    {
        var unit = Seed.WithSpec(spec => spec with { Workload = new SystemdUnit(Name.Parse<UnitName>("postfix", "unit"), ["/srv/mail"]) })
            .WithOld(host => host with { Sizes = [new("data", "/srv/mail", 5L << 30)] })
            .WithNew(host => host with { FileSystems = [new("/", "/dev/sda1", 1L << 40, 6L << 30), new("/srv", "/dev/sdb1", 1L << 40, 2L << 30), new("/srv/mailbox", "/dev/sdc1", 1, 1)] });
        Assert.EndsWith("free at /srv", unit.Ask(new DiskCheck(), Role.New).Found, StringComparison.Ordinal);
        Assert.Equal(Fail, unit.Status(new DiskCheck(), Role.New));
        Assert.Equal(["folder", "/srv/mail"], MigrationDashboard.Core.HostScripts.InventoryScript.Arguments(unit.Spec.Workload));
    }
}
