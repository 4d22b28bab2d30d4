using System.Net;
using System.Net.Sockets;
using MigrationDashboard.Core.Inventory;
using MigrationDashboard.Core.Network;
using MigrationDashboard.Core.Preflight;
using MigrationDashboard.Core.Servers;
using MigrationDashboard.Core.Stages;
using MigrationDashboard.Core.Tests.Inventory;
using Xunit;
using static MigrationDashboard.Core.Preflight.CheckStatus;

namespace MigrationDashboard.Core.Tests.Preflight;

public class NetworkChecksTests
{
    private static readonly CheckCase Seed = CheckCase.Seed;

    private static LinkNetwork Network(string network, string old, string @new, bool ours = false) => new(IPNetwork.Parse(network), IPAddress.Parse(old), IPAddress.Parse(@new), ours);

    private static CheckCase WithLink(CheckCase seed, Func<Link, Link> change) => seed.WithSpec(spec => spec with { Link = change(spec.Link) });

    [Fact]
    public void The_public_address_must_be_there_and_be_one()
    {
        Assert.Equal(Pass, Seed.Status(new PublicAddressCheck(), Role.New));
        Assert.Equal(Fail, Seed.WithNew(host => host with { Routes = [] }).Status(new PublicAddressCheck(), Role.New));
        Assert.Equal(Fail, Seed.WithNew(host => host with { Addresses = [] }).Status(new PublicAddressCheck(), Role.New));
        var two = Seed.WithNew(host => host with { Addresses = [.. host.Addresses, new("eth0", IPAddress.Parse("203.0.113.99"), 24, "global", false)] }).Ask(new PublicAddressCheck(), Role.New);
        Assert.Equal(Warn, two.Status);
        Assert.Contains("203.0.113.99", two.Found, StringComparison.Ordinal);
    }

    [Fact]
    public void A_private_address_behind_the_providers_nat_warns_and_fails_with_a_tunnel()
    {
        var natted = Seed.WithNew(host => host with { Addresses = [new("eth0", IPAddress.Parse("10.1.2.3"), 24, "global", false)] });
        Assert.Equal(Warn, natted.Status(new PublicAddressCheck(), Role.New));
        Assert.Equal(Fail, natted.WithSpec(_ => CheckCase.Tunnel()).Status(new PublicAddressCheck(), Role.New));
    }

    [Fact]
    public void Ipv6_on_old_without_a_way_to_new_warns()
    {
        Assert.Equal(Warn, Seed.Status(new Ipv6Check()));
        Assert.Equal(Pass, WithLink(Seed, link => link with { Ipv6 = Network("fd77::/64", "fd77::1", "fd77::2", true) }).Status(new Ipv6Check()));
        HostInventory Without(HostInventory host) => host with { Addresses = host.Addresses.Where(address => address.Family == AddressFamily.InterNetwork).ToValueList() };
        Assert.Equal(Warn, Seed.WithNew(Without).Status(new Ipv6Check()));
        Assert.Equal(Pass, Seed.WithOld(Without).Status(new Ipv6Check()));
    }

    [Fact]
    public void The_links_interface_must_be_there_up_and_of_its_own()
    {
        CheckStatus Judge(Func<HostInventory, HostInventory> change) => Seed.WithNew(change).Status(new LinkInterfaceCheck(), Role.New);
        HostInventory Change(HostInventory host, Func<HostLink, HostLink> change) => host with { Links = host.Links.Select(link => link.Name == "eth1" ? change(link) : link).ToValueList() };
        Assert.Equal(Pass, Judge(host => host));
        var missing = Seed.WithNew(host => host with { Links = host.Links.Where(link => link.Name != "eth1").ToValueList() }).Ask(new LinkInterfaceCheck(), Role.New);
        Assert.Equal(Fail, missing.Status);
        Assert.Contains("no interface eth1", missing.Found, StringComparison.Ordinal);
        Assert.Equal(Fail, Judge(host => Change(host, link => link with { Up = false })));
        Assert.Equal(Fail, Judge(host => Change(host, link => link with { Kind = "wireguard" })));
        Assert.Equal(Fail, Judge(host => Change(host, link => link with { Master = "br0" })));
        Assert.Equal(Warn, Judge(host => Change(host, link => link with { Mtu = 1200 })));
        Assert.Equal(Fail, WithLink(Seed, link => link with { NewInterface = Fixture.Interface("eth0") }).Status(new LinkInterfaceCheck(), Role.New));
    }

