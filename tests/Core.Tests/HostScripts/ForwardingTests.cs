using System.Net;
using MigrationDashboard.Core.Migrations;
using MigrationDashboard.Core.Network;
using MigrationDashboard.Core.Stages;
using Xunit;

namespace MigrationDashboard.Core.Tests.HostScripts;

/// <summary>Packets through real kernels: who answers, and whom does the application see?</summary>
public sealed class ForwardingTests : IDisposable
{
    private readonly ThreeHosts hosts = new();

    public void Dispose() => hosts.Dispose();

    [Theory]
    [InlineData(RulesBackend.Nft)]
    [InlineData(RulesBackend.Iptables)]
    public void A_client_of_new_reaches_the_application_on_old_with_its_own_address(RulesBackend backend)
    {
        using var four = WhoAmI.Tcp(hosts.Old, IPAddress.Any, 25);
        using var six = WhoAmI.Tcp(hosts.Old, IPAddress.IPv6Any, 587);
        var mail = Cases.Mail(backend);
        hosts.Apply(mail, Stage.Link);
        Assert.Equal("refused", hosts.Ask(ThreeHosts.NewPublic, 25));

        hosts.Apply(mail, Stage.Forward);

        Assert.Equal("old 198.51.100.7", hosts.Ask(ThreeHosts.NewPublic, 25));
        Assert.Equal("old 198.51.100.7", hosts.Ask(ThreeHosts.OldPublic, 25));
        Assert.Equal("old 203.0.113.50", hosts.Ask(ThreeHosts.NewPublic, 25, ThreeHosts.Neighbour));
        Assert.Equal("old 2001:db8:c::7", hosts.Ask(ThreeHosts.NewPublic6, 587));
        Assert.Equal("old 2001:db8:c::7", hosts.Ask(ThreeHosts.OldPublic6, 587));
    }

    [Theory]
    [InlineData(RulesBackend.Nft)]
    [InlineData(RulesBackend.Iptables)]
    public void Stragglers_of_old_reach_the_application_on_new_in_the_tail(RulesBackend backend)
    {
        using var four = WhoAmI.Tcp(hosts.New, IPAddress.Any, 25);
        using var six = WhoAmI.Tcp(hosts.New, IPAddress.IPv6Any, 587);

        hosts.Apply(Cases.Mail(backend), Stage.Tail);

        Assert.Equal("new 198.51.100.7", hosts.Ask(ThreeHosts.OldPublic, 25));
        Assert.Equal("new 198.51.100.7", hosts.Ask(ThreeHosts.NewPublic, 25));
        Assert.Equal("new 203.0.113.50", hosts.Ask(ThreeHosts.OldPublic, 25, ThreeHosts.Neighbour));
        Assert.Equal("new 2001:db8:c::7", hosts.Ask(ThreeHosts.OldPublic6, 587));
    }

    [Fact]
    public void Without_the_routing_rule_on_old_a_client_of_new_waits_in_vain()
    {
        using var server = WhoAmI.Tcp(hosts.Old, IPAddress.Any, 25);
        var mail = Cases.Mail();
        hosts.Apply(mail, Stage.Forward);
        Assert.Equal("old 198.51.100.7", hosts.Ask(ThreeHosts.NewPublic, 25));

        hosts.Old.Sh($"ip rule del pref {mail.Allocation.Preference}");

        Assert.Null(hosts.Ask(ThreeHosts.NewPublic, 25, seconds: 1.3));
    }

    [Fact]
    public void With_strict_reverse_path_filtering_on_the_link_a_client_of_new_waits_in_vain()
    {
        using var server = WhoAmI.Tcp(hosts.Old, IPAddress.Any, 25);
        hosts.Old.Sh("echo 1 >/proc/sys/net/ipv4/conf/all/rp_filter; echo 1 >/proc/sys/net/ipv4/conf/link0/rp_filter");
        hosts.Apply(Cases.Mail(), Stage.Forward);
        Assert.Equal("old 198.51.100.7", hosts.Ask(ThreeHosts.NewPublic, 25));

        hosts.Old.Sh("echo 1 >/proc/sys/net/ipv4/conf/link0/rp_filter");

        Assert.Null(hosts.Ask(ThreeHosts.NewPublic, 25, seconds: 1.3));
    }

