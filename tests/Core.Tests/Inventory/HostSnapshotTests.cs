using System.Net.Sockets;
using MigrationDashboard.Core.Inventory;
using MigrationDashboard.Core.Network;
using Xunit;

namespace MigrationDashboard.Core.Tests.Inventory;

public class HostSnapshotTests
{
    private static HostInventory With(HostInventory host, params IptablesChain[] chains) =>
        host with { Firewall = host.Firewall with { Iptables = [.. host.Firewall.Iptables.Where(chain => !chains.Any(other => (other.Name, other.Family, other.Table) == (chain.Name, chain.Family, chain.Table))), .. chains] } };

    private static ValueList<SnapshotDifference> Compare(HostInventory before, HostInventory after) => HostSnapshot.Compare(HostSnapshot.Of(before), HostSnapshot.Of(after));

    [Fact]
    public void Two_readings_of_an_untouched_host_are_equal_though_counters_ran()
    {
        var later = Fixture.Text("lab-old").Replace(":FORWARD DROP [0:0]", ":FORWARD DROP [77:1234]", StringComparison.Ordinal).Replace("nf_conntrack_count:", "nf_conntrack_count:9", StringComparison.Ordinal);
        Assert.Empty(Compare(Fixture.Old, InventoryText.Parse(later)));
        Assert.Equal(HostSnapshot.Of(Fixture.Old), HostSnapshot.Of(InventoryText.Parse(later)));
    }

    [Fact]
    public void It_survives_being_stored()
    {
        var snapshot = HostSnapshot.Of(Fixture.New);
        Assert.Equal(snapshot, CoreJson.Read<HostSnapshot>(CoreJson.Write(snapshot)));
    }

    [Fact]
    public void An_empty_chain_of_the_kernels_own_that_accepts_is_nothing() =>
        Assert.Empty(Compare(Fixture.Plain, With(Fixture.Plain, new IptablesChain(AddressFamily.InterNetwork, "mangle", "FORWARD", "ACCEPT", [], false))));

    [Fact]
    public void A_chain_of_ours_that_was_left_is_a_difference()
    {
        var difference = Assert.Single(Compare(Fixture.Plain, With(Fixture.Plain, new IptablesChain(AddressFamily.InterNetwork, "nat", "MD-0123ABCD-DNAT", null, [], false))));
        Assert.Equal("iptables 4 nat MD-0123ABCD-DNAT:\n+ chain\n", difference.ToString());
    }

    [Fact]
    public void An_opening_left_in_dockers_user_chain_is_a_difference()
    {
        var left = With(Fixture.New, new IptablesChain(AddressFamily.InterNetwork, "filter", "DOCKER-USER", null, ["-i eth0 -o docker0 -j ACCEPT", "-j RETURN"], false));
        Assert.Equal(["-i eth0 -o docker0 -j ACCEPT"], Assert.Single(Compare(Fixture.New, left)).Added);
    }

    [Fact]
    public void Containers_that_went_and_came_with_their_rules_are_no_difference()
    {
        // The reading of new, with the rules, routes and networks of old's containers: as after the workload has moved.
        var moved = Fixture.Old with { System = Fixture.New.System };
        var gone = moved with
        {
            Docker = moved.Docker! with { Containers = [] },
            Links = moved.Links.Where(link => !link.Name.StartsWith("veth", StringComparison.Ordinal)).ToValueList(),
            Sysctls = moved.Sysctls.Where(sysctl => !sysctl.Path.Contains("/veth", StringComparison.Ordinal)).ToValueList(),
            Firewall = moved.Firewall with { Iptables = moved.Firewall.Iptables.Select(chain => chain with { Rules = chain.Rules.Where(rule => !rule.Contains("172.18.0.", StringComparison.Ordinal) && !rule.Contains("fd00:172:18::3", StringComparison.Ordinal)).ToValueList() }).ToValueList() },
        };
        Assert.NotEqual(HostSnapshot.Of(moved), HostSnapshot.Of(gone));
        Assert.Empty(Compare(moved, gone));
    }

