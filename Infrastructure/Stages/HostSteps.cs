using System.Diagnostics;
using MigrationDashboard.Core.HostScripts;
using MigrationDashboard.Core.Network;
using MigrationDashboard.Core.Stages;
using MigrationDashboard.Infrastructure.Hosts;
using MigrationDashboard.Infrastructure.Migrations;
using MigrationDashboard.Infrastructure.Ssh;

namespace MigrationDashboard.Infrastructure.Stages;

/// <summary>The steps that change hosts and make the change stay, or take it back.</summary>
public sealed class HostSteps(HostApply hosts, MigrationStore migrations, RunStore runs, PathProbe probe, WorkloadSteps workloads)
{
    public async Task ApplyAsync(RunContext context, Step.Apply step, CancellationToken cancellation)
    {
        context.Releasing = step.Held ? 0 : step.Order.Count;
        if (step.Held)
            await HoldAsync(context, step, cancellation);
        else if (step.Commit)
            await ReleaseAsync(context, step, cancellation);
        else
            foreach (var role in step.Order)
                await ApplyAsync(context, step, role, cancellation);
        context.Given = (step.Stage, step.Held);
        if (context.HoldMs is { } held && !step.Held)
            context.Log.Write(token => runs.SaveHoldAsync(context.Run.Id, held, token));
    }

    /// <summary>
    /// Where the workload is served first: who comes by the other host ends up there and waits as well. So the other one's hold begins when this one's rules
    /// are set, and is only waited for where it is needed, before anything is started there: see <see cref="RunContext.Beside"/>.
    /// </summary>
    private async Task HoldAsync(RunContext context, Step.Apply step, CancellationToken cancellation)
    {
        var begun = Stopwatch.StartNew();

        // Its time has run on the first one since: the other must still go back before that.
        context.Beside = await OneBeforeTheOtherAsync(context, step, RunContext.ServedBy(context.Migration.Stage), "rules",
            () => step with { Arm = Math.Max(1, step.Arm!.Value - (int)Math.Ceiling(begun.Elapsed.TotalSeconds)) }, cancellation);
    }

    /// <summary>
    /// The one the workload has come to makes its change stay, just before it lets clients in. Only then the other one is told to send its clients there:
    /// as long as it is not, it holds and can still take the workload back (docs/decisions/041).
    /// </summary>
    private async Task ReleaseAsync(RunContext context, Step.Apply step, CancellationToken cancellation) =>
        await await OneBeforeTheOtherAsync(context, step, RunContext.ServedBy(step.Stage), "stays", () => step, cancellation);

    /// <param name="done">The other one begins as soon as this step is done on the first one.</param>
    /// <returns>Over when both are.</returns>
    private async Task<Task> OneBeforeTheOtherAsync(RunContext context, Step.Apply step, Role first, string done, Func<Step.Apply> other, CancellationToken cancellation)
    {
        var reached = new TaskCompletionSource();
        var one = ApplyAsync(context, step, first, cancellation, name =>
        {
            if (name == done)
                reached.TrySetResult();
        });
        if (await Task.WhenAny(one, reached.Task) == one)
            await one;
        return Both([one, .. step.Order.Where(role => role != first).Select(role => ApplyAsync(context, other(), role, cancellation))]);
    }

    /// <summary>The hold is the time in which somebody may be waiting: from the first host whose rules hold to the last one whose rules let clients in.</summary>
    private static void TimeHold(RunContext context, bool held)
    {
        lock (context.Hold)
            if (held)
                context.Hold.Start();
            else if (context.Hold.IsRunning && --context.Releasing == 0)
            {
                context.Hold.Stop();
                context.HoldMs = (int)context.Hold.ElapsedMilliseconds;
            }
    }

    /// <param name="done">Given the name of each step that is done on the host, as it is.</param>
    private Task ApplyAsync(RunContext context, Step.Apply step, Role role, CancellationToken cancellation, Action<string>? done = null) =>
        context.Log.StepAsync(step.Held ? "hold" : context.Hold.IsRunning ? "release" : $"apply {step.Stage}", context.Host(role), async notes =>
        {
            var script = Script(context, step, role, IsArmed(context, role));
            notes.Command = StagePlan.Text(context.Migration, step.Stage, role, held: step.Held);

            // Armed before it is sent: the connection may be lost after the host has begun.
            if (step.Arm is not null)
                lock (context.Armed)
                    context.Armed.Add(role);
            try
            {
                var change = await hosts.ApplyAsync(context.Target(role), script, cancellation, name =>
                {
                    if (name == "rules")
                        TimeHold(context, step.Held);
                    done?.Invoke(name);
                });
                notes.ExitCode = 0;
                notes.Add(Tell(change.Steps));
                context.SetConfig(role, change.Config);
                if (change.Unchanged || step.Commit)
                    lock (context.Armed)
                        context.Armed.Remove(role);
                if (step.Commit)
                {
                    context.Committed = true;
                    context.Log.Write(token => migrations.SaveConfigAsync(context.Migration.Id, role, change.Config, token));
                }
            }
            catch (HostChangeException error)
            {
                notes.ExitCode = 1;
                notes.Add(Tell(error.Steps));
                throw;
            }
        });