    [Fact]
    public void While_the_link_is_down_no_reply_leaves_by_the_public_interface()
    {
        using var server = WhoAmI.Tcp(hosts.Old, IPAddress.Any, 25);
        hosts.Apply(Cases.Mail(), Stage.Forward);
        using var session = hosts.Connect(ThreeHosts.NewPublic, 25);
        Assert.Equal("old 198.51.100.7", session.Greeting);
        hosts.Old.Sh("""
            nft 'add table ip leak; add chain ip leak out { type filter hook postrouting priority 0; }; add counter ip leak leaked; add rule ip leak out oifname pub0 tcp sport 25 counter name leaked'
            ip link set link0 down
            """);

        Assert.False(session.Echoes(10, seconds: 1));
        Assert.Contains("packets 0 bytes 0", hosts.Old.Sh("nft list counter ip leak leaked"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(RulesBackend.Nft)]
    [InlineData(RulesBackend.Iptables)]
    public async Task While_nobody_answers_on_the_link_a_caller_goes_on_trying(RulesBackend backend)
    {
        hosts.Apply(Cases.Mail(backend), Stage.Forward);
        hosts.Old.Sh("ip link set link0 arp off; nft 'add table ip6 mute; add chain ip6 mute in { type filter hook input priority 0; icmpv6 type nd-neighbor-solicit drop; }'; ip neigh flush dev link0");
        hosts.New.Sh("ip neigh flush dev link0");

        // Three questions for the neighbour, a second each, before the kernel tells the caller that it is unreachable.
        var asked = await Task.WhenAll(
            Task.Run(() => hosts.Ask(ThreeHosts.NewPublic, 25, seconds: 5)),
            Task.Run(() => hosts.Ask(ThreeHosts.NewPublic6, 25, seconds: 5)));

        Assert.All(asked, Assert.Null);
    }

    [Fact]
    public void After_the_link_came_back_the_host_puts_its_routes_back_itself()
    {
        using var server = WhoAmI.Tcp(hosts.Old, IPAddress.Any, 25);
        var mail = Cases.Mail();
        hosts.Apply(mail, Stage.Forward);
        hosts.Old.Sh($"ip link set link0 down; ip link set link0 up; ip -6 addr add fd99::1/64 dev link0 nodad");
        Assert.Null(hosts.Ask(ThreeHosts.NewPublic, 25, seconds: 1.3));

        hosts.Old.Sh($"sh {mail.Allocation.Folder}/current.sh link");

        Assert.Equal("old 198.51.100.7", hosts.Ask(ThreeHosts.NewPublic, 25));
    }

    [Fact]
    public void An_application_behind_a_bridge_sees_the_client_too()
    {
        using var container = Container.On(hosts.Old, "172.18.0");
        using var server = WhoAmI.Tcp(container.Host, IPAddress.Any, 25, "mail");
        container.Publish(25);

        hosts.Apply(Cases.Mail(), Stage.Forward);

        Assert.Equal("mail 198.51.100.7", hosts.Ask(ThreeHosts.NewPublic, 25));
        Assert.Equal("mail 198.51.100.7", hosts.Ask(ThreeHosts.OldPublic, 25));
    }

    [Fact]
    public void A_container_published_on_new_already_does_not_take_the_connection()
    {
        using var container = Container.On(hosts.New, "172.19.0");
        using var wrong = WhoAmI.Tcp(container.Host, IPAddress.Any, 25, "container on new");
        using var server = WhoAmI.Tcp(hosts.Old, IPAddress.Any, 25);
        container.Publish(25);
        Assert.Equal("container on new 198.51.100.7", hosts.Ask(ThreeHosts.NewPublic, 25));

        hosts.Apply(Cases.Mail(), Stage.Forward);

        Assert.Equal("old 198.51.100.7", hosts.Ask(ThreeHosts.NewPublic, 25));
    }

    [Theory]
    [InlineData(RulesBackend.Nft)]
    [InlineData(RulesBackend.Iptables)]
    public void A_container_started_on_new_after_forwarding_was_switched_on_is_reached(RulesBackend backend)
    {
        using var container = Container.On(hosts.New, "172.19.0");
        using var server = WhoAmI.Tcp(container.Host, IPAddress.Any, 25, "container on new");
        container.Publish(25);

        hosts.Apply(Cases.Mail(backend), Stage.Tail);

        Assert.Equal("container on new 198.51.100.7", hosts.Ask(ThreeHosts.NewPublic, 25));
        Assert.Equal("container on new 198.51.100.7", hosts.Ask(ThreeHosts.OldPublic, 25));
    }

    [Fact]
    public void Connections_forwarded_before_go_on_after_the_workload_has_moved()
    {
        using var onOld = WhoAmI.Tcp(hosts.Old, IPAddress.Any, 25);
        using var onNew = WhoAmI.Tcp(hosts.New, IPAddress.Any, 25);
        var mail = Cases.Mail();
        hosts.Apply(mail, Stage.Drain);
        using var session = hosts.Connect(ThreeHosts.NewPublic, 25);
        Assert.Equal("old 198.51.100.7", session.Greeting);

        hosts.Apply(mail, Stage.Tail);

        Assert.True(session.Echoes(100_000));
        Assert.Equal("new 198.51.100.7", hosts.Ask(ThreeHosts.NewPublic, 25));
    }

    [Fact]
    public void Large_transfers_pass_a_link_that_carries_less_than_the_public_network()
    {
        hosts.Old.Sh("ip link set link0 mtu 1400");
        hosts.New.Sh("ip link set link0 mtu 1400");
        // A network that drops what routers say about packets too big, as many do.
        hosts.New.Sh("nft 'add table ip silent; add chain ip silent out { type filter hook output priority 0; }; add rule ip silent out icmp type destination-unreachable drop'");
        using var server = WhoAmI.Tcp(hosts.Old, IPAddress.Any, 25);
        var mail = Cases.Mail();
        mail = mail with { NewFacts = mail.NewFacts! with { LinkMtu = 1400 } };

        hosts.Apply(mail, Stage.Forward);

        using var session = hosts.Connect(ThreeHosts.NewPublic, 25);
        Assert.True(session.Echoes(300_000));
    }

    [Theory]
    [InlineData(RulesBackend.Nft)]
    [InlineData(RulesBackend.Iptables)]
    public void Datagrams_reach_the_application_on_old_and_answers_come_back(RulesBackend backend)
    {
        using var four = WhoAmI.Udp(hosts.Old, IPAddress.Parse("10.99.0.1"), 5353);
        using var six = WhoAmI.Udp(hosts.Old, IPAddress.Parse("fd99::1"), 5353);
        hosts.Apply(Cases.Mail(backend, ports: "5353/udp"), Stage.Forward);

        Assert.Equal("old 198.51.100.7", hosts.AskUdp(ThreeHosts.NewPublic, 5353));
        Assert.Equal("old 2001:db8:c::7", hosts.AskUdp(ThreeHosts.NewPublic6, 5353));
    }

    [Theory]
    [InlineData(RulesBackend.Nft)]
    [InlineData(RulesBackend.Iptables)]
    public void A_plain_process_that_listens_on_the_public_address_only_is_reached_by_way_of_new(RulesBackend backend)
    {
        using var tcp = WhoAmI.Tcp(hosts.Old, ThreeHosts.OldPublic, 25);
        using var udp = WhoAmI.Udp(hosts.Old, IPAddress.Any, 5353);
        using var udp6 = WhoAmI.Udp(hosts.Old, IPAddress.IPv6Any, 5353);
        hosts.Apply(Plain(Cases.Mail(backend, ports: "25, 5353/udp")), Stage.Forward);

        Assert.Equal("old 198.51.100.7", hosts.Ask(ThreeHosts.NewPublic, 25));
        Assert.Equal("old 198.51.100.7", hosts.Ask(ThreeHosts.OldPublic, 25));
        Assert.Equal("old 198.51.100.7", hosts.AskUdp(ThreeHosts.NewPublic, 5353));
        Assert.Equal("old 2001:db8:c::7", hosts.AskUdp(ThreeHosts.NewPublic6, 5353));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_client_may_use_the_same_port_of_its_own_for_both_addresses(bool process)
    {
        using var server = WhoAmI.Tcp(hosts.Old, IPAddress.Any, 25);
        var mail = Cases.Mail();
        hosts.Apply(process ? Plain(mail) : mail, Stage.Forward);

        using var direct = hosts.Connect(ThreeHosts.OldPublic, 25, port: 40000);
        using var forwarded = hosts.Connect(ThreeHosts.NewPublic, 25, port: 40000);

        Assert.Equal("old 198.51.100.7", direct.Greeting);
        Assert.Equal("old 198.51.100.7", forwarded.Greeting);
        Assert.True(direct.Echoes(1000) && forwarded.Echoes(1000));
    }

    private static Migration Plain(Migration migration) => migration.With(Role.Old, migration.OldFacts! with { ProcessPorts = migration.Spec.Ports });

    [Theory]
    [InlineData(RulesBackend.Nft)]
    [InlineData(RulesBackend.Iptables)]
    public void A_host_that_did_not_forward_before_does_not_become_an_open_router(RulesBackend backend)
    {
        using var server = WhoAmI.Tcp(hosts.Old, IPAddress.Any, 8080);
        var mail = Cases.Mail(backend);
        // The client uses new as its way to old's address on the link: what a stranger in the same network could try.
        hosts.Client.Sh("ip route add 10.99.0.1 via 203.0.113.20; ip -6 route add fd99::1 via 2001:db8:1::20");
        hosts.Old.Sh("ip route add 198.51.100.0/24 via 10.99.0.2; ip -6 route add 2001:db8:c::/64 via fd99::2");

        hosts.Apply(mail, Stage.Forward);

        Assert.Equal("1\n1\n", hosts.New.Sh("cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv6/conf/all/forwarding"));
        Assert.Null(hosts.Ask(IPAddress.Parse("10.99.0.1"), 8080, seconds: 1.3));
        using var six = WhoAmI.Tcp(hosts.Old, IPAddress.IPv6Any, 8081);
        Assert.Null(hosts.Ask(IPAddress.Parse("fd99::1"), 8081, seconds: 1.3));
    }

    [Fact]
    public void Two_migrations_on_the_same_pair_do_not_disturb_each_other()
    {
        using var mailServer = WhoAmI.Tcp(hosts.Old, IPAddress.Any, 25);
        using var webOnNew = WhoAmI.Tcp(hosts.New, IPAddress.Any, 80);
        var mail = Cases.Mail();
        var web = Cases.Mail(slot: 2, key: "eeeeeeee", ports: "80");
        hosts.Apply(mail, Stage.Forward);
        hosts.Apply(web, Stage.Tail);

        Assert.Equal("old 198.51.100.7", hosts.Ask(ThreeHosts.NewPublic, 25));
        Assert.Equal("new 198.51.100.7", hosts.Ask(ThreeHosts.OldPublic, 80));

        hosts.Apply(web, Stage.Decommission);

        Assert.Equal("old 198.51.100.7", hosts.Ask(ThreeHosts.NewPublic, 25));
        Assert.Equal("refused", hosts.Ask(ThreeHosts.OldPublic, 80));
    }

    [Fact]
    public void The_workloads_own_connections_leave_through_new_and_local_ones_stay()
    {
        using var container = Container.On(hosts.Old, "172.18.0");
        container.Masquerade();
        using var world = WhoAmI.Tcp(hosts.Client, IPAddress.Any, 443, "world");
        var mail = Cases.Mail();
        var place = new WorkloadPlace(Servers.InterfaceName.Of("br-app"), IPAddress.Parse("172.18.0.2"), IPNetwork.Parse("172.18.0.0/16"));
        mail = mail with { Spec = mail.Spec with { EgressThroughNew = true }, OldFacts = mail.OldFacts! with { WorkloadPlace = place } };
        Assert.Equal("world 203.0.113.10", container.Asks(ThreeHosts.ClientAddress, 443));

        hosts.Apply(mail, Stage.Forward);

        Assert.Equal("world 203.0.113.20", container.Asks(ThreeHosts.ClientAddress, 443));
        // 203.0.113.1 is in a network that old itself is in: that is no reason to go through new.
        Assert.Equal("world 203.0.113.10", container.Asks(IPAddress.Parse("203.0.113.1"), 443));
    }
}
