using System.Net;
using System.Net.Sockets;
using MigrationDashboard.Core.Inventory;
using MigrationDashboard.Core.Servers;
using Xunit;

namespace MigrationDashboard.Core.Tests.Inventory;

public class InventoryTextTests
{
    [Fact]
    public void A_real_machine_is_read_whole_without_a_failed_part()
    {
        var old = Fixture.Old;
        Assert.Empty(old.Failures);
        Assert.Equal(("old", "Debian GNU/Linux 12 (bookworm)", "systemd-nspawn", 0), (old.System.Hostname, old.System.Distribution, old.System.Virtualization, old.System.UserId));
        Assert.Equal(new Version(6, 1, 0), old.System.Kernel);
        Assert.Equal((1, 0, 6), (old.System.VersionOf("nft")!.Major, old.System.VersionOf("nft")!.Minor, old.System.VersionOf("nft")!.Build));
        Assert.Equal(252, old.System.VersionOf("systemctl")!.Major);
        Assert.True(old.System is { Systemd: true, TunDevice: true, ConntrackList: true, Ipv6: true });
        Assert.InRange(old.System.Took, TimeSpan.FromMilliseconds(20), TimeSpan.FromSeconds(5));
        Assert.True(old.Has("conntrack") && old.Has("rsync") && !old.Has("firewall-cmd"));
        Assert.Equal(3, old.Ssh.HostKeys.Count);
        Assert.Equal([(ushort)22], old.Ssh.Ports);
        Assert.Contains(old.Services, service => service == new RunningService("udpecho.service", "UDP server on 5353: answers with the client's address"));
    }

    [Fact]
    public void Interfaces_addresses_and_the_default_route_are_those_of_the_machine()
    {
        var old = Fixture.Old;
        Assert.Equal("bridge", old.Link("docker0")!.Kind);
        Assert.Equal(("ethernet", true, 1500), (old.Link("eth0")!.Kind, old.Link("eth0")!.Up, old.Link("eth0")!.Mtu));
        Assert.Contains(old.Addresses, address => address.ToString() == "203.0.113.10/24 on eth0" && address.Network.ToString() == "203.0.113.0/24");
        Assert.Equal("203.0.113.1", old.DefaultRoute(AddressFamily.InterNetwork)!.Gateway!.ToString());
        Assert.Equal("2001:db8:113::1", old.DefaultRoute(AddressFamily.InterNetworkV6)!.Gateway!.ToString());
        Assert.Equal("1", old.Sysctl("net/ipv4/ip_forward"));
        Assert.Equal([0, 32766, 32767], old.Rules.Where(rule => rule.Family == AddressFamily.InterNetwork).Select(rule => rule.Preference));
    }

    [Fact]
    public void Containers_are_read_with_ports_volumes_and_networks()
    {
        var docker = Fixture.Old.Docker!;
        Assert.True(docker.Answers);
        Assert.Equal(("/var/lib/docker", "iptables"), (docker.RootFolder, docker.FirewallBackend));
        var mail = docker.Container("mail")!;
        Assert.True(mail.Running);
        Assert.Equal([25, 587], mail.Ports.Where(port => port.Address.Equals(IPAddress.Any)).Select(port => (int)port.HostPort).Order());
        Assert.Equal(new ContainerMount("volume", "maildata", "/var/lib/docker/volumes/maildata/_data", "/srv/mail", true), Assert.Single(mail.Mounts));
        var network = docker.Networks.Single(network => network.Id == mail.Networks[0].NetworkId);
        Assert.Equal("br-" + network.Id[..12], network.Bridge);
        Assert.Equal(["172.18.0.0/16", "fd00:172:18::/64"], network.Subnets.Select(subnet => subnet.ToString()));
        Assert.Equal("docker0", docker.Networks.Single(network => network.Name == "bridge").Bridge);
    }

    [Fact]
    public void Listening_sockets_name_their_process_and_unit()
    {
        var sockets = Fixture.Old.Sockets;
        var banner = sockets.Single(socket => socket.Port == 2525);
        Assert.Equal(("lab-echo", "banner.service", true), (banner.Process, banner.Unit, banner.IsOnAll));
        Assert.Contains(sockets, socket => socket is { Transport: Transport.Udp, Port: 5353, Unit: "udpecho.service" });
        Assert.Contains(sockets, socket => socket is { Transport: Transport.Tcp, Port: 587, Process: "docker-proxy" } && socket.Address.Equals(IPAddress.IPv6Any));
    }

