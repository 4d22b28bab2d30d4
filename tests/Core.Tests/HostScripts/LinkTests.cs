using System.Net;
using MigrationDashboard.Core.HostScripts;
using MigrationDashboard.Core.Migrations;
using MigrationDashboard.Core.Network;
using MigrationDashboard.Core.Servers;
using MigrationDashboard.Core.Stages;
using Xunit;

namespace MigrationDashboard.Core.Tests.HostScripts;

/// <summary>The link itself: tunnels made by the hosts, and what the probe says of links that are well and links that are not.</summary>
public sealed class LinkTests : IDisposable
{
    private readonly ThreeHosts hosts = new();

    private static readonly IPAddress OldEnd = IPAddress.Parse("10.98.0.1");
    private static readonly IPAddress NewEnd = IPAddress.Parse("10.98.0.2");

    public void Dispose() => hosts.Dispose();

    private static Link Tunnel(LinkKind kind) => new(
        kind,
        InterfaceName.Of("md-tunnel"),
        InterfaceName.Of("md-tunnel"),
        new(IPNetwork.Parse("10.98.0.0/30"), OldEnd, NewEnd, AddedByUs: true),
        new(IPNetwork.Parse("fd98::/64"), IPAddress.Parse("fd98::1"), IPAddress.Parse("fd98::2"), AddedByUs: true));

    /// <summary>The migration with the keys made on both hosts, as the Link stage begins.</summary>
    private Migration WithKeys(Migration migration)
    {
        foreach (var (host, role) in new[] { (hosts.Old, Role.Old), (hosts.New, Role.New) })
        {
            var outcome = host.Run(LinkKeyScript.Render(migration.Allocation)).MustSucceed("key");
            migration = migration.With(role, migration.Facts(role)! with { LinkFingerprint = LinkKeyScript.Fingerprint(outcome.Out) });
        }

        return migration;
    }

    private static LinkProbe Probe(KernelHost host, Link link, Role role, int wait = 10) =>
        LinkProbeScript.Parse(host.Run(LinkProbeScript.Render(link, role, wait)).MustSucceed("probe").Out);

    [Fact]
    public void A_key_is_made_once_and_never_shown()
    {
        var script = LinkKeyScript.Render(Cases.Mail().Allocation);
        var first = hosts.Old.Run(script).MustSucceed("first").Out;
        var second = hosts.Old.Run(script).MustSucceed("second").Out;

        Assert.Equal(first, second);
        Assert.Equal(32, LinkKeyScript.Fingerprint(first)!.Split(':').Length);
        Assert.DoesNotContain("PRIVATE", first, StringComparison.Ordinal);
        Assert.Equal("600 600\n", hosts.Old.Sh($"cd {Cases.Mail().Allocation.Folder}/link; echo $(stat -c %a key.pem certificate.pem)"));
    }

    [Fact]
    public void An_OpenVPN_link_carries_full_frames_and_the_application_behind_it_sees_its_clients()
    {
        using var server = WhoAmI.Tcp(hosts.Old, IPAddress.Any, 25);
        var mail = WithKeys(Cases.Mail(link: Tunnel(LinkKind.OpenVpnTap)));
        hosts.Apply(mail, Stage.Link);

        var probe = Probe(hosts.Old, mail.Spec.Link, Role.Old);
        Assert.True(probe.Up, probe.Reason);
        Assert.Equal(1500, probe.Mtu);
        Assert.Equal(hosts.New.Sh("cat /sys/class/net/md-tunnel/address").Trim(), probe.PeerMac);
        Assert.InRange(probe.RttMs!.Value, 0.01, 100);
        Assert.True(Probe(hosts.New, mail.Spec.Link, Role.New).Up);

        hosts.Apply(mail, Stage.Forward);
        Assert.Equal("old 198.51.100.7", hosts.Ask(ThreeHosts.NewPublic, 25));
        using var session = hosts.Connect(ThreeHosts.NewPublic, 25);
        Assert.True(session.Echoes(300_000));
    }