    [Fact]
    public void A_tunnel_needs_a_name_that_nobody_has()
    {
        var tunnel = Seed.WithSpec(_ => CheckCase.Tunnel());
        Assert.Equal(Pass, tunnel.Status(new LinkInterfaceCheck(), Role.New));
        var taken = tunnel.WithNew(host => host with { Links = [.. host.Links, new("md0", 99, "", 1500, true, "tap", null, false)] });
        Assert.Equal(Fail, taken.Status(new LinkInterfaceCheck(), Role.New));
        Assert.Equal(Pass, taken.WithNew(host => host with { Own = new(true, ["0123abcd"], []) }).Status(new LinkInterfaceCheck(), Role.New));
    }

    [Fact]
    public void The_links_addresses_must_be_on_it_and_in_one_network()
    {
        CheckStatus Judge(LinkNetwork network, Role role = Role.New) => WithLink(Seed, link => link with { Ipv4 = network }).Status(new LinkAddressCheck(), role);
        Assert.Equal(Pass, Seed.Status(new LinkAddressCheck(), Role.Old));
        Assert.Equal(Pass, Seed.Status(new LinkAddressCheck(), Role.New));
        Assert.Equal(Fail, Judge(Network("10.77.0.0/24", "10.77.0.1", "10.77.0.9")));
        Assert.Equal(Fail, Judge(Network("10.77.0.0/24", "10.77.0.1", "10.77.0.1")));
        Assert.Equal(Fail, Judge(Network("10.77.0.0/24", "10.77.0.1", "10.88.0.2")));
        Assert.Equal(Fail, Judge(Network("203.0.113.0/24", "203.0.113.10", "203.0.113.20")));
        Assert.Equal(Fail, Judge(Network("10.77.0.0/16", "10.77.5.1", "10.77.0.2")));
        Assert.Equal(Fail, WithLink(Seed, link => link with { Ipv4 = null }).Status(new LinkAddressCheck(), Role.New));
        Assert.Contains("Did you mean 10.77.0.2?", WithLink(Seed, link => link with { Ipv4 = Network("10.77.0.0/24", "10.77.0.1", "10.77.0.9") }).Ask(new LinkAddressCheck(), Role.New).WillDo, StringComparison.Ordinal);
    }

    [Fact]
    public void Addresses_that_we_add_must_be_free_and_usable()
    {
        CheckStatus Judge(LinkNetwork network) => WithLink(Seed, link => link with { Ipv4 = network }).Status(new LinkAddressCheck(), Role.New);
        Assert.Equal(Pass, Judge(Network("10.254.7.0/30", "10.254.7.1", "10.254.7.2", true)));
        Assert.Equal(Fail, Judge(Network("10.254.7.0/30", "10.254.7.1", "10.254.7.3", true)));
        Assert.Equal(Fail, Judge(Network("10.254.7.0/30", "10.254.7.1", "10.254.7.0", true)));
        Assert.Equal(Pass, Judge(Network("10.254.7.0/31", "10.254.7.1", "10.254.7.0", true)));
        Assert.Equal(Fail, Judge(Network("172.19.0.0/16", "172.19.0.7", "172.19.0.1", true)));
    }

