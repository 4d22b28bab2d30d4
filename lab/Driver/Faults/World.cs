using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using MigrationDashboard.Core.Migrations;
using MigrationDashboard.Core.Servers;
using MigrationDashboard.Core.Stages;

namespace MigrationDashboard.Driver.Faults;

/// <summary>The lab, a dashboard and one migration of the mail container, with all that can be done to them.</summary>
public sealed partial class World : IAsyncDisposable
{
    private Guid _key;
    private Guid _old;
    private Guid _new;
    private int _migrations;
    private Guid _run;

    private World(Lab lab, string program, Dashboard dashboard) => (Lab, Program, Dashboard) = (lab, program, dashboard);

    private static readonly string[] Hosts = ["old", "new"];

    /// <summary>Seconds. Above the default of 8: a busy computer must not have a cutover taken back.</summary>
    public const int UsualHoldLimit = 20;

    /// <summary>One way, for half of the clients, as from another continent: what is under way when something happens shows only then.</summary>
    private const string MillisecondsAway = "100";

    /// <summary>The dashboard as it was built.</summary>
    public string Program { get; }

    public Lab Lab { get; }

    /// <summary>Another one after it was killed.</summary>
    public Dashboard Dashboard { get; private set; }

    public Guid Migration { get; private set; }

    public static async Task<World> MakeAsync(Lab lab, string program)
    {
        var world = new World(lab, program, await Dashboard.StartAsync(program));
        await lab.CommandAsync("far", MillisecondsAway);
        world._key = await world.Dashboard.ImportKeyAsync(lab.Fact("LAB_KEY"));
        world._old = await world.Dashboard.RegisterAsync("old", lab.Fact("LAB_OLD"), world._key);
        world._new = await world.Dashboard.RegisterAsync("new", lab.Fact("LAB_NEW"), world._key);

        // Another test may have moved it for good.
        if (await world.RunsAsync("new"))
            await world.PutBackAsync();
        await world.AddMigrationAsync(UsualHoldLimit);
        return world;
    }

    /// <summary>Takes the migration back to its beginning and makes another one.</summary>
    /// <param name="quietSeconds">How long established connections get inside the hold.</param>
    public async Task ReplaceMigrationAsync(int holdLimitSeconds, double quietSeconds = 1)
    {
        await GoToAsync(Stage.Preflight);
        await Dashboard.Http.DeleteAsync($"migrations/{Migration}");
        await AddMigrationAsync(holdLimitSeconds, quietSeconds);
    }

    public async ValueTask DisposeAsync()
    {
        await Lab.CommandAsync("near");
        await Dashboard.DisposeAsync();
    }

    private async Task AddMigrationAsync(int holdLimitSeconds, double quietSeconds = 1) => Migration = await Dashboard.AddMigrationAsync(new()
    {
        Name = $"mail {++_migrations}",
        OldServer = _old,
        NewServer = _new,
        Link = new() { Kind = LinkKind.Existing, OldInterface = "eth1", NewInterface = "eth1", OldIpv4 = Lab.Fact("LAB_OLD_LAN") + "/24", NewIpv4 = Lab.Fact("LAB_NEW_LAN") + "/24" },
        Ports = "25, 587",
        Workload = new() { Kind = "docker", Container = "mail" },
        Mode = CutoverMode.Exclusive,
        Gate = new(0, 0, 0),

        HoldLimitSeconds = holdLimitSeconds,
        QuietSeconds = quietSeconds,

        // Below the default of 30: tests wait for it.
        CheckpointSeconds = 20,
    });

    private async Task<Stage> StageAsync() => Enum.Parse<Stage>((await Dashboard.GetAsync<JsonElement>($"migrations/{Migration}")).GetProperty("stage").GetString()!, ignoreCase: true);

