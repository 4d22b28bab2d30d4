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
        var releases = context.Hold.IsRunning && !step.Held;
        if (step.Held)
            context.Hold.Start();
        if (step.Together)
            await Both(step.Order.Select(role => ApplyAsync(context, step, role, cancellation)));
        else
            foreach (var role in step.Order)
                await ApplyAsync(context, step, role, cancellation);
        context.Given = (step.Stage, step.Held);
        if (!releases)
            return;
        context.Hold.Stop();
        context.HoldMs = (int)context.Hold.ElapsedMilliseconds;
        context.Log.Write(token => runs.SaveHoldAsync(context.Run.Id, context.HoldMs.Value, token));
    }

    private Task ApplyAsync(RunContext context, Step.Apply step, Role role, CancellationToken cancellation) =>
        context.Log.StepAsync(step.Held ? "hold" : context.Hold.IsRunning ? "release" : $"apply {step.Stage}", context.Host(role), async notes =>
        {
            var config = StageConfigs.For(context.Migration, step.Stage, role, step.Held);
            CheckpointChange checkpoint = step.Arm is { } seconds
                ? new CheckpointChange.Arm(RevertAfter(role, seconds, step.Held), context.Run.Token, step.Held ? workloads.OnRevert(context, role) : "")
                : new CheckpointChange.Keep(context.Run.Token);

            notes.Command = StagePlan.Text(context.Migration, step.Stage, role, held: step.Held);

            // Armed before it is sent: the connection may be lost after the host has begun.
            lock (context.Armed)
                context.Armed.Add(role);
            try
            {
                var change = await hosts.ApplyAsync(context.Target(role), config, context.Backend(role), checkpoint, context.Config(role), cancellation);
                notes.ExitCode = 0;
                notes.Add(Tell(change.Steps));
                context.SetConfig(role, change.Config);
                if (change.Unchanged)
                    lock (context.Armed)
                        context.Armed.Remove(role);
            }
            catch (HostChangeException error)
            {
                notes.ExitCode = 1;
                notes.Add(Tell(error.Steps));
                throw;
            }
        });

    /// <summary>In a cutover <c>new</c> goes back first and stops the workload, so that it never runs on both.</summary>
    private static int RevertAfter(Role role, int seconds, bool held) => held && role == Role.Old ? seconds + StageSteps.RevertLead : seconds;

    public async Task ConfirmAsync(RunContext context, CancellationToken cancellation)
    {
        var given = context.Given ?? throw new InvalidOperationException("There is nothing to confirm.");
        var roles = context.Armed.Order().ToList();
        if (roles.Count == 0)
            context.Committed = true;
        await Both(roles.Select(role => context.Log.StepAsync("confirm", context.Host(role), async notes =>
        {
            var change = await InsistAsync(() => hosts.ConfirmAsync(context.Target(role), StageConfigs.For(context.Migration, given.Stage, role, given.Held), context.Run.Token, cancellation));
            notes.ExitCode = 0;
            context.Committed = true;
            if (change.State == "none")
                context.SetConfig(role, "none");
            lock (context.Armed)
                context.Armed.Remove(role);
        })));
        foreach (var role in new[] { Role.Old, Role.New })
        {
            var hash = context.Config(role);
            context.Log.Write(token => migrations.SaveConfigAsync(context.Migration.Id, role, hash, token));
        }
    }

    /// <summary>A connection may fail once; the checkpoints leave time to try again, and a change confirmed on one host only helps nobody.</summary>
    private static async Task<HostChange> InsistAsync(Func<Task<HostChange>> confirm)
    {
        for (var attempt = 1; ; attempt++)
            try
            {
                return await confirm();
            }
            catch (Exception error) when (attempt < ConfirmAttempts && error is SshFailure or HostChangeException { Kind: HostChangeFailureKind.Busy })
            {
                await Task.Delay(TimeSpan.FromMilliseconds(300));
            }
    }

    private const int ConfirmAttempts = 3;

    /// <summary>Takes back what was not confirmed. A host that cannot be reached does so itself when its checkpoint runs out.</summary>
    /// <returns>False when a host could not be reached: it goes back by itself.</returns>
    public async Task<bool> RevertAsync(RunContext context, CancellationToken cancellation)
    {
        var reached = true;

        // new first: it stops a workload that old is about to start again.
        foreach (var role in context.Armed.OrderDescending().ToList())
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

    /// <summary>Sets both hosts to a stage whatever is on them: the end of a take-over.</summary>
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