    [Fact]
    public void Openvpn_must_be_able_to_run()
    {
        var tunnel = Seed.WithSpec(_ => CheckCase.Tunnel());
        Assert.Equal(Pass, tunnel.Status(new TunnelCheck(), Role.New));
        Assert.Equal(Fail, tunnel.WithNew(host => host with { Tools = host.Tools.Where(tool => tool != "openvpn").ToValueList() }).Status(new TunnelCheck(), Role.New));
        Assert.Equal(Fail, tunnel.WithNew(host => host with { Tools = host.Tools.Where(tool => tool != "openssl").ToValueList() }).Status(new TunnelCheck(), Role.New));
        Assert.Equal(Fail, tunnel.WithNew(host => host with { System = host.System with { TunDevice = false } }).Status(new TunnelCheck(), Role.New));
        Assert.Equal(Fail, tunnel.WithNew(host => host with { System = host.System with { Versions = [new("openvpn", "OpenVPN 2.5.1 x86_64-pc-linux-gnu")] } }).Status(new TunnelCheck(), Role.New));
        ListeningSocket Busy(ushort port) => new(Transport.Udp, IPAddress.Any, port, null, "openvpn", 7, "openvpn@office.service", null);
        Assert.Equal(Fail, tunnel.WithNew(host => host with { Sockets = [Busy(1194)] }).Status(new TunnelCheck(), Role.New));
        Assert.Equal(Pass, tunnel.WithOld(host => host with { Sockets = [Busy(1194)] }).Status(new TunnelCheck(), Role.Old));
        Assert.Equal(Fail, Seed.WithSpec(_ => CheckCase.Tunnel(LinkKind.Vxlan)).WithOld(host => host with { Sockets = [Busy(4789)] }).Status(new TunnelCheck(), Role.Old));
        Assert.Empty(new TunnelCheck().Judge(Seed.Input));
    }

    [Fact]
    public void The_links_network_must_not_be_anywhere_else()
    {
        Assert.Equal(Pass, Seed.Status(new NetworkOverlapCheck(), Role.New));
        CheckResult Judge(string network, string old, string @new) => Seed.WithSpec(_ => CheckCase.Tunnel() with { Link = CheckCase.Tunnel().Link with { Ipv4 = Network(network, old, @new, true) } }).Ask(new NetworkOverlapCheck(), Role.New);
        Assert.Contains("Docker's network", Judge("172.17.9.0/24", "172.17.9.1", "172.17.9.2").Found, StringComparison.Ordinal);
        Assert.Equal(Fail, Judge("10.77.0.128/25", "10.77.0.129", "10.77.0.130").Status);
        Assert.Equal(Fail, Seed.WithNew(host => host with { Routes = [.. host.Routes, new(AddressFamily.InterNetwork, "unicast", IPNetwork.Parse("10.77.0.0/25"), null, "eth0", 254, 0, null, "10.77.0.0/25 dev eth0")] }).Status(new NetworkOverlapCheck(), Role.New));
    }

    [Fact]
    public void The_workloads_subnet_on_both_matters_only_for_its_own_connections()
    {
        var same = Seed.WithNew(host => host with { Docker = host.Docker! with { Networks = Seed.Old.Docker!.Networks } });
        Assert.Equal(Pass, same.Status(new NetworkOverlapCheck(), Role.New));
        var egress = same.WithSpec(spec => spec with { EgressThroughNew = true });
        Assert.Equal(Warn, egress.Status(new NetworkOverlapCheck(), Role.New));
        Assert.Equal(Fail, egress.WithOld(host => host with { Firewall = host.Firewall with { Iptables = [] } }).Status(new NetworkOverlapCheck(), Role.New));
    }

    [Fact]
    public void The_second_field_of_the_mark_is_used_where_tailscale_has_the_first()
    {
        Assert.Equal(Allocation.FirstMask, MarkChoice.Of(Seed.Old, Seed.New).Mask);
        var choice = MarkChoice.Of(Seed.Old, Fixture.Plain);
        Assert.Equal(Allocation.SecondMask, choice.Mask);
        Assert.Contains("5210", Assert.Single(choice.Taken).Where, StringComparison.Ordinal);
        Assert.Contains(choice.Beside, use => use.Use.Value == 51820);
        Assert.Equal(Pass, (Seed with { New = Fixture.Plain }).Status(new MarkCheck()));
        var calico = Seed.WithNew(host => host with { Rules = [.. host.Rules, new(AddressFamily.InterNetwork, 99, new(0x10000, 0xffff0000), 7, "from all fwmark 0x10000/0xffff0000 lookup 7")] });
        Assert.Equal(Fail, calico.Status(new MarkCheck()));
        Assert.Equal(Warn, Seed.WithNew(host => host with { Managers = host.Managers with { Active = ["tailscaled.service"] } }).Status(new MarkCheck()));
    }