    /// <summary>Takes the migration to where a run starts, by runs in which nothing goes wrong.</summary>
    public async Task GoToAsync(Stage wanted)
    {
        for (var moves = 0; await StageAsync() is var now && (now != wanted || (wanted == Stage.Preflight && moves == 0)); moves++)
        {
            if (moves > 16)
                throw new InvalidOperationException($"There is no way from {now} to {wanted}.");
            if (now == Stage.Decommission)
                await StartOverAsync();
            else if (now == Stage.Preflight && moves == 0)
                await Dashboard.MustAsync(Migration, Stage.Preflight);
            else if (now < wanted)
                await Dashboard.MustAsync(Migration, StageOrder.After(now)!.Value);
            else
                await Dashboard.MustAsync(Migration, StageOrder.Before(now)!.Value, Direction.Rollback);
        }
    }

    /// <summary>After a decommission the container lives on <c>new</c>: it is put back as it was at first, for another migration.</summary>
    private async Task StartOverAsync()
    {
        await PutBackAsync();
        await AddMigrationAsync(UsualHoldLimit);
    }

    private async Task PutBackAsync()
    {
        await Lab.ShellAsync("new", "docker rm -f mail; docker volume rm maildata; docker image prune -af >/dev/null; true");
        await Lab.ShellAsync("old", "docker update --restart=unless-stopped mail && docker start mail");
    }

    /// <summary>Does the run with the fault in it, and says what came of it.</summary>
    public async Task<FaultResult> RunAsync(Move move, Fault fault)
    {
        await GoToAsync(move.From);
        await using var load = Load.Start(Lab, LoadArguments(move));
        await Task.Delay(TimeSpan.FromSeconds(1.5));
        var clock = Stopwatch.StartNew();
        if (fault.Moment == "before")
            await fault.StrikeAsync(this);
        _run = fault.AskAsync is { } ask ? await ask(this, move) : (await Dashboard.PostAsync<StageRun>($"migrations/{Migration}/runs", new { target = move.Target, direction = move.Direction })).Id;
        if (fault.Moment != "before")
        {
            if (fault.Moment != "at once")
                await MomentAsync(move.Moments[fault.Moment]);
            await fault.StrikeAsync(this);
        }

        var run = await EndAsync();
        if (fault.MendAsync is { } mend)
            await mend(this);
        var (stage, agrees, why) = await AgreementAsync(move);
        var seconds = clock.Elapsed.TotalSeconds;

        // A moment longer: what a reset or a lost rule does to clients shows now.
        await Task.Delay(TimeSpan.FromSeconds(1.5));
        var summary = await load.StopAsync();
        var failed = summary.GetProperty("failed").GetInt64() + summary.GetProperty("wrong_source").GetInt64();
        var said = $"{run.State}: {run.Error}{(why.Length > 0 ? $" [{why}]" : "")}{(failed > 0 ? $" {summary.GetProperty("failed_by_reason").GetRawText()} wrong source {summary.GetProperty("wrong_source").GetInt64()} {summary.GetProperty("first_failures").GetRawText()}" : "")}";
        return new(
            move.Name, fault.Name, !agrees ? "neither" : stage == move.Destination && (move.Destination != move.From || run.State == RunState.Succeeded) ? "completed" : stage == move.From ? "reverted" : "neither",
            failed, fault.Loss(move), await SshAsync(), agrees, Math.Round(seconds, 1), summary.GetProperty("attempted").GetInt64(), said);
    }

    /// <summary>What the last run did, step by step, and the last of what the dashboard printed.</summary>
    public async Task<string> LogAsync()
    {
        try
        {
            var output = Dashboard.Output;
            return $"{await Dashboard.LogAsync(_run)}\n\n{output[Math.Max(0, output.Length - 8000)..]}";
        }
        catch (Exception problem) when (problem is HttpRequestException or TaskCanceledException)
        {
            return problem.Message;
        }
    }

    private static readonly int[] MailPorts = [25, 587];

