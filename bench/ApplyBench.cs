using System.Diagnostics;
using MigrationDashboard.Core.Migrations;
using MigrationDashboard.Core.Servers;
using MigrationDashboard.Core.Stages;
using MigrationDashboard.Driver;

namespace MigrationDashboard.Bench;

/// <summary>How long stages take through the API, over warm connections: one round trip a host to apply and one to confirm.</summary>
internal static class ApplyBench
{
    private const int Rounds = 3;

    public static async Task<bool> RunAsync(Lab lab, string program)
    {
        await using var dashboard = await Dashboard.StartAsync(program);
        var key = await dashboard.ImportKeyAsync(lab.Fact("LAB_KEY"));
        var id = await dashboard.AddMigrationAsync(new()
        {
            Name = "apply", OldServer = await dashboard.RegisterAsync("old", lab.Fact("LAB_OLD"), key), NewServer = await dashboard.RegisterAsync("new", lab.Fact("LAB_NEW"), key),
            Ports = "8025", Mode = CutoverMode.Parallel, Gate = new(0, 0, 0), Workload = new() { Kind = "docker", Container = "echo" },
            Link = new() { Kind = LinkKind.Existing, OldInterface = "eth1", NewInterface = "eth1", OldIpv4 = lab.Fact("LAB_OLD_LAN") + "/24", NewIpv4 = lab.Fact("LAB_NEW_LAN") + "/24" },
        });
        await dashboard.MustAsync(id, Stage.Preflight);
        for (var round = 1; round <= Rounds; round++)
            foreach (var (stage, direction) in new[] { (Stage.Link, Direction.Advance), (Stage.Forward, Direction.Advance), (Stage.Link, Direction.Rollback), (Stage.Preflight, Direction.Rollback) })
            {
                var clock = Stopwatch.StartNew();
                var run = await dashboard.MustAsync(id, stage, direction);
                var steps = await dashboard.GetAsync<RunStep[]>($"runs/{run.Id}/steps");
                Report.Line(new
                {
                    Bench = "apply", Round = round, Stage = stage.ToString(), Direction = direction.ToString(), TotalMs = clock.ElapsedMilliseconds,
                    ApplyMs = steps.Where(step => step.Name.StartsWith("apply", StringComparison.Ordinal)).Select(step => step.DurationMs).ToArray(),
                    ConfirmMs = steps.Where(step => step.Name == "confirm").Select(step => step.DurationMs).ToArray(),
                });
            }

        return true;
    }
}