    [Fact]
    public void Marks_of_our_own_migrations_are_not_in_the_way()
    {
        var host = Seed.New with
        {
            Rules =
            [
                new(AddressFamily.InterNetwork, 3010, new(0x20000, 0xff0000), 7301, "from all fwmark 0x20000/0xff0000 lookup 7301"),
                new(AddressFamily.InterNetwork, 3011, new(0x30000, 0xff0000), 254, "from all fwmark 0x30000/0xff0000 lookup main suppress_prefixlength 0"),
            ],
            Firewall = Seed.New.Firewall with { Nft = [new("ip", "md_0123abcd", [new("classify", "filter", "prerouting", "-150", "accept", ["ct mark set ct mark & 0xff00ffff | 0x00010000"])])] },
        };
        Assert.Empty(MarkChoice.Uses(host));
        Assert.NotEmpty(MarkChoice.Uses(host with { Rules = [host.Rules[0] with { Preference = 100 }] }));
    }

    [Theory]
    [InlineData("-j MARK --set-xmark 0x40000/0xff0000", 0x40000u, 0xff0000u)]
    [InlineData("-m mark --mark 0x4000/0x4000 -j MASQUERADE", 0x4000u, 0x4000u)]
    [InlineData("-j CONNMARK --save-mark --nfmask 0xff0000 --ctmask 0xff0000", 0u, 0xff0000u)]
    [InlineData("-j MARK --set-xmark 0x1/0xffffffff", 1u, 0xffffffffu)]
    public void Marks_in_rules_of_iptables_are_found(string rule, uint value, uint mask) => Assert.Contains(new MarkUse(value, mask), MarkChoice.OfIptables(rule));

    [Theory]
    [InlineData("meta mark & 0x00ff0000 == 0x00040000 accept", 0x40000u, 0xff0000u)]
    [InlineData("meta mark and 0xff0000 == 0x40000 accept", 0x40000u, 0xff0000u)]
    [InlineData("meta mark set meta mark & 0xfff0ffff | 0x00040000", 0x40000u, 0xf0000u)]
    [InlineData("meta mark set 0x0000ca6c", 0xca6cu, 0xffffffffu)]
    [InlineData("ct mark 0x00000001 counter", 1u, 0xffffffffu)]
    [InlineData("meta mark set meta mark | 0x00004000", 0x4000u, 0x4000u)]
    public void Marks_in_rules_of_nft_are_found(string rule, uint value, uint mask) => Assert.Contains(new MarkUse(value, mask), MarkChoice.OfNft(rule));

    [Fact]
    public void A_taken_preference_or_table_fails_and_an_earlier_rule_warns()
    {
        Assert.Equal(Pass, Seed.Status(new PolicyRoutingCheck(), Role.New));
        CheckStatus With(HostRule rule) => Seed.WithNew(host => host with { Rules = [.. host.Rules, rule] }).Status(new PolicyRoutingCheck(), Role.New);
        Assert.Equal(Fail, With(new(AddressFamily.InterNetwork, 3011, null, 100, "from 192.0.2.1 lookup 100")));
        Assert.Equal(Warn, With(new(AddressFamily.InterNetwork, 100, null, 100, "from all lookup 100")));
        Assert.Equal(Pass, With(new(AddressFamily.InterNetwork, 100, null, 100, "from 192.0.2.1 lookup 100")));
        Assert.Equal(Pass, With(new(AddressFamily.InterNetwork, 3010, new(0x20000, 0xff0000), 7301, "from all fwmark 0x20000/0xff0000 lookup 7301")));
        Assert.Equal(Fail, (Seed with { New = Fixture.Plain }).Status(new PolicyRoutingCheck(), Role.New));
    }

