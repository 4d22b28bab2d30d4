using System.Globalization;
using System.Text.Json;
using MigrationDashboard.Core.Migrations;
using MigrationDashboard.Core.Servers;
using MigrationDashboard.Core.Stages;
using MigrationDashboard.Driver;

namespace MigrationDashboard.Bench;

/// <summary>
/// The whole migration on the lab, through the API, with the load on from the first stage to the last: what clients notice. Beside it the
/// same move by the plain recipe without a hold.
/// </summary>
internal static class CutoverBench
{
    private const int MailRate = 5;

    /// <summary>Seconds. Above the default of 8, so that a busy computer measures a long hold instead of a cutover that was taken back.</summary>
    private const int HoldLimit = 45;

    /// <param name="link">Over which link; its kind is part of what is printed.</param>
    public static async Task<bool> RunAsync(Lab lab, string program, string mode, LinkKind link)
    {
        await using var dashboard = await Dashboard.StartAsync(program);
        var key = await dashboard.ImportKeyAsync(lab.Fact("LAB_KEY"));
        var old = await dashboard.RegisterAsync("old", lab.Fact("LAB_OLD"), key);
        var @new = await dashboard.RegisterAsync("new", lab.Fact("LAB_NEW"), key);
        var ok = true;
        if (mode is "all" or "exclusive")
            ok &= await ExclusiveAsync(lab, dashboard, old, @new, link);
        if (mode is "all" or "parallel")
            ok &= await ParallelAsync(lab, dashboard, old, @new, link);
        if (mode is "all" or "recipe")
            ok &= await RecipeAsync(lab);
        return ok;
    }

    private static async Task<bool> ExclusiveAsync(Lab lab, Dashboard dashboard, Guid old, Guid @new, LinkKind link)
    {
        var run = Guid.NewGuid().ToString("N")[..8];
        var id = await dashboard.AddMigrationAsync(Input(lab, "mail " + run, old, @new, "25, 587", "mail", CutoverMode.Exclusive, link));
        await using var load = new StagedLoad(lab, "smtp", [25, 587], ["--mail-rate", MailRate.ToString(CultureInfo.InvariantCulture)], run);
        var cutover = await MigrateAsync(dashboard, id, load);
        var summary = await load.FinishAsync();

        // Every message answered 250 must be in a mailbox on new once the queue is empty.
        var accepted = summary.Accepted;
        var found = new List<string>();
        for (var tries = 0; tries < 60; tries++)
        {
            found = [.. (await lab.ShellAsync("new", "grep -rhao 'X-Load-Id: [A-Za-z0-9-]*' /var/lib/docker/volumes/maildata/_data/boxes | cut -d' ' -f2")).Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(line => line.StartsWith(run, StringComparison.Ordinal))];
            if (accepted.All(found.Contains))
                break;
            await Task.Delay(500);
        }

        var delivered = accepted.Count(found.Contains);
        var duplicated = found.Count - found.Distinct().Count();
        await dashboard.MustAsync(id, Stage.Decommission);
        Print("exclusive", summary, cutover.HoldMs, (accepted.Count, delivered, duplicated));

        // What the hold is made of: the steps as the run recorded them, and what each said of its own parts.
        foreach (var step in await dashboard.GetAsync<RunStep[]>($"runs/{cutover.Id}/steps"))
            Report.Say($"  {step.Name} {step.Host} {step.DurationMs} ms\n    {string.Join("\n    ", step.Output.Trim().Split('\n'))}");
        return Clean(summary) && delivered == accepted.Count && duplicated == 0 && accepted.Count > 0;
    }

    private static async Task<bool> ParallelAsync(Lab lab, Dashboard dashboard, Guid old, Guid @new, LinkKind link)
    {
        var id = await dashboard.AddMigrationAsync(Input(lab, $"echo {Guid.NewGuid():N}"[..12], old, @new, "8025", "echo", CutoverMode.Parallel, link));
        await using var load = new StagedLoad(lab, "tcp", [8025], [], Guid.NewGuid().ToString("N")[..8]);
        await MigrateAsync(dashboard, id, load);
        var summary = await load.FinishAsync();
        await dashboard.MustAsync(id, Stage.Decommission);
        Print("parallel", summary, null, null);
        return Clean(summary);
    }

    /// <summary>The recipe the product starts from, as it is found in the wild: rules by hand, no hold; stop, copy, start, swap the rules.</summary>
    private static async Task<bool> RecipeAsync(Lab lab)
    {
        await Recipe.SetUpAsync(lab);
        await using var load = new StagedLoad(lab, "tcp", [2525], [], Guid.NewGuid().ToString("N")[..8]);
        load.Both();
        await Task.Delay(TimeSpan.FromSeconds(10));
        await Recipe.MoveAsync(lab);
        var summary = await load.FinishAsync();
        await Recipe.TakeDownAsync(lab);
        Print("recipe", summary, null, null);
        return true;
    }

    private static async Task<StageRun> MigrateAsync(Dashboard dashboard, Guid id, StagedLoad load)
    {
        StageRun? last = null;
        foreach (var stage in new[] { Stage.Preflight, Stage.Link, Stage.Forward, Stage.Dns, Stage.Drain, Stage.Cutover })
        {
            if (!load.IsRunning)
                throw new InvalidOperationException("The load generator ended before the migration did.");
            last = await dashboard.MustAsync(id, stage);

            // Nobody calls new before it forwards; from then on clients call both.
            if (stage == Stage.Forward)
                load.Both();
            Report.Say($"{stage}: {(last.FinishedAt - last.StartedAt)?.TotalSeconds:0.0} s{(last.HoldMs is { } hold ? $", held {hold} ms" : "")}");
        }

        return last!;
    }

    private static MigrationInput Input(Lab lab, string name, Guid old, Guid @new, string ports, string container, CutoverMode mode, LinkKind link) => new()
    {
        Name = name,
        OldServer = old,
        NewServer = @new,
        Ports = ports,
        Mode = mode,
        Gate = new(0, 0, 0),
        HoldLimitSeconds = HoldLimit,
        Workload = new() { Kind = "docker", Container = container },
        Link = LinkOf(lab, link),
    };

    private static LinkInput LinkOf(Lab lab, LinkKind kind) => kind == LinkKind.Existing
        ? new() { Kind = kind, OldInterface = "eth1", NewInterface = "eth1", OldIpv4 = lab.Fact("LAB_OLD_LAN") + "/24", NewIpv4 = lab.Fact("LAB_NEW_LAN") + "/24" }
        : new() { Kind = kind, OldInterface = "md0", NewInterface = "md0", OldIpv4 = "10.88.0.1/30", NewIpv4 = "10.88.0.2/30" };

    private static bool Clean(LoadSummary summary) => summary is { Failed: 0, WrongSource: 0 } && summary.Attempted >= StagedLoad.LeastConnections;

    private static void Print(string mode, LoadSummary summary, int? holdMs, (int Accepted, int Delivered, int Duplicated)? mail) => Report.Line(new
    {
        Bench = "cutover",
        Mode = mode,
        Connections = summary.Attempted,
        summary.Failed,
        summary.WrongSource,
        HoldMs = holdMs,
        ConnectP50Ms = summary.P50,
        ConnectP99Ms = summary.P99,
        ConnectMaxMs = summary.Max,
        MailAccepted = mail?.Accepted,
        MailDelivered = mail?.Delivered,
        MailDuplicated = mail?.Duplicated,
        summary.FailedByReason,
    });
}
