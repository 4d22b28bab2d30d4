using System.Diagnostics;
using MigrationDashboard.Core.Connections;
using MigrationDashboard.Core.Migrations;
using MigrationDashboard.Core.Servers;
using MigrationDashboard.Core.Stages;
using MigrationDashboard.Driver;

namespace MigrationDashboard.Bench.Viewing;

/// <summary>Many open pages watching one migration of the lab: what they cost the server, and how long a packet takes until every page shows it.</summary>
internal static class ViewersBench
{
    /// <summary>Enough that the number has a comma: nothing else in a page is written like it.</summary>
    private const int Sessions = 1100;

    private const int Packets = 40;

    private static readonly TimeSpan Measured = TimeSpan.FromSeconds(60);

    public static async Task<bool> RunAsync(string program, int viewers)
    {
        var lab = await Lab.AttachAsync();
        await using var dashboard = await Dashboard.StartAsync(program, environment: new Dictionary<string, string> { ["ASPNETCORE_ENVIRONMENT"] = "Production" });
        var migration = await MigrationAsync(lab, dashboard);
        await using var load = Load.Start(lab, "--target", $"{lab.Fact("LAB_OLD")}:8025", "--sessions", $"{Sessions}", "--session-interval", "120", "--duration", "500", "--from", "198.51.100.2-198.51.100.201");
        var counted = 0L;
        for (var tries = 0; (counted = await DirectAsync(dashboard, migration)) < Sessions; tries++)
        {
            if (tries > 120)
                throw new InvalidOperationException($"Of {Sessions} sessions {counted} were counted.");
            await Task.Delay(500);
        }

        using var visitor = await Visitor.SignInAsync(dashboard.Address, Dashboard.AdministratorName, Dashboard.AdministratorPassword);
        using var client = new ClientConnections(lab, lab.Fact("LAB_OLD"), 8025);
        await client.OpenAsync();
        await Task.Delay(TimeSpan.FromSeconds(5));
        var idle = await CostAsync(dashboard, () => Task.Delay(Measured / 2));

        var pages = new List<WatchedPage>();
        try
        {
            var opening = Stopwatch.StartNew();
            while (pages.Count < viewers)
                pages.AddRange(await Task.WhenAll(Enumerable.Range(0, Math.Min(8, viewers - pages.Count)).Select(_ => WatchedPage.OpenAsync(visitor, $"/migrations/{migration}"))));
            Report.Say($"{viewers} pages open in {opening.Elapsed.TotalSeconds:0.0} s");
            await Task.Delay(TimeSpan.FromSeconds(8));

            var before = pages.Sum(page => page.Batches);
            var delays = new List<double>();
            var missed = 0;
            var busy = await CostAsync(dashboard, async () =>
            {
                var end = Stopwatch.StartNew();
                for (var packet = 0; packet < Packets; packet++)
                {
                    var shown = pages.Max(page => page.Shown);
                    var sent = await client.OpenAsync();
                    await Task.Delay(TimeSpan.FromSeconds(Measured.TotalSeconds / Packets));
                    foreach (var page in pages)
                        if (await page.WhenAsync(shown + 1, sent + TimeSpan.FromSeconds(5)) is { } at)
                            delays.Add((at - sent).TotalMilliseconds);
                        else
                            missed++;
                }

                if (Measured - end.Elapsed is { Ticks: > 0 } rest)
                    await Task.Delay(rest);
            });
            var sorted = delays.Order().ToList();
            Report.Line(new
            {
                Bench = "viewers",
                Pages = viewers,
                Packets,
                Updates = pages.Sum(page => page.Batches) - before,
                CpuCoresWithout = Math.Round(idle.Own, 3),
                CpuCoresWith = Math.Round(busy.Own, 3),
                CpuCoresOfPages = Math.Round(busy.Own - idle.Own, 3),
                CpuCoresWithDatabaseAndSsh = Math.Round(busy.All, 3),
                MemoryMb = Math.Round(Processor.Memory(dashboard.ProcessId)),
                KbPerPageAndSecond = Math.Round(pages.Average(page => page.Bytes) / 1024 / 60, 1),
                DelayP50Ms = Math.Round(sorted[sorted.Count / 2]),
                DelayP99Ms = Math.Round(sorted[(int)(sorted.Count * 0.99)]),
                DelayMaxMs = Math.Round(sorted[^1]),
                Missed = missed,
                Failed = pages.Count(page => page.Failure is not null),
            });
            foreach (var failure in pages.Select(page => page.Failure).OfType<Exception>().Take(3))
                Report.Say(failure.ToString());
            return missed == 0 && busy.Own - idle.Own < 0.5 && sorted[^1] < 1500;
        }
        finally
        {
            foreach (var page in pages)
                await page.DisposeAsync();
            await load.StopAsync();
            await dashboard.MustAsync(migration, Stage.Preflight, Direction.Rollback);
        }
    }

    private static async Task<Guid> MigrationAsync(Lab lab, Dashboard dashboard)
    {
        var key = await dashboard.ImportKeyAsync(lab.Fact("LAB_KEY"));
        var id = await dashboard.AddMigrationAsync(new()
        {
            Name = "watched",
            OldServer = await dashboard.RegisterAsync("old", lab.Fact("LAB_OLD"), key),
            NewServer = await dashboard.RegisterAsync("new", lab.Fact("LAB_NEW"), key),
            Ports = "8025",
            Mode = CutoverMode.Parallel,
            Workload = new() { Kind = "docker", Container = "echo" },
            Link = new() { Kind = LinkKind.Existing, OldInterface = "eth1", NewInterface = "eth1", OldIpv4 = lab.Fact("LAB_OLD_LAN") + "/24", NewIpv4 = lab.Fact("LAB_NEW_LAN") + "/24" },
        });
        await dashboard.MustAsync(id, Stage.Preflight);
        await dashboard.MustAsync(id, Stage.Link);
        return id;
    }

    private static async Task<long> DirectAsync(Dashboard dashboard, Guid migration) => (await dashboard.GetAsync<LiveCounts>($"migrations/{migration}/counts"))[ConnectionPath.Direct].Established;

    /// <summary>Cores, on average: of the dashboard's own process, and with its database and its SSH clients.</summary>
    private static async Task<(double Own, double All)> CostAsync(Dashboard dashboard, Func<Task> work)
    {
        var clock = Stopwatch.StartNew();
        var before = Processor.Seconds(dashboard.ProcessId);
        await work();
        var after = Processor.Seconds(dashboard.ProcessId);
        return ((after.Own - before.Own) / clock.Elapsed.TotalSeconds, (after.WithChildren - before.WithChildren) / clock.Elapsed.TotalSeconds);
    }
}