    [Theory]
    [InlineData("0", "0", "", "all = 0, eth1 = 0")]
    [InlineData("1", "0", "Strict", "all = 1, eth1 = 0")]
    [InlineData("2", "1", "", "all = 2, eth1 = 1")]
    [InlineData("0", "1", "Strict", "all = 0, eth1 = 1")]
    public void A_strict_reverse_path_filter_is_loosened_on_the_link_only(string all, string link, string means, string found)
    {
        var result = Seed.WithOld(host => host with { Sysctls = [new("net/ipv4/conf/all/rp_filter", all), new("net/ipv4/conf/eth1/rp_filter", link)] }).Ask(new ReversePathCheck(), Role.Old);
        Assert.Equal((Pass, found), (result.Status, result.Found));
        Assert.StartsWith(means, result.Means, StringComparison.Ordinal);
        Assert.Equal(means.Length == 0, result.Means.Length == 0);
        Assert.Equal(Unknown, Seed.WithOld(host => host with { Sysctls = [] }).Status(new ReversePathCheck(), Role.Old));
    }

    [Fact]
    public void Switching_forwarding_on_is_announced_with_the_guard()
    {
        Assert.Equal("forwarding is on", Seed.Ask(new ForwardingCheck(), Role.New).Found);
        var off = Seed.WithNew(host => host with { Sysctls = [new("net/ipv4/ip_forward", "0")] }).Ask(new ForwardingCheck(), Role.New);
        Assert.Contains("drops whatever else", off.WillDo, StringComparison.Ordinal);
    }

    [Fact]
    public void Dockers_forward_policy_is_opened_and_a_plain_nft_drop_fails()
    {
        var docker = Seed.Ask(new ForwardFirewallCheck(), Role.New);
        Assert.Equal(Pass, docker.Status);
        Assert.Contains("DOCKER-USER", docker.WillDo, StringComparison.Ordinal);
        var plain = Seed with { New = Fixture.Plain };
        var failed = plain.Ask(new ForwardFirewallCheck(), Role.New);
        Assert.Equal(Fail, failed.Status);
        Assert.Contains("nft insert rule inet filter forward", failed.WillDo, StringComparison.Ordinal);
    }

    [Fact]
    public void A_plain_nft_drop_that_lets_the_link_pass_is_enough()
    {
        HostInventory Opened(params string[] rules) => Fixture.Plain with
        {
            Firewall = Fixture.Plain.Firewall with { Nft = [new("inet", "filter", [new("forward", "filter", "forward", "filter", "drop", rules.ToValueList())])] },
        };
        CheckStatus Judge(params string[] rules) => (Seed with { New = Opened(rules) }).Status(new ForwardFirewallCheck(), Role.New);
        Assert.Equal(Pass, Judge("iifname { \"ens3\", \"eth1\" } oifname { \"ens3\", \"eth1\" } accept"));
        Assert.Equal(Pass, Judge("ct state established,related accept", "iifname \"ens3\" oifname \"eth1\" accept"));
        Assert.Equal(Fail, Judge("iifname \"ens3\" oifname \"eth1\" accept"));
        Assert.Equal(Fail, Judge("ct state established,related accept"));
    }

    [Fact]
    public void Firewalld_fails_until_its_policy_lets_the_link_pass()
    {
        HostInventory With(string rule) => Fixture.Plain with
        {
            Managers = Fixture.Plain.Managers with { Active = ["firewalld.service"] },
            Firewall = Fixture.Plain.Firewall with { Nft = [new("inet", "firewalld", [new("filter_FORWARD", "filter", "forward", "filter + 10", "accept", ["ct state { established, related } accept", rule, "reject with icmpx admin-prohibited"])])] },
        };
        var closed = (Seed with { New = With("ct status dnat accept") }).Ask(new ForwardFirewallCheck(), Role.New);
        Assert.Equal(Fail, closed.Status);
        Assert.Contains("firewall-cmd", closed.WillDo, StringComparison.Ordinal);
        Assert.Equal(Pass, (Seed with { New = With("iifname \"ens3\" oifname \"eth1\" accept") }).Status(new ForwardFirewallCheck(), Role.New));
    }