    [Fact]
    public void Between_the_hosts_an_OpenVPN_link_shows_no_byte_of_what_it_carries()
    {
        var mail = WithKeys(Cases.Mail(link: Tunnel(LinkKind.OpenVpnTap)));
        hosts.Apply(mail, Stage.Link);
        Assert.True(Probe(hosts.Old, mail.Spec.Link, Role.Old).Up);
        // A frame with this pattern would be seen by the rule, were it not encrypted.
        hosts.New.Sh("nft 'add table netdev spy; add counter netdev spy seen; add counter netdev spy every; add chain netdev spy in { type filter hook ingress device pub0 priority 0; }; add rule netdev spy in udp dport 1194 counter name every'");
        hosts.New.Sh("nft 'add rule netdev spy in udp dport 1194 @th,160,32 0x41414141 counter name seen; add rule netdev spy in udp dport 1194 @th,640,32 0x41414141 counter name seen'");

        hosts.Old.Sh($"ping -c 5 -i 0.05 -p 41 -s 400 {NewEnd} >/dev/null");

        Assert.Contains("packets 0 bytes 0", hosts.New.Sh("nft list counter netdev spy seen"), StringComparison.Ordinal);
        Assert.DoesNotContain("packets 0 bytes 0", hosts.New.Sh("nft list counter netdev spy every"), StringComparison.Ordinal);
    }

    [Fact]
    public void Applied_again_a_tunnel_that_runs_is_left_alone()
    {
        var mail = WithKeys(Cases.Mail(link: Tunnel(LinkKind.OpenVpnTap)));
        hosts.Apply(mail, Stage.Link);
        var process = hosts.Old.Sh($"cat {mail.Allocation.Folder}/link/pid");

        hosts.Apply(mail, Stage.Forward);
        hosts.Old.Apply(mail.Config(Stage.Forward, Role.Old), force: true).MustSucceed("again");

        Assert.Equal(process, hosts.Old.Sh($"cat {mail.Allocation.Folder}/link/pid"));
        hosts.Old.Sh($"kill -0 {process.Trim()}");
    }

    [Fact]
    public void An_OpenVPN_that_is_started_again_finds_its_routes_and_sessions_go_on()
    {
        using var server = WhoAmI.Tcp(hosts.Old, IPAddress.Any, 25);
        var mail = WithKeys(Cases.Mail(link: Tunnel(LinkKind.OpenVpnTap)));
        hosts.Apply(mail, Stage.Link);
        Assert.True(Probe(hosts.Old, mail.Spec.Link, Role.Old).Up);
        hosts.Apply(mail, Stage.Forward);
        using var session = hosts.Connect(ThreeHosts.NewPublic, 25);
        Assert.Equal("old 198.51.100.7", session.Greeting);
        var folder = mail.Allocation.Folder;

        hosts.Old.Sh($"kill -9 $(cat {folder}/link/pid); sleep 0.3; openvpn --cd {folder}/link --config {folder}/link/openvpn.conf --writepid {folder}/link/pid --daemon");

        Assert.True(session.Echoes(1000, seconds: 15), "the session goes on");
        Assert.Equal("old 198.51.100.7", hosts.Ask(ThreeHosts.NewPublic, 25, seconds: 10));
    }

    [Fact]
    public void An_interface_that_was_deleted_is_made_again_with_all_that_belongs_to_it()
    {
        using var server = WhoAmI.Tcp(hosts.Old, IPAddress.Any, 25);
        var mail = WithKeys(Cases.Mail(link: Tunnel(LinkKind.OpenVpnTap)));
        hosts.Apply(mail, Stage.Link);
        Assert.True(Probe(hosts.Old, mail.Spec.Link, Role.Old).Up);
        hosts.Apply(mail, Stage.Forward);
        hosts.Old.Sh("ip link del md-tunnel");

        hosts.Old.Sh($"sh {mail.Allocation.Folder}/current.sh link");

        Assert.Equal("old 198.51.100.7", hosts.Ask(ThreeHosts.NewPublic, 25, seconds: 15));
    }

    [Fact]
    public void A_stranger_with_another_certificate_gets_no_link()
    {
        var mail = WithKeys(Cases.Mail(link: Tunnel(LinkKind.OpenVpnTap)));
        var wrong = mail.With(Role.Old, mail.OldFacts! with { LinkFingerprint = string.Join(':', Enumerable.Repeat("AB", 32)) });
        hosts.Old.Apply(mail.Config(Stage.Link, Role.Old)).MustSucceed("old");
        hosts.New.Apply(wrong.Config(Stage.Link, Role.New)).MustSucceed("new");

        var probe = Probe(hosts.Old, mail.Spec.Link, Role.Old, wait: 4);

        Assert.False(probe.Up);
        Assert.NotEmpty(probe.Reason);
    }