    [Fact]
    public void The_workload_is_measured_when_asked_for()
    {
        Assert.Contains(Fixture.Old.Sizes, size => size.Kind == "image" && size.Bytes > 10_000_000);
        Assert.Contains(Fixture.Old.Sizes, size => size.Kind == "data" && size.What.EndsWith("/maildata/_data", StringComparison.Ordinal) && size.Bytes > 0);
        Assert.Equal("missing", Assert.Single(Fixture.New.Sizes).Kind);
        Assert.Contains(Fixture.New.FileSystems, system => system.Path == "/var/lib/docker" && system.Available > 1_000_000_000);
    }

    [Fact]
    public void Names_that_hold_quotes_and_brackets_do_not_break_the_reading()
    {
        var plain = Fixture.Plain;
        Assert.Equal("ethernet", plain.Link("we\"ird@x")!.Kind);
        Assert.Contains(plain.Addresses, address => address is { Interface: "we\"ird@x", PrefixLength: 30 });
        Assert.Equal("br9", plain.Link("weird2")!.Master);

        // A process that calls itself as ss would print another.
        var forger = plain.Sockets.Single(socket => socket.Port == 8081);
        Assert.Equal("x\",pid=1,fd=1", forger.Process);
        Assert.True(forger.Pid > 1);
    }

    [Fact]
    public void Tunnels_are_told_apart()
    {
        var plain = Fixture.Plain;
        Assert.Equal(("tap", true), (plain.Link("tap0")!.Kind, plain.Link("tap0")!.IsLayer2));
        Assert.Equal("vxlan", plain.Link("vx7")!.Kind);
        Assert.Equal("bridge", plain.Link("br9")!.Kind);
        Assert.False(plain.Link("lo")!.IsLayer2);
    }

    [Fact]
    public void Routes_with_several_hops_and_rules_with_marks_are_read()
    {
        var plain = Fixture.Plain;
        var balanced = plain.Routes.Single(route => route.Destination?.ToString() == "192.0.2.0/24");
        Assert.Equal(("198.51.100.1", "ens3"), (balanced.Gateway!.ToString(), balanced.Interface));
        Assert.Contains("198.51.100.2", balanced.Text, StringComparison.Ordinal);
        Assert.Contains(plain.Routes, route => route is { Kind: "unreachable", Table: 7301, Metric: uint.MaxValue, IsDefault: true });
        Assert.Equal(new MarkUse(0x80000, 0xff0000), plain.Rules.Single(rule => rule.Preference == 5210).Mark);
        Assert.True(plain.Rules.Single(rule => rule.Preference == 32764) is { Table: 51820, Mark: { Value: 51820, IsWhole: true } });
    }

    [Fact]
    public void A_plain_nft_table_is_read_with_policies_though_comments_hold_braces()
    {
        var table = Assert.Single(Fixture.Plain.Firewall.Nft);
        Assert.Equal(("inet", "filter"), (table.Family, table.Name));
        var input = table.Chains.Single(chain => chain.Name == "input");
        Assert.Equal(("filter", "input", "drop", 3), (input.Type, input.Hook, input.Policy, input.Rules.Count));
        Assert.Equal("drop", table.Chains.Single(chain => chain.Name == "forward").Policy);
    }

    [Fact]
    public void Tables_of_iptables_are_not_taken_for_plain_nft()
    {
        Assert.Empty(Fixture.Old.Firewall.Nft);
        Assert.Equal("DROP", Fixture.Old.Firewall.Chain(AddressFamily.InterNetwork, "filter", "FORWARD")!.Policy);
        Assert.NotNull(Fixture.Old.Firewall.Chain(AddressFamily.InterNetwork, "filter", "DOCKER-USER"));
        Assert.Null(Fixture.Old.Firewall.Chain(AddressFamily.InterNetworkV6, "filter", "DOCKER-USER"));
    }

    [Fact]
    public void A_host_with_the_docker_command_but_no_daemon_says_so()
    {
        Assert.Contains("Cannot connect", Fixture.Plain.Docker!.Problem, StringComparison.Ordinal);
        Assert.Contains(Fixture.Plain.Failures, failure => failure.Part == "docker");
    }