    [Fact]
    public void Docker_with_its_nftables_backend_is_named()
    {
        var result = Seed.WithNew(host => host with { Docker = host.Docker! with { FirewallBackend = "nftables" }, Firewall = host.Firewall with { Iptables = [] } }).Ask(new ForwardFirewallCheck(), Role.New);
        Assert.Equal(Pass, result.Status);
        Assert.Contains("no DOCKER-USER", result.Found, StringComparison.Ordinal);
    }

    [Fact]
    public void An_input_that_drops_by_default_needs_the_tunnels_port_or_the_applications()
    {
        // A published container's traffic is forwarded, so nothing arrives for the host itself.
        Assert.Equal(Pass, (Seed with { New = Fixture.Plain }).Status(new InputFirewallCheck(), Role.New));
        var tunnel = (Seed with { New = Fixture.Plain }).WithSpec(_ => CheckCase.Tunnel());
        Assert.Equal(Fail, tunnel.Status(new InputFirewallCheck(), Role.New));
        Assert.Equal(Pass, tunnel.Status(new InputFirewallCheck(), Role.Old));
        var unit = (Seed with { Old = Fixture.Plain }).WithSpec(spec => spec with { Workload = new SystemdUnit(Name.Parse<UnitName>("postfix", "unit"), []), Ports = [new(80, Transport.Tcp)] });
        Assert.Equal(Pass, unit.Status(new InputFirewallCheck(), Role.Old));
        Assert.Equal(Fail, unit.WithSpec(spec => spec with { Ports = [new(80, Transport.Tcp), new(25, Transport.Tcp)] }).Status(new InputFirewallCheck(), Role.Old));
    }

    [Theory]
    [InlineData("tcp dport { 22, 80-90 } accept", true)]
    [InlineData("tcp dport 85 ct state new counter accept", true)]
    [InlineData("udp dport 85 accept", false)]
    [InlineData("iifname \"eth0\" tcp dport 85 accept", false)]
    [InlineData("iifname { \"eth0\", \"eth1\" } tcp dport 85 accept", true)]
    [InlineData("tcp dport 85 drop", false)]
    public void Rules_of_nft_that_let_a_port_in_are_known(string rule, bool accepts) => Assert.Equal(accepts, InputFirewallCheck.Accepts(rule, "eth1", new(85, Transport.Tcp)));

    [Fact]
    public void A_file_that_flushes_all_rules_warns_where_nftables_is_in_use()
    {
        Assert.Equal(Pass, Seed.Status(new FlushCheck(), Role.New));
        Assert.Equal(Warn, Seed.WithNew(host => host with { Managers = host.Managers with { Active = ["nftables.service"] } }).Status(new FlushCheck(), Role.New));
    }

    [Fact]
    public void Networkd_warns_unless_it_was_told_to_keep_what_others_made()
    {
        Assert.Equal(Pass, Seed.Status(new NetworkManagerCheck(), Role.New));
        CheckStatus With(bool rules, bool routes) => Seed.WithNew(host => host with { Managers = new(["systemd-networkd.service"], rules, routes, true) }).Status(new NetworkManagerCheck(), Role.New);
        Assert.Equal(Warn, With(false, false));
        Assert.Equal(Warn, With(true, false));
        Assert.Equal(Pass, With(true, true));
    }

    [Theory]
    [InlineData("cilium_host", Fail)]
    [InlineData("cali12ab34", Fail)]
    [InlineData("cni0", Warn)]
    [InlineData("eth7", Pass)]
    public void Networks_of_clusters_are_known_by_their_interfaces(string name, CheckStatus status) =>
        Assert.Equal(status, Seed.WithOld(host => host with { Links = [.. host.Links, new(name, 77, "", 1500, true, "ethernet", null, false)] }).Status(new ClusterNetworkCheck(), Role.Old));
}