    [Fact]
    public void A_routing_rule_a_route_a_sysctl_a_file_and_a_key_that_stayed_are_each_told()
    {
        var host = Fixture.New;
        var after = host with
        {
            Rules = [.. host.Rules, new(AddressFamily.InterNetwork, 3010, new(0x20000, 0xff0000), 7301, "from all fwmark 0x20000/0xff0000 lookup 7301")],
            Routes = [.. host.Routes, new(AddressFamily.InterNetwork, "unreachable", new(System.Net.IPAddress.Any, 0), null, null, 7301, uint.MaxValue, null, "unreachable default table 7301 metric 4294967295")],
            Sysctls = host.Sysctls.Select(sysctl => sysctl.Path == "net/ipv4/conf/eth1/rp_filter" ? sysctl with { Value = "2" } : sysctl).ToValueList(),
            Files = [.. host.Files, new("/etc/openvpn/md.conf", "00")],
            AuthorizedKeys = [],
            Own = new(true, ["0123abcd"], []),
        };
        Assert.Equal(["authorized keys", "files", "own", "routes", "rules", "sysctls"], Compare(host, after).Select(difference => difference.Area));
        Assert.Contains("+ net/ipv4/conf/eth1/rp_filter = 2", Compare(host, after).Single(difference => difference.Area == "sysctls").ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Forwarding_that_docker_turns_on_for_a_network_that_has_come_with_a_workload_is_no_difference()
    {
        var after = With("1", Fixture.New);
        var before = With("0", Fixture.New with { Docker = Fixture.New.Docker! with { Networks = Fixture.New.Docker!.Networks.Where(network => network.Name != "mailnet").ToValueList() } });
        var workload = Fixture.Spec.Workload;

        Assert.Empty(HostSnapshot.Compare(HostSnapshot.Of(before), HostSnapshot.Of(after), workload));
        Assert.Equal("sysctls", Assert.Single(HostSnapshot.Compare(HostSnapshot.Of(before), HostSnapshot.Of(after))).Area);
        Assert.Equal("sysctls", Assert.Single(HostSnapshot.Compare(HostSnapshot.Of(With("0", Fixture.New)), HostSnapshot.Of(after), workload)).Area);
        Assert.Equal("sysctls", Assert.Single(HostSnapshot.Compare(HostSnapshot.Of(With("1", before)), HostSnapshot.Of(With("0", after)), workload)).Area);

        static HostInventory With(string value, HostInventory host) => host with
        {
            Sysctls = host.Sysctls.Select(sysctl => sysctl.Path is "net/ipv4/ip_forward" or "net/ipv6/conf/all/forwarding" or "net/ipv6/conf/eth0/forwarding" ? sysctl with { Value = value } : sysctl).ToValueList(),
        };
    }

    [Fact]
    public void Another_migration_on_the_host_may_come_meanwhile()
    {
        var host = Fixture.New;
        var other = new Allocation(2, "feedbeef", Allocation.FirstMask);
        var after = host with
        {
            Rules = [.. host.Rules, new(AddressFamily.InterNetwork, 3020, null, 7302, "from all fwmark 0x50000/0xff0000 lookup 7302")],
            Firewall = host.Firewall with { Nft = [new("ip", other.NftTable, [])], NftText = $"table ip {other.NftTable} {{\n\tchain x {{\n\t}}\n}}" },
            Own = new(true, [other.Key], []),
        };
        Assert.Empty(HostSnapshot.Compare(HostSnapshot.Of(host, other), HostSnapshot.Of(after, other)));
        Assert.Equal(3, Compare(host, after).Count);
    }

    [Fact]
    public void A_table_of_nft_that_changed_is_shown_line_by_line()
    {
        var host = Fixture.Plain;
        var after = host with { Firewall = host.Firewall with { NftText = host.Firewall.NftText.Replace("iifname \"lo\" accept", "iifname \"tap0\" accept", StringComparison.Ordinal) } };
        Assert.Equal("nft inet filter:\n- iifname \"lo\" accept\n+ iifname \"tap0\" accept\n", Assert.Single(Compare(host, after)).ToString());
    }

    [Fact]
    public void Rules_in_another_order_are_told()
    {
        var one = With(Fixture.Plain, new IptablesChain(AddressFamily.InterNetwork, "filter", "INPUT", "ACCEPT", ["-i a -j DROP", "-i b -j ACCEPT"], false));
        var other = With(Fixture.Plain, new IptablesChain(AddressFamily.InterNetwork, "filter", "INPUT", "ACCEPT", ["-i b -j ACCEPT", "-i a -j DROP"], false));
        Assert.Contains("another order", Assert.Single(Compare(one, other)).ToString(), StringComparison.Ordinal);
    }
}
