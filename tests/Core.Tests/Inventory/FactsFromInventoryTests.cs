using System.Net;
using MigrationDashboard.Core.Inventory;
using MigrationDashboard.Core.Migrations;
using MigrationDashboard.Core.Network;
using MigrationDashboard.Core.Servers;
using MigrationDashboard.Core.Stages;
using Xunit;

namespace MigrationDashboard.Core.Tests.Inventory;

public class FactsFromInventoryTests
{
    [Fact]
    public void Facts_of_old_name_its_public_address_and_where_the_workload_is()
    {
        var (facts, errors) = FactsFromInventory.Of(Fixture.Old, Fixture.Spec, Role.Old);
        Assert.Empty(errors);
        Assert.Equal(("eth0", "203.0.113.10", "2001:db8:113::10"), (facts!.PublicInterface.Value, facts.PublicIpv4!.ToString(), facts.PublicIpv6!.ToString()));
        Assert.Equal(RulesBackend.Nft, facts.Backend);
        Assert.True(facts.Ipv4ForwardingWasOn);
        var mail = Fixture.Old.Docker!.Container("mail")!;
        Assert.Equal(IPNetwork.Parse("172.18.0.0/16"), facts.WorkloadPlace!.Network);
        Assert.Equal(mail.Networks[0].Address, facts.WorkloadPlace.Address);
        Assert.StartsWith("br-", facts.WorkloadPlace.Bridge.Value, StringComparison.Ordinal);
    }

    [Fact]
    public void Where_docker_has_no_chain_for_ipv6_its_forward_chain_is_opened_as_well()
    {
        var (facts, _) = FactsFromInventory.Of(Fixture.New, Fixture.Spec, Role.New);
        Assert.Equal([FirewallKind.DockerUser, FirewallKind.Iptables], facts!.ForwardFirewalls);
        Assert.Empty(facts.InputFirewalls);
        Assert.Null(facts.WorkloadPlace);
    }

    [Fact]
    public void Ports_of_processes_are_told_from_ports_that_docker_forwards()
    {
        var spec = Fixture.Spec with { Ports = PortList.Parse("25, 587, 2525, 8025, 8053/udp, 5353/udp").Ports };

        Assert.Equal(PortList.Parse("2525, 5353/udp").Ports, FactsFromInventory.Of(Fixture.Old, spec, Role.Old).Facts!.ProcessPorts);
        Assert.Empty(FactsFromInventory.Of(Fixture.Old, spec, Role.New).Facts!.ProcessPorts);
    }

    [Fact]
    public void The_address_that_the_default_route_prefers_is_the_public_one()
    {
        var (facts, _) = FactsFromInventory.Of(Fixture.Plain, Fixture.Spec, Role.New);
        Assert.Equal(("ens3", "198.51.100.8", "2001:db8:5::7"), (facts!.PublicInterface.Value, facts.PublicIpv4!.ToString(), facts.PublicIpv6!.ToString()));
        Assert.False(facts.Ipv4ForwardingWasOn);
    }

    [Fact]
    public void Without_a_default_route_there_are_no_facts_but_a_reason()
    {
        var (facts, errors) = FactsFromInventory.Of(Fixture.New with { Routes = [] }, Fixture.Spec, Role.New);
        Assert.Null(facts);
        Assert.Equal("publicInterface", Assert.Single(errors).Field);
    }

    [Fact]
    public void A_host_without_nft_uses_iptables_and_one_without_both_none()
    {
        var without = Fixture.New with { Firewall = Fixture.New.Firewall with { NftWorks = null } };
        Assert.Equal(RulesBackend.Iptables, FactsFromInventory.Of(without, Fixture.Spec, Role.New).Facts!.Backend);
        var (facts, errors) = FactsFromInventory.Of(without with { Tools = ["ip"] }, Fixture.Spec, Role.New);
        Assert.Null(facts);
        Assert.Contains(errors, error => error.Field == "backend");
    }