    private string Script(RunContext context, Step.Apply step, Role role, bool armed)
    {
        CheckpointChange checkpoint = step.Arm is { } seconds
            ? new CheckpointChange.Arm(RevertAfter(context, role, seconds, step.Held), context.Run.Token, step.Held ? workloads.OnRevert(context, role) : "")
            : !step.Commit ? new CheckpointChange.Keep(context.Run.Token)
            : armed ? new CheckpointChange.Commit(context.Run.Token) : new CheckpointChange.None();
        var pace = step.Held ? Pace.Hold : context.Hold.IsRunning ? Pace.Release : Pace.Whole;

        // Known before the host has said that it holds: the scripts of a hold's end are read while it begins.
        var expected = pace == Pace.Release ? context.HashOf(context.Migration.Stage, role, held: true) : context.Config(role);
        return ApplyScript.Render(StageConfigs.For(context.Migration, step.Stage, role, step.Held), context.Backend(role), checkpoint, expected, pace: pace);
    }

    private static string Script(RunContext context, Step.HandOver step) => ApplyScript.HandOver(
        StageConfigs.For(context.Migration, context.Destination, step.From), context.Backend(step.From), context.Run.Token, context.Sync?.Scripts.Ask(context.Run.Token) ?? "");

    /// <summary>What hosts can read while clients wait for something else: the scripts of the end of a hold, as they will be when it comes to them.</summary>
    public IEnumerable<(Role Role, string Script)> EndOfHold(RunContext context, Step.HandOver hand, Step.Apply release) =>
        [(hand.From, Script(context, hand)), .. release.Order.Select(role => (role, Script(context, release, role, armed: role != hand.From)))];

    /// <summary>In a cutover the host where the workload was going goes back first and stops it, so that it never runs on both.</summary>
    private static int RevertAfter(RunContext context, Role role, int seconds, bool held) => held && role == RunContext.ServedBy(context.Migration.Stage) ? seconds + StageSteps.RevertLead : seconds;

    /// <summary>
    /// The commit of a cutover. Only after it does the other host let clients in, so nothing they write is ever left behind on a host that goes back;
    /// until then this one goes on holding, so that nobody is refused if the other cannot be reached, and asks the other one itself when nobody tells it
    /// in time (docs/decisions/041).
    /// </summary>
    public Task HandOverAsync(RunContext context, Step.HandOver step, CancellationToken cancellation) => context.Log.StepAsync("hand over", context.Host(step.From), async notes =>
    {
        // It may be done although the answer is lost.
        context.Committed = true;
        await hosts.HandOverAsync(context.Target(step.From), Script(context, step), cancellation);
        notes.ExitCode = 0;
        lock (context.Armed)
            context.Armed.Remove(step.From);
    });

    private static bool IsArmed(RunContext context, Role role)
    {
        lock (context.Armed)
            return context.Armed.Contains(role);
    }

    public async Task ConfirmAsync(RunContext context, CancellationToken cancellation)
    {
        var given = context.Given ?? throw new InvalidOperationException("There is nothing to confirm.");
        var roles = context.Armed.Order().ToList();

        // It may be done although the answer is lost, or nobody waits for it any more.
        context.Committed = true;
        await Both(roles.Select(role => context.Log.StepAsync("confirm", context.Host(role), async notes =>
        {
            await ConfirmAsync(context, role, StageConfigs.For(context.Migration, given.Stage, role, given.Held), cancellation);
            notes.ExitCode = 0;
        })));
        foreach (var role in new[] { Role.Old, Role.New })
        {
            var hash = context.Config(role);
            context.Log.Write(token => migrations.SaveConfigAsync(context.Migration.Id, role, hash, token));
        }
    }

    private async Task ConfirmAsync(RunContext context, Role role, HostConfig config, CancellationToken cancellation)
    {
        var change = await InsistAsync(token => hosts.ConfirmAsync(context.Target(role), config, context.Run.Token, token), cancellation);
        if (change.State == "none")
            context.SetConfig(role, "none");
        lock (context.Armed)
            context.Armed.Remove(role);
    }

    /// <summary>
    /// A new connection may fail or hang (signing in waits for whatever the host's sshd waits for), and a change confirmed on one host only
    /// helps nobody: more attempts begin beside the first. Confirming twice is the same as once.
    /// </summary>
    private static async Task<HostChange> InsistAsync(Func<CancellationToken, Task<HostChange>> confirm, CancellationToken cancellation)
    {
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var attempts = new List<Task<HostChange>>();
        Exception? last = null;
        try
        {
            for (var begun = 0; begun < ConfirmAttempts || attempts.Count > 0;)
            {
                if (begun++ < ConfirmAttempts)
                    attempts.Add(confirm(enough.Token));
                var patience = begun < ConfirmAttempts ? ConfirmPatience : Timeout.InfiniteTimeSpan;
                var ended = await Task.WhenAny([.. attempts, Task.Delay(patience, cancellation)]);
                if (ended is not Task<HostChange> attempt)
                    continue;
                attempts.Remove(attempt);
                try
                {
                    return await attempt;
                }
                catch (Exception error) when (error is SshFailure or HostChangeException { Kind: HostChangeFailureKind.Busy })
                {
                    last = error;
                    await Task.Delay(TimeSpan.FromMilliseconds(300), cancellation);
                }
            }

            throw last!;
        }
        finally
        {
            await enough.CancelAsync();
        }
    }

