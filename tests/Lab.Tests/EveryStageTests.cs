using MigrationDashboard.Core.Servers;
using MigrationDashboard.Core.Stages;
using Xunit;

namespace MigrationDashboard.Lab.Tests;

/// <summary>Each kind of link through all stages and back again, with clients calling both addresses in both families.</summary>
public sealed class EveryStageTests(LabFixture fixture, ITestOutputHelper output) : LabTest(fixture, output)
{
    /// <summary>All that is in the hosts' firewalls but what is ours: our tables, our chains and the openings that carry our comment.</summary>
    private const string ForeignRules = """
        for command in iptables-save ip6tables-save; do $command 2>/dev/null | grep -v 'md_\|MD-' | grep -v '^#' | sed 's/\[[0-9:]*\]//'; done
        ! command -v nft >/dev/null || nft list tables | grep -vE ' md_| (filter|nat|mangle|raw)$' | while read -r _ family table; do nft -s list table "$family" "$table"; done
        ! command -v ufw >/dev/null || ufw status | grep -v 'md_\|md0\|eth1'
        """;

    [Theory]
    [InlineData(LinkKind.Existing)]
    [InlineData(LinkKind.OpenVpnTap)]
    [InlineData(LinkKind.Vxlan)]
    public async Task Every_stage_is_rolled_back_and_both_servers_are_as_they_were_found(LinkKind kind)
    {
        var (lab, dashboard) = (Fixture.Lab, Fixture.Dashboard);
        var foreign = (Old: await lab.ShellAsync("old", ForeignRules), New: await lab.ShellAsync("new", ForeignRules));
        Assert.Contains("DOCKER", foreign.Old, StringComparison.Ordinal);
        var id = await dashboard.AddMigrationAsync(Fixture.Echo($"every stage {kind}", kind));
        await ThereAndBackAsync(id, foreign);
        Assert.Equal("", (await lab.ShellAsync("new", "docker ps -aq --filter name=echo")).Trim());
        Assert.Equal(foreign.Old, await lab.ShellAsync("old", ForeignRules));
    }

    private async Task ThereAndBackAsync(Guid id, (string Old, string New) foreign)
    {
        var (lab, dashboard) = (Fixture.Lab, Fixture.Dashboard);
        await using var direct = Calls("LAB_OLD", "LAB_OLD6");

        await dashboard.MustAsync(id, Stage.Preflight);
        await dashboard.MustAsync(id, Stage.Link);

        // To Preflight and from Tail back: these end with a comparison of both servers with their snapshots.
        await dashboard.MustAsync(id, Stage.Preflight, Direction.Rollback);
        await dashboard.MustAsync(id, Stage.Link);
        await dashboard.MustAsync(id, Stage.Forward);
        Assert.Equal(foreign.Old, await lab.ShellAsync("old", ForeignRules));
        Assert.Equal(foreign.New, await lab.ShellAsync("new", ForeignRules));
        await using var forwarded = Calls("LAB_NEW", "LAB_NEW6");
        await dashboard.MustAsync(id, Stage.Dns);
        await dashboard.MustAsync(id, Stage.Drain);
        await dashboard.MustAsync(id, Stage.Cutover);
        Assert.Equal("true", (await lab.ShellAsync("new", "docker inspect -f '{{.State.Running}}' echo")).Trim());
        await Task.Delay(1000, TestContext.Current.CancellationToken);
        foreach (var stage in new[] { Stage.Drain, Stage.Dns, Stage.Forward })
            await dashboard.MustAsync(id, stage, Direction.Rollback);
        await WellAsync(forwarded);
        await dashboard.MustAsync(id, Stage.Link, Direction.Rollback);
        await dashboard.MustAsync(id, Stage.Preflight, Direction.Rollback);
        await WellAsync(direct);
    }

    private Driver.Load Calls(string four, string six) => Driver.Load.Start(Fixture.Lab,
        "--target", $"{Fixture.Lab.Fact(four)}:8025/tcp", "--target", $"[{Fixture.Lab.Fact(six)}]:8025/tcp", "--rate", "40", "--duration", "120",
        "--from", "198.51.100.2-198.51.100.201", "--from", "2001:db8:100::2-2001:db8:100::51", "--connect-timeout", "20");

    private static async Task WellAsync(Driver.Load load)
    {
        var summary = await load.StopAsync();
        Assert.True(
            summary.GetProperty("failed").GetInt64() == 0 && summary.GetProperty("wrong_source").GetInt64() == 0 && summary.GetProperty("attempted").GetInt64() > 100,
            string.Join('\n', summary.GetProperty("by_second").EnumerateArray().Where(second => second.GetProperty("failed").GetInt64() > 0)) + summary.GetProperty("failed_by_reason") + summary.GetProperty("by_target"));
    }
}