    [Fact]
    public void Before_418_nft_is_not_mixed_with_the_nat_of_iptables() =>
        Assert.Equal(RulesBackend.Iptables, FactsFromInventory.Backend(Fixture.New with { System = Fixture.New.System with { KernelRelease = "4.9.0-8-amd64" } }));

    [Fact]
    public void Forwarding_counts_as_off_when_it_was_off_before_our_first_migration()
    {
        var host = Fixture.New with { Own = new(true, ["0123abcd"], [new("net/ipv4/ip_forward", "0")]) };
        Assert.False(FactsFromInventory.Of(host, Fixture.Spec, Role.New).Facts!.Ipv4ForwardingWasOn);
    }

    [Fact]
    public void Ufw_is_told_of_both_directions_when_it_is_on()
    {
        var host = Fixture.Plain with { Firewall = Fixture.Plain.Firewall with { Nft = [], Ufw = new(true, "DROP", "DROP") } };
        var (facts, _) = FactsFromInventory.Of(host, Fixture.Spec, Role.New);
        Assert.Equal([FirewallKind.Ufw], facts!.ForwardFirewalls);
        Assert.Equal([FirewallKind.Ufw], facts.InputFirewalls);
    }

    [Fact]
    public void Egress_through_new_needs_a_container_on_a_bridge()
    {
        var spec = Fixture.Spec with { EgressThroughNew = true, Workload = new SystemdUnit(Name.Parse<UnitName>("postfix.service", "unit"), []) };
        Assert.Contains(FactsFromInventory.Of(Fixture.Old, spec, Role.Old).Errors, error => error.Field == "workloadPlace");
    }

    [Theory]
    [InlineData("-j DROP", true)]
    [InlineData("-j REJECT --reject-with icmp-host-prohibited", true)]
    [InlineData("-i eth0 -j DROP", true)]
    [InlineData("-i eth5 -j DROP", false)]
    [InlineData("! -i eth5 -j DROP", true)]
    [InlineData("-p tcp -m tcp --dport 22 -j DROP", false)]
    [InlineData("-m conntrack --ctstate INVALID -j DROP", false)]
    [InlineData("-m comment --comment \"drop it all\" -j DROP", true)]
    [InlineData("-o tap+ -j DROP", true)]
    [InlineData("-j MYDROP", true)]
    [InlineData("-j NOWHERE", false)]
    public void What_iptables_does_by_default_follows_from_rules_that_ask_for_nothing_else(string rule, bool drops)
    {
        var firewall = new HostFirewall
        {
            Iptables =
            [
                new(System.Net.Sockets.AddressFamily.InterNetwork, "filter", "FORWARD", "ACCEPT", [rule], false),
                new(System.Net.Sockets.AddressFamily.InterNetwork, "filter", "MYDROP", null, ["-j DROP"], false),
            ],
        };
        Assert.Equal(drops, PacketWalk.IptablesDrops(firewall, System.Net.Sockets.AddressFamily.InterNetwork, "FORWARD", "eth0", "tap7"));
    }

    [Theory]
    [InlineData("drop", "accept", true)]
    [InlineData("drop", "iifname \"eth0\" oifname \"tap7\" accept", false)]
    [InlineData("drop", "iifname { \"eth1\", \"eth0\" } counter accept comment \"by hand\"", false)]
    [InlineData("drop", "tcp dport 25 accept", true)]
    [InlineData("accept", "iifname != \"eth1\" counter reject with icmp type admin-prohibited", true)]
    [InlineData("accept", "log prefix \"no way \" level info drop", true)]
    [InlineData("accept", "ct state invalid drop", false)]
    [InlineData("accept", "jump closed", true)]
    public void What_plain_nft_does_by_default_follows_likewise(string policy, string rule, bool drops)
    {
        var firewall = new HostFirewall
        {
            Nft = [new("inet", "fw", [new("forward", "filter", "forward", "filter", policy, rule == "accept" ? [] : [rule]), new("closed", null, null, null, "accept", ["drop"])])],
        };
        Assert.Equal(drops, PacketWalk.NftDrops(firewall, System.Net.Sockets.AddressFamily.InterNetwork, "FORWARD", "eth0", "tap7").Any());
    }
}