    private const int ConfirmAttempts = 3;

    /// <summary>A confirmation takes well under a second; the shortest checkpoint an operator would choose leaves time for three of these.</summary>
    private static readonly TimeSpan ConfirmPatience = TimeSpan.FromSeconds(5);

    /// <summary>Makes a change stay that waits for it, with the configuration of the stage it leads to: the other host's has been made to stay already.</summary>
    public Task GoOnAsync(RunContext context, Stage stage, Role role, bool cutover, CancellationToken cancellation) => context.Log.StepAsync("confirm", context.Host(role), async notes =>
    {
        var config = StageConfigs.For(context.Migration, stage, role);
        if (cutover)
        {
            var change = await hosts.ApplyAsync(context.Target(role), config, context.Backend(role), new CheckpointChange.Commit(context.Run.Token), "any", cancellation);
            context.SetConfig(role, change.Config);
            context.Armed.Remove(role);
            notes.Add(Tell(change.Steps));
        }
        else
        {
            await ConfirmAsync(context, role, config, cancellation);
        }

        notes.ExitCode = 0;
    });

    /// <summary>Takes back what was not confirmed. A host that cannot be reached does so itself when its checkpoint runs out.</summary>
    /// <returns>False when a host could not be reached: it goes back by itself.</returns>
    public async Task<bool> RevertAsync(RunContext context, CancellationToken cancellation)
    {
        var reached = true;

        // First the one the workload was going to: it stops what the other is about to start again.
        foreach (var role in context.Armed.OrderBy(role => role == RunContext.ServedBy(context.Migration.Stage)).ToList())
            try
            {
                await context.Log.StepAsync("revert", context.Host(role), async notes =>
                {
                    var change = await hosts.RevertAsync(context.Target(role), context.Migration.Allocation, context.Run.Token, cancellation);
                    notes.ExitCode = 0;
                    notes.Add(Tell(change.Steps));
                });
                context.Armed.Remove(role);
            }
            catch (Exception) when (!cancellation.IsCancellationRequested)
            {
                reached = false;
            }

        return reached;
    }

    public async Task ProbePathAsync(RunContext context, Role via, CancellationToken cancellation)
    {
        var served = RunContext.ServedBy(context.Given?.Stage ?? context.Migration.Stage);
        await context.Log.StepAsync($"probe via {via.ToString().ToLowerInvariant()}", null, async notes =>
        {
            var results = await probe.RunAsync(context.Migration, via, served, context.Target, cancellation);
            foreach (var result in results)
                notes.Add($"{(result.Passed ? "✓" : "✗")} {result.Finding}");
            if (results.Count == 0)
                notes.Add("There is no TCP port to try: only the rules could be checked.");
            if (results.FirstOrDefault(result => !result.Passed) is { } failed)
                throw new RunRefusedException(failed.Finding);
        });
    }

    /// <summary>What is on both hosts, for a node that takes a run over.</summary>
    public async Task<Dictionary<Role, HostState>> StatesAsync(RunContext context, CancellationToken cancellation)
    {
        var states = await Task.WhenAll(new[] { Role.Old, Role.New }.Select(async role =>
            (role, state: await hosts.StateAsync(context.Target(role), context.Migration.Allocation, cancellation))));
        return states.ToDictionary(pair => pair.role, pair => pair.state);
    }

    /// <summary>Sets both hosts to a stage whatever is on them; one that has it already is left alone.</summary>
    public async Task ForceAsync(RunContext context, Stage stage, CancellationToken cancellation)
    {
        foreach (var role in new[] { Role.New, Role.Old })
            await context.Log.StepAsync($"restore {stage}", context.Host(role), async notes =>
            {
                var change = await hosts.ApplyAsync(
                    context.Target(role), StageConfigs.For(context.Migration, stage, role), context.Backend(role), new CheckpointChange.None(), "any", cancellation);
                notes.ExitCode = 0;
                notes.Add(Tell(change.Steps));
                context.SetConfig(role, change.Config);
                context.Log.Write(token => migrations.SaveConfigAsync(context.Migration.Id, role, change.Config, token));
            });
    }

    /// <summary>Waits for both even when one fails, so that nothing goes on in the background while the run is taken back.</summary>
    private static async Task Both(IEnumerable<Task> tasks)
    {
        var all = tasks.ToList();
        await Task.WhenAll(all);
    }

    private static string Tell(IEnumerable<HostStep> steps) => string.Join('\n', steps.Select(step =>
        $"{(step.Exit == 0 ? "✓" : "✗")} {step.Step}{(step.Ms > 0 ? $" {step.Ms} ms" : "")}{(step.Output.Length > 0 ? $": {step.Output}" : "")}"));
}
