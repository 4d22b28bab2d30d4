using System.Net;
using MigrationDashboard.Core.Inventory;
using MigrationDashboard.Core.Servers;
using Xunit;

namespace MigrationDashboard.Core.Tests.Inventory;

public class DiscoveryTests
{
    [Fact]
    public void Containers_and_units_that_serve_clients_are_proposed_with_ports_and_data()
    {
        var candidates = Discovery.Workloads(Fixture.Old);
        Assert.Equal(["echo", "mail", "banner", "udpecho"], candidates.Select(candidate => candidate.Name));
        var mail = candidates.Single(candidate => candidate.Name == "mail");
        Assert.Equal("25/tcp, 587/tcp", mail.Ports.ToString());
        Assert.Equal(["maildata"], mail.Data);
        Assert.Equal(new DockerContainer(DockerName.Of("mail")), mail.Workload);
        Assert.Equal("5353/udp", candidates.Single(candidate => candidate.Name == "udpecho").Ports.ToString());
        Assert.All(candidates, candidate => Assert.Null(candidate.Problem));
    }

    [Fact]
    public void Containers_of_one_compose_project_move_together()
    {
        var host = Fixture.Old;
        var together = host with { Docker = host.Docker! with { Containers = host.Docker.Containers.Select(container => container with { ComposeProject = "shop", ComposeFolder = "/srv/shop" }).ToValueList() } };
        var project = Discovery.Workloads(together)[0];
        Assert.Equal(new ComposeProject(DockerName.Of("shop"), "/srv/shop"), project.Workload);
        Assert.Equal("25/tcp, 587/tcp, 8025/tcp, 8053/udp", project.Ports.ToString());
        Assert.DoesNotContain(Discovery.Workloads(together), candidate => candidate.Workload is DockerContainer);
    }

    [Fact]
    public void Ssh_and_what_listens_on_loopback_only_are_no_open_ports()
    {
        var ports = Discovery.Ports(Fixture.Old);
        Assert.Equal(["25/tcp", "587/tcp", "2525/tcp", "5353/udp", "8025/tcp", "8053/udp"], ports.Select(port => port.Port.ToString()));
        Assert.Equal(new OpenPort(new(25, Transport.Tcp), "mail", "mail", null), ports[0]);
        Assert.Equal("banner.service", ports[2].Unit);
        Assert.Equal([8081], Discovery.Ports(Fixture.Plain).Select(port => (int)port.Port.Number));
    }

    [Fact]
    public void A_container_with_a_network_of_its_own_is_shown_with_the_reason_why_not()
    {
        var host = Fixture.Old;
        var macvlan = host with { Docker = host.Docker! with { Networks = host.Docker.Networks.Select(network => network with { Driver = "macvlan" }).ToValueList() } };
        Assert.Contains("macvlan", Discovery.Workloads(macvlan).Single(candidate => candidate.Name == "mail").Problem, StringComparison.Ordinal);
    }

    [Fact]
    public void The_second_network_of_both_servers_is_proposed_as_link_and_the_public_one_is_not()
    {
        var link = Assert.Single(LinkProposals.Existing(Fixture.Old, Fixture.New));
        Assert.Equal(("eth1", "eth1"), (link.OldInterface.Value, link.NewInterface.Value));
        Assert.Equal(new LinkNetwork(IPNetwork.Parse("10.77.0.0/24"), IPAddress.Parse("10.77.0.1"), IPAddress.Parse("10.77.0.2"), false), link.Ipv4);

        // Both have public IPv6 addresses, the network none: ours are added.
        Assert.True(link.Ipv6 is { AddedByUs: true } ipv6 && Networks.IsPrivate(ipv6.Old) && ipv6.Network.Contains(ipv6.New));
        Assert.Empty(LinkProposals.Existing(Fixture.Old, Fixture.Plain));
    }

    [Fact]
    public void A_tunnel_is_proposed_that_collides_with_nothing()
    {
        var link = LinkProposals.Tunnel(Fixture.Old, Fixture.New, LinkKind.OpenVpnTap)!;
        Assert.Equal(("md0", (ushort?)1194, "10.254.0.0/30", "10.254.0.1", "10.254.0.2"),
            (link.NewInterface.Value, link.Port, link.Ipv4!.Network.ToString(), link.Ipv4.Old.ToString(), link.Ipv4.New.ToString()));
        Assert.Equal(link, LinkProposals.Tunnel(Fixture.Old, Fixture.New, LinkKind.OpenVpnTap));

        var busy = Fixture.New with
        {
            Addresses = [.. Fixture.New.Addresses, new("wg0", IPAddress.Parse("10.254.0.77"), 25, "global", false)],
            Links = [.. Fixture.New.Links, new("md0", 50, "", 1500, true, "tap", null, false)],
            Sockets = [new(Transport.Udp, IPAddress.Any, 1194, null, "openvpn", 5, null, null)],
        };
        var other = LinkProposals.Tunnel(Fixture.Old, busy, LinkKind.OpenVpnTap, link)!;
        Assert.Equal(("md1", (ushort?)1195, "10.254.0.128/30"), (other.NewInterface.Value, other.Port, other.Ipv4!.Network.ToString()));
        Assert.NotEqual(link.Ipv6!.Network, other.Ipv6!.Network);
    }

    [Fact]
    public void Vxlans_share_their_port() =>
        Assert.Equal((ushort?)4789, LinkProposals.Tunnel(Fixture.Old, Fixture.New with { Sockets = [new(Transport.Udp, IPAddress.Any, 4789, null, null, null, null, null)] }, LinkKind.Vxlan)!.Port);
}
