using MigrationDashboard.Core.Migrations;
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
        using var four = WhoAmI.Tcp(hosts.Old, System.Net.IPAddress.Any, 25);
        using var six = WhoAmI.Tcp(hosts.Old, System.Net.IPAddress.IPv6Any, 587);
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
}
