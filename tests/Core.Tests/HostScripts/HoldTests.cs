using System.Net;
using MigrationDashboard.Core.Migrations;
using MigrationDashboard.Core.Network;
using MigrationDashboard.Core.Stages;
using Xunit;

namespace MigrationDashboard.Core.Tests.HostScripts;

/// <summary>The moment in which new connections wait.</summary>
public sealed class HoldTests : IDisposable
{
    private readonly ThreeHosts hosts = new();

    public void Dispose() => hosts.Dispose();

    [Theory]
    [InlineData(RulesBackend.Nft)]
    [InlineData(RulesBackend.Iptables)]
    public async Task New_connections_wait_through_an_exclusive_cutover_and_go_on_at_new(RulesBackend backend)
    {
        var mail = Cases.Mail(backend);
        var before = WhoAmI.Tcp(hosts.Old, IPAddress.Any, 25);
        hosts.Apply(mail, Stage.Drain);
        using var established = hosts.Connect(ThreeHosts.NewPublic, 25);
        Assert.Equal("old 198.51.100.7", established.Greeting);

        hosts.Apply(mail, Stage.Drain, held: true);
        var viaOld = Task.Run(() => hosts.Connect(ThreeHosts.OldPublic, 25, seconds: 12));
        var viaNew = Task.Run(() => hosts.Connect(ThreeHosts.NewPublic, 25, seconds: 12));
        await Task.Delay(300);
        Assert.True(established.Echoes(1000), "established connections pass the hold");
        Assert.False(viaOld.IsCompleted || viaNew.IsCompleted, "new connections wait");
        Assert.DoesNotContain("[UNREPLIED]", hosts.New.Sh("cat /proc/net/nf_conntrack 2>/dev/null || conntrack -L 2>/dev/null"), StringComparison.Ordinal);

        before.Dispose();
        using var after = WhoAmI.Tcp(hosts.New, IPAddress.Any, 25);
        hosts.Apply(mail, Stage.Tail, held: true);
        hosts.Apply(mail, Stage.Tail);

        using var first = await viaOld;
        using var second = await viaNew;
        Assert.Equal("new 198.51.100.7", first.Greeting);
        Assert.Equal("new 198.51.100.7", second.Greeting);
        Assert.InRange(first.ConnectSeconds, 0.3, 10);
    }

    [Theory]
    [InlineData(RulesBackend.Nft)]
    [InlineData(RulesBackend.Iptables)]
    public void While_held_the_application_can_still_be_asked_on_the_host_itself(RulesBackend backend)
    {
        using var server = WhoAmI.Tcp(hosts.Old, IPAddress.Any, 25);
        hosts.Apply(Cases.Mail(backend), Stage.Drain, held: true);

        using var own = Session.Open(hosts.Old.Socket(System.Net.Sockets.AddressFamily.InterNetwork, System.Net.Sockets.SocketType.Stream), IPAddress.Any, new(ThreeHosts.OldPublic, 25), 2);

        Assert.Equal("old 203.0.113.10", own.Greeting);
        Assert.Null(hosts.Ask(ThreeHosts.OldPublic, 25, seconds: 1.3));
    }

    [Fact]
    public void Datagrams_are_held_too_and_the_first_answer_after_comes_from_new()
    {
        using var before = WhoAmI.Udp(hosts.Old, IPAddress.Parse("10.99.0.1"), 5353);
        using var after = WhoAmI.Udp(hosts.New, IPAddress.Any, 5353);
        var mail = Cases.Mail(ports: "5353/udp");
        hosts.Apply(mail, Stage.Drain);
        Assert.Equal("old 198.51.100.7", hosts.AskUdp(ThreeHosts.NewPublic, 5353));

        hosts.Apply(mail, Stage.Drain, held: true);
        Assert.Null(hosts.AskUdp(ThreeHosts.NewPublic, 5353, seconds: 0.5));
        hosts.Apply(mail, Stage.Tail, held: true);
        hosts.Apply(mail, Stage.Tail);

        Assert.Equal("new 198.51.100.7", hosts.AskUdp(ThreeHosts.NewPublic, 5353));
    }
}