    private string[] LoadArguments(Move move)
    {
        var hosts = new List<string>();
        if (move.CallsOld)
            hosts.Add(Lab.Fact("LAB_OLD"));
        if (move.CallsNew)
            hosts.Add(Lab.Fact("LAB_NEW"));
        return [.. hosts.SelectMany(host => MailPorts.SelectMany(port => new[] { "--target", string.Create(CultureInfo.InvariantCulture, $"{host}:{port}/smtp") })),
            "--rate", "50", "--duration", "500", "--from", "198.51.100.2-198.51.100.201", "--connect-timeout", "90", "--timeout", "60"];
    }

    /// <summary>Waits until a step has begun, or the run is over without it.</summary>
    private async Task MomentAsync(string step)
    {
        for (var waited = Stopwatch.StartNew(); waited.Elapsed < TimeSpan.FromSeconds(90); await Task.Delay(15))
        {
            if ((await Dashboard.GetAsync<RunStep[]>($"runs/{_run}/steps")).Any(begun => begun.Name.StartsWith(step, StringComparison.Ordinal)))
                return;
            if ((await Dashboard.GetAsync<StageRun>($"runs/{_run}")).IsOver)
                return;
        }

        throw new TimeoutException($"The run did not come to “{step}”.");
    }

    private async Task<StageRun> EndAsync()
    {
        StageRun? last = null;
        for (var waited = Stopwatch.StartNew(); waited.Elapsed < TimeSpan.FromMinutes(4); await Task.Delay(200))
            try
            {
                last = await Dashboard.GetAsync<StageRun>($"runs/{_run}");
                if (last.IsOver)
                    return last;
            }
            catch (Exception problem) when (problem is HttpRequestException or TaskCanceledException)
            {
                // The dashboard or its database is away for now.
            }

        return last ?? throw new TimeoutException("The dashboard did not come back.");
    }

    /// <summary>Whether the page's stage, both hosts and the place of the workload agree: within the time that hosts take to go back by themselves.</summary>
    private async Task<(Stage Stage, bool Agrees, string Why)> AgreementAsync(Move move)
    {
        var why = "";
        var stage = move.From;
        for (var waited = Stopwatch.StartNew(); waited.Elapsed < TimeSpan.FromSeconds(60); await Task.Delay(500))
            try
            {
                stage = await StageAsync();
                var hosts = await Dashboard.GetAsync<JsonElement>($"migrations/{Migration}/hosts");
                why = string.Join("; ", hosts.EnumerateArray().Where(host => !host.GetProperty("agrees").GetBoolean()).Select(host => host.GetRawText()));
                var (old, @new) = (await RunsAsync("old"), await RunsAsync("new"));
                var onNew = stage is Stage.Tail or Stage.Decommission;
                if (old == onNew || @new != onNew)
                    why += $" the workload runs on old: {old}, on new: {@new}";
                foreach (var host in Hosts)
                    if ((await Lab.TryShellAsync(host, "find /run -maxdepth 1 -name 'migration-dashboard-*'")).Output.Trim() is { Length: > 0 } left)
                        why += $" a copy is still open on {host}: {left}";
                if (why.Length == 0)
                    return (stage, true, "");
            }
            catch (HttpRequestException problem)
            {
                why = problem.Message;
            }

        return (stage, false, why);
    }

    private async Task<bool> RunsAsync(string host) => (await Lab.TryShellAsync(host, "docker inspect -f '{{.State.Running}}' mail")).Output.Trim() == "true";

    private async Task<bool> SshAsync()
    {
        foreach (var host in Hosts)
        {
            var answer = await Lab.RunAsync("ssh",
                ["-F", "none", "-i", Lab.Fact("LAB_KEY"), "-o", $"UserKnownHostsFile={Lab.Fact("LAB_KNOWN_HOSTS")}", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10", $"{Lab.Fact("LAB_USER")}@{Lab.Fact($"LAB_{host.ToUpperInvariant()}")}", "true"]);
            if (answer.ExitCode != 0)
                return false;
        }

        return true;
    }
}