    [Theory]
    [InlineData(LinkKind.OpenVpnTap)]
    [InlineData(LinkKind.Vxlan)]
    public void Taken_away_a_tunnel_leaves_nothing(LinkKind kind)
    {
        var before = hosts.Old.Everything();
        var mail = WithKeys(Cases.Mail(link: Tunnel(kind)));
        hosts.Old.Apply(mail.Config(Stage.Forward, Role.Old)).MustSucceed("forward");
        Assert.Contains("md-tunnel", hosts.Old.Sh("ls /sys/class/net"), StringComparison.Ordinal);

        hosts.Old.Apply(new HostConfig(mail.Allocation)).MustSucceed("away");

        Assert.Equal(before, hosts.Old.Everything());
        Assert.DoesNotContain("md-tunnel", hosts.Old.Sh("ls /sys/class/net"), StringComparison.Ordinal);
        Assert.Equal("", hosts.Old.Sh("for p in /proc/[0-9]*; do tr '\\0' ' ' <$p/cmdline 2>/dev/null | grep '^openvpn' || true; done"));
    }

    [Fact]
    public void A_VXLAN_link_carries_connections_and_its_MTU_is_found()
    {
        using var server = WhoAmI.Tcp(hosts.Old, IPAddress.Any, 25);
        var mail = Cases.Mail(link: Tunnel(LinkKind.Vxlan));
        hosts.Apply(mail, Stage.Link);

        var probe = Probe(hosts.New, mail.Spec.Link, Role.New);
        Assert.True(probe.Up, probe.Reason);
        Assert.Equal(1450, probe.Mtu);

        hosts.Apply(mail with { NewFacts = mail.NewFacts! with { LinkMtu = probe.Mtu } }, Stage.Forward);
        using var session = hosts.Connect(ThreeHosts.NewPublic, 25);
        Assert.Equal("old 198.51.100.7", session.Greeting);
        Assert.True(session.Echoes(300_000));
    }

    [Fact]
    public void An_interface_of_somebody_else_is_not_taken_for_the_tunnel()
    {
        var mail = Cases.Mail(link: Tunnel(LinkKind.Vxlan));
        hosts.Old.Sh("ip link add md-tunnel type bridge");

        var outcome = hosts.Old.Apply(mail.Config(Stage.Link, Role.Old));

        Assert.Equal(1, outcome.Exit);
        Assert.Contains("not ours", outcome.Out, StringComparison.Ordinal);
        Assert.Contains("md-tunnel", hosts.Old.Sh("ls /sys/class/net"), StringComparison.Ordinal);
    }

    [Fact]
    public void The_probe_of_an_existing_network_tells_the_peers_hardware_address_and_the_MTU()
    {
        var probe = Probe(hosts.Old, Cases.ExistingLink, Role.Old, wait: 10);

        Assert.Equal(new LinkProbe(true, hosts.New.Sh("cat /sys/class/net/link0/address").Trim(), probe.RttMs, 1500, ""), probe);
    }

    [Fact]
    public void A_network_that_carries_less_than_its_interfaces_say_is_found_out_in_time()
    {
        // Between the two, something drops what is larger than 1384 bytes and says nothing.
        hosts.New.Sh("nft 'add table netdev narrow; add chain netdev narrow in { type filter hook ingress device link0 priority 0; }; add rule netdev narrow in ip length > 1384 drop; add rule netdev narrow in ip6 length > 1344 drop'");
        var started = System.Diagnostics.Stopwatch.StartNew();

        var probe = Probe(hosts.Old, Cases.ExistingLink, Role.Old, wait: 10);

        Assert.Equal(1384, probe.Mtu);
        Assert.InRange(started.Elapsed.TotalSeconds, 0, 10);
    }

    [Theory]
    [InlineData("ip link set link0 down", "interface link0 is down")]
    [InlineData("ip addr flush dev link0 scope global", "is not on link0")]
    [InlineData("nft 'add table netdev x; add chain netdev x in { type filter hook ingress device link0 priority 0; policy drop; }'", "does not answer on link0")]
    public void The_probe_says_what_is_wrong_with_a_link(string damage, string reason)
    {
        hosts.Old.Sh(damage);

        var probe = Probe(hosts.Old, Cases.ExistingLink, Role.Old, wait: 10);

        Assert.False(probe.Up);
        Assert.Contains(reason, probe.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_peer_that_drops_pings_is_up_all_the_same()
    {
        hosts.New.Sh("nft 'add table inet deaf; add chain inet deaf in { type filter hook input priority 0; }; add rule inet deaf in icmp type echo-request drop; add rule inet deaf in icmpv6 type echo-request drop'");

        var probe = Probe(hosts.Old, Cases.ExistingLink, Role.Old, wait: 10);

        Assert.Equal(new LinkProbe(true, hosts.New.Sh("cat /sys/class/net/link0/address").Trim(), null, null, ""), probe);
    }
}