    [Fact]
    public void A_reading_that_was_cut_off_is_refused()
    {
        var text = Fixture.Text("lab-old");
        Assert.Throws<FormatException>(() => InventoryText.Parse(text[..(text.Length / 2)]));
        Assert.Throws<FormatException>(() => InventoryText.Parse(""));
    }

    [Fact]
    public void What_a_section_prints_cannot_pass_for_another_section()
    {
        var forged = Fixture.Text("plain-nft").Replace("\n hostname plain\n", "\n hostname @ end 0\n @ tools 0\n", StringComparison.Ordinal);
        var host = InventoryText.Parse(forged);
        Assert.Equal("@ end 0", host.System.Hostname);
        Assert.Equal(Fixture.Plain.Tools, host.Tools);
    }

    [Fact]
    public void A_section_that_was_too_long_counts_as_failed()
    {
        var cut = Fixture.Text("plain-nft").Replace("@ nft_check 0", "@ nft truncated\n@ nft_check 0", StringComparison.Ordinal);
        Assert.Contains(InventoryText.Parse(cut).Failures, failure => failure.Part == "nft");
        Assert.NotEmpty(InventoryText.Parse(cut).Firewall.Nft);
    }

    [Fact]
    public void A_host_that_knows_no_command_at_all_still_gives_an_inventory()
    {
        var host = InventoryText.Parse("@ clock 0\n 1\n@ host 0\n uid 0\n kernel 3.10.0-1160.el7.x86_64\n hostname ancient\n@ nft 127\n@ docker 127\n!docker: not found\n@ end 0\n");
        Assert.Equal(new Version(3, 10, 0), host.System.Kernel);
        Assert.Null(host.Docker);
        Assert.Null(host.Firewall.NftWorks);
        Assert.Empty(host.Failures);
    }

    [Theory]
    [InlineData("lab-old")]
    [InlineData("lab-new")]
    [InlineData("plain-nft")]
    public void It_survives_being_stored(string name)
    {
        var host = InventoryText.Parse(Fixture.Text(name));
        Assert.Equal(host, CoreJson.Read<HostInventory>(CoreJson.Write(host)));
    }

    [Fact]
    public void Garbage_in_any_line_never_breaks_the_reading()
    {
        // The same garbage every time: a failure can be looked at again.
        var random = new Random(20261122);
        var lines = Fixture.Text("lab-old").Split('\n');
        string[] garbage = ["", " ", "\u0000", "999999999999999999999", "a/b/c", ":", "{", "}", "\"", "0x", "-1", "::/999", "users:((", "ÿ", "\t\t", "1.2.3.4/99", "table ip x {", "via", "dev"];
        for (var round = 0; round < 300; round++)
        {
            var spoilt = (string[])lines.Clone();
            for (var times = 0; times < 20; times++)
            {
                var at = random.Next(spoilt.Length);
                if (!spoilt[at].StartsWith(' '))
                    continue;
                var cut = random.Next(spoilt[at].Length);
                spoilt[at] = " " + spoilt[at][1..Math.Max(1, cut)] + garbage[random.Next(garbage.Length)] + (random.Next(2) == 0 ? spoilt[at][cut..] : "");
            }

            var host = InventoryText.Parse(string.Join('\n', spoilt));
            _ = HostSnapshot.Of(host);
            _ = FactsFromInventory.Of(host, Fixture.Spec, Core.Stages.Role.Old);
            _ = Discovery.Workloads(host);
            _ = LinkProposals.Tunnel(host, host, LinkKind.OpenVpnTap);
            Assert.DoesNotContain(Core.Preflight.PreflightChecks.Run(new(Fixture.Spec, Core.Preflight.HostReading.Of(host), Core.Preflight.HostReading.Of(host))), result => result.Status == Core.Preflight.CheckStatus.Error);
        }
    }

    [Theory]
    [InlineData("6.18.44-fc-v657", "6.18.44")]
    [InlineData("5.15.167.4-microsoft-standard-WSL2", "5.15.167")]
    [InlineData("4.19-rc3", "4.19.0")]
    [InlineData("", "0.0")]
    public void The_kernels_version_is_found_in_its_name(string release, string version) =>
        Assert.Equal(Version.Parse(version), new HostSystem { Hostname = "", KernelRelease = release }.Kernel);
}
