using System.Net;
using System.Net.Sockets;
using MigrationDashboard.Core.HostScripts;
using MigrationDashboard.Core.Migrations;
using MigrationDashboard.Core.Network;
using MigrationDashboard.Core.Servers;
using MigrationDashboard.Core.Stages;
using Xunit;

namespace MigrationDashboard.Core.Tests.Rules;

public sealed class OpeningTests
{
    private static Migration Behind(FirewallKind kind)
    {
        var mail = HostScripts.Cases.Mail();
        return mail with
        {
            OldFacts = mail.OldFacts! with { ForwardFirewalls = [kind], InputFirewalls = [kind] },
            NewFacts = mail.NewFacts! with { ForwardFirewalls = [kind], InputFirewalls = [kind] },
        };
    }

    [Theory]
    [InlineData(Role.Old)]
    [InlineData(Role.New)]
    public void Nothing_is_opened_inside_the_hold(Role role)
    {
        var mail = Behind(FirewallKind.Ufw);
        var held = StageConfigs.For(mail, Stage.Drain, role, held: true).Openings;

        Assert.Empty(StageConfigs.For(mail, Stage.Drain, role).Openings.Except(held));
        Assert.Empty(StageConfigs.For(mail, Stage.Tail, role).Openings.Except(held));
    }

    [Fact]
    public void The_same_opening_has_the_same_name_and_another_one_another()
    {
        var mail = Behind(FirewallKind.Ufw);
        var openings = StageConfigs.For(mail, Stage.Tail, Role.Old).Openings;
        var names = openings.Select(opening => OpeningCommands.Of(mail.Allocation)(opening).Id).ToList();

        Assert.Equal(names, openings.Select(opening => OpeningCommands.Of(mail.Allocation)(opening).Id));
        Assert.Equal(names.Count, names.Distinct().Count());
    }

    [Fact]
    public void One_opening_is_not_taken_for_another_of_its_kind()
    {
        var tunnel = new FirewallOpening(FirewallKind.Ufw, OpeningKind.Input, AddressFamily.InterNetwork, InterfaceName.Of("eth0"), null, IPAddress.Parse("203.0.113.10"), PortList.Parse("1194/udp").Ports);
        var copy = tunnel with { In = InterfaceName.Of("link0"), Peer = IPAddress.Parse("10.99.0.1"), Ports = PortList.Parse("7322").Ports };
        var of = OpeningCommands.Of(HostScripts.Cases.Mail().Allocation);

        Assert.NotEqual(of(tunnel).Check, of(copy).Check);
        Assert.Equal(of(copy).Check.Split("-- ")[1].Split(')')[0], of(copy).Add.Split("comment ")[1]);
    }

    [Fact]
    public void What_ufw_is_told_names_the_family_the_interface_and_the_ports()
    {
        var opening = new FirewallOpening(FirewallKind.Ufw, OpeningKind.Input, AddressFamily.InterNetworkV6, InterfaceName.Of("link0"), null, null, PortList.Parse("25, 587").Ports);

        var commands = OpeningCommands.Of(HostScripts.Cases.Mail().Allocation)(opening);

        Assert.StartsWith("ufw allow in on link0 proto tcp from ::/0 to ::/0 port 25,587 comment md_a1b2c3d4-", commands.Add, StringComparison.Ordinal);
        Assert.Equal("ufw delete allow in on link0 proto tcp from ::/0 to ::/0 port 25,587", commands.Remove);
    }

    [Fact]
    public void Docker_is_asked_where_it_has_a_place_for_it_and_else_the_chain_it_shuts()
    {
        var opening = new FirewallOpening(FirewallKind.DockerUser, OpeningKind.Forward, AddressFamily.InterNetwork, InterfaceName.Of("eth0"), InterfaceName.Of("link0"), IPAddress.Parse("10.99.0.1"), PortList.Parse("25").Ports);

        var commands = OpeningCommands.Of(HostScripts.Cases.Mail().Allocation)(opening);

        Assert.Contains("chain=DOCKER-USER; iptables -w 5 -C FORWARD -j DOCKER-USER 2>/dev/null || chain=FORWARD;", commands.Add, StringComparison.Ordinal);
        Assert.Contains("-I \"$chain\" 1 -i eth0 -o link0 -d 10.99.0.1 -p tcp -m multiport --dports 25", commands.Add, StringComparison.Ordinal);
        Assert.Contains("-D DOCKER-USER ", commands.Remove, StringComparison.Ordinal);
        Assert.Contains("-D FORWARD ", commands.Remove, StringComparison.Ordinal);
    }
}
