using Microsoft.Extensions.Logging;
using MigrationDashboard.Core.Stages;
using MigrationDashboard.Infrastructure.Audit;
using MigrationDashboard.Infrastructure.Migrations;

namespace MigrationDashboard.Infrastructure.Stages;

/// <summary>
/// Takes a migration from one stage to the next: does the steps of <see cref="StageSteps"/> one after the other, and takes everything back
/// when one fails before the change was made to stay.
/// </summary>
public sealed class StageRunner(
    MigrationStore migrations, RunStore runs, ServerStore servers, ReadSteps reads, HostSteps hosts, WorkloadSteps workloads, GateSteps gates, AuditStore audit, TimeProvider time, ILogger<StageRunner> logger)
{
    /// <summary>Names this node in runs.</summary>
    public static string Node { get; } = $"{Environment.MachineName}:{Environment.ProcessId}";

    /// <summary>How often a running run looks whether it was asked to stop.</summary>
    private static readonly TimeSpan CancelPoll = TimeSpan.FromMilliseconds(500);

    /// <param name="stopping">The dashboard is being shut down: the run is taken back as far as it is not made to stay.</param>
    /// <returns>When the run is to be asked for again: it waits for its window still. Null when it is over.</returns>
    public async Task<DateTimeOffset?> RunAsync(Guid runId, CancellationToken stopping)
    {
        await FollowAsync(runId, stopping);
        return await runs.FindAsync(runId, CancellationToken.None) is { State: RunState.Planned, NotBefore: { } opening } ? opening : null;
    }

    private async Task FollowAsync(Guid runId, CancellationToken stopping)
    {
        var run = await runs.FindAsync(runId, stopping);
        if (run is null || run.IsOver)
            return;
        // To copy ahead of the window the migration must be where the run starts already, with nothing else going on.
        if (run.State == RunState.Planned && run.NotBefore > time.GetUtcNow()
            && (await migrations.FindAsync(run.MigrationId, stopping))?.Migration.Stage != run.From)
            return;
        if (run.State == RunState.Planned && run.NotAfter is { } closing && time.GetUtcNow() > closing)
        {
            await runs.FinishAsync(runId, RunState.Expired, $"Its window closed at {closing:u} before it could start.", stopping);
            return;
        }

        var takenOver = run.State == RunState.Running;
        if (takenOver)
            await runs.AdoptAsync(runId, Node, stopping);
        else if (!await runs.StartAsync(runId, Node, stopping))
        {
            if (run.NotBefore > time.GetUtcNow())
                return;
            await runs.FinishAsync(runId, RunState.Cancelled, "Another run of this migration was under way.", stopping);
            return;
        }

        var steps = await runs.StepsAsync(runId, stopping);
        await using var log = new RunLog(runs, audit, run, steps.Count, time, logger);
        var context = await ContextAsync(run, log, stopping);
        if (takenOver)
            await TakeOverAsync(context, steps.Any(step => step.Name == "hold"), stopping);
        else
            await FollowAsync(context, stopping);
    }

    private async Task FollowAsync(RunContext context, CancellationToken stopping)
    {
        var run = context.Run;
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        using var over = new CancellationTokenSource();
        var watching = WatchForCancelAsync(context, cancel, over.Token);
        try
        {
            if (run.From != context.Migration.Stage)
                throw new RunRefusedException($"it was asked for at {run.From}, but the migration is at {context.Migration.Stage} now");
            foreach (var step in StageSteps.Of(context.Migration, run.Target, run.Direction))
            {
                if (!context.Committed)
                    cancel.Token.ThrowIfCancellationRequested();
                await DoAsync(context, step, context.Committed ? CancellationToken.None : cancel.Token);
            }

            await ArriveAsync(context, RunState.Succeeded, null);
        }
        catch (Exception error)
        {
            var reason = error is OperationCanceledException && cancel.IsCancellationRequested
                ? stopping.IsCancellationRequested ? "The dashboard was shut down." : "Cancelled by the operator."
                : error.Message;
            if (error is not (RunRefusedException or OperationCanceledException or Hosts.HostChangeException or Ssh.SshFailure))
                logger.LogError(error, "Run {Run} of {Migration} failed", run.Id, context.Migration.Spec.Name);
            await GoBackAsync(context, reason, error is OperationCanceledException, stopping.IsCancellationRequested);
        }
        finally
        {
            await over.CancelAsync();
            await watching;
        }
    }

    private Task DoAsync(RunContext context, Step step, CancellationToken cancellation) => step switch
    {
        Step.Read read => reads.ReadAsync(context, read.Snapshot, cancellation),
        Step.RequireChecks => reads.RequireChecksAsync(context, cancellation),
        Step.RequireGate gate => gates.RequireGateAsync(context, gate.AtOpening, cancellation),
        Step.RequireDns => gates.RequireDnsAsync(context, cancellation),
        Step.LinkKeys => reads.LinkKeysAsync(context, cancellation),
        Step.ProbeLink => reads.ProbeLinkAsync(context, cancellation),
        Step.Compare => reads.CompareAsync(context, cancellation),
        Step.Apply apply => hosts.ApplyAsync(context, apply, cancellation),
        Step.ProbePath path => hosts.ProbePathAsync(context, path.Via, cancellation),
        Step.Confirm => hosts.ConfirmAsync(context, cancellation),
        Step.Prepare prepare => workloads.PrepareAsync(context, prepare, cancellation),
        Step.AwaitWindow wait => workloads.AwaitWindowAsync(context, wait.From, cancellation),
        Step.CountSessions count => workloads.CountSessionsAsync(context, count.Role, cancellation),
        Step.RequireNoSessions none => workloads.RequireNoSessionsAsync(context, none.Role, cancellation),
        Step.UnreadyWorkload unready => workloads.UnreadyAsync(context, unready.Role, cancellation),
        Step.Leave leave => workloads.LeaveAsync(context, leave, cancellation),
        Step.Arrive arrive => workloads.ArriveAsync(context, arrive, cancellation),
        Step.StartWorkload start => workloads.StartAsync(context, start.Role, cancellation),
        Step.StopWorkload stop => workloads.StopAsync(context, stop.Role, cancellation),
        Step.DropUdpFlows => workloads.DropUdpFlowsAsync(context, cancellation),
        Step.RetireWorkload retire => workloads.RetireAsync(context, retire.Role, cancellation),
        Step.CloseSync => workloads.CloseSyncAsync(context, cancellation),
        Step.RemoveWorkload remove => workloads.RemoveAsync(context, remove.Role, cancellation),
        _ => throw new InvalidOperationException($"Nobody knows how to do {step}."),
    };

    /// <summary>The stage a run leads to: a cutover ends in Tail.</summary>
    private static Stage Destination(StageRun run) => run is { Direction: Direction.Advance, Target: Stage.Cutover } ? Stage.Tail : run.Target;

    private async Task ArriveAsync(RunContext context, RunState state, string? error)
    {
        context.Log.Write(token => migrations.SaveStageAsync(context.Migration.Id, Destination(context.Run), token));
        context.Log.Write(async token => await runs.FinishAsync(context.Run.Id, state, error, token));
        await context.Log.FlushAsync();
    }

    private async Task GoBackAsync(RunContext context, string reason, bool cancelled, bool shutDown)
    {
        if (context.Committed)
        {
            await workloads.CleanUpAsync(context, keep: true);
            var done = context.Armed.Count == 0;
            await ArriveAsync(context, RunState.Failed, done
                ? $"{reason} The change itself was made and stays: the migration is at {Destination(context.Run)}."
                : $"{reason} The change was confirmed on one server only: look at both, then go on or roll back.");
            return;
        }

        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        var reverted = await hosts.RevertAsync(context, limit.Token);
        // What runs beside the other one serves clients until the network has gone back.
        var clean = await workloads.CleanUpAsync(context, keep: !reverted && context.Migration.Spec.Mode == Core.Migrations.CutoverMode.Parallel);
        if (shutDown && context.IsAhead)
        {
            // Its time is still to come: another start of the dashboard does it.
            context.Log.Write(async token => await runs.PlanAgainAsync(context.Run.Id, token));
            await context.Log.FlushAsync();
            return;
        }

        var (state, left) = (reverted, clean) switch
        {
            (true, true) => (cancelled ? RunState.Cancelled : RunState.Reverted, "Both servers are as they were before."),
            (false, _) => (RunState.Reverted, "A server could not be reached to take the change back: it does so by itself when its checkpoint runs out."),
            (true, false) => (RunState.Failed, "The network is as it was before, but something of the workload's copy was left behind: see the log."),
        };
        context.Log.Write(async token => await runs.FinishAsync(context.Run.Id, state, $"{reason} {left}", token));
        await context.Log.FlushAsync();
    }

    /// <summary>
    /// The node that ran it is gone. What the hosts say counts: both made to stay where they were going, then it is there; anything else
    /// goes back to where it came from.
    /// </summary>
    /// <param name="held">It had come as far as to hold new connections.</param>
    private async Task TakeOverAsync(RunContext context, bool held, CancellationToken cancellation)
    {
        try
        {
            var destination = Destination(context.Run);
            var states = await context.Log.StepAsync("take over", null, async notes =>
            {
                notes.Add($"The node {context.Run.Node} that ran this is gone; asking both servers what they have.");
                var found = await hosts.StatesAsync(context, cancellation);
                foreach (var (role, state) in found)
                    notes.Add($"{context.Host(role)}: configuration {state.Config}{(state.Checkpoint.Length > 0 ? ", not confirmed" : "")}");
                return found;
            });
            foreach (var (role, state) in states)
            {
                context.SetConfig(role, state.Config);
                if (state.Checkpoint == context.Run.Token)
                    context.Armed.Add(role);
            }

            var arrived = context.Run.Target != Stage.Preflight && context.Armed.Count == 0 && destination != context.Run.From
                && states.All(pair => pair.Value.Config == context.HashOf(destination, pair.Key)) && states.Any(pair => pair.Value.Config != context.HashOf(context.Run.From, pair.Key));
            if (arrived)
            {
                foreach (var (role, state) in states)
                    context.Log.Write(token => migrations.SaveConfigAsync(context.Migration.Id, role, state.Config, token));
                await workloads.CleanUpAsync(context, keep: true);
                await ArriveAsync(context, RunState.Succeeded, null);
                return;
            }

            await hosts.RevertAsync(context, cancellation);
            if (context.Run.Target != Stage.Preflight)
                await hosts.ForceAsync(context, context.Run.From, cancellation);
            await workloads.AfterTakeOverAsync(context, cancellation);
            if (!held && context.Run.StartedAt < context.Run.NotBefore)
            {
                // Only copied ahead of its window: it is done when that opens, or now if it has opened meanwhile.
                await runs.PlanAgainAsync(context.Run.Id, cancellation);
                return;
            }

            await runs.FinishAsync(context.Run.Id, RunState.Reverted, "The dashboard was interrupted; both servers are as they were before.", cancellation);
        }
        catch (Exception error)
        {
            logger.LogError(error, "Run {Run} could not be taken over", context.Run.Id);
            await runs.FinishAsync(context.Run.Id, RunState.Failed, $"The dashboard was interrupted, and: {error.Message} What was not confirmed goes back by itself.", cancellation);
        }
    }

    private async Task WatchForCancelAsync(RunContext context, CancellationTokenSource cancel, CancellationToken over)
    {
        while (!over.IsCancellationRequested)
            try
            {
                await Task.Delay(CancelPoll, time, over);
                if (await runs.IsCancelRequestedAsync(context.Run.Id, over) && !context.Committed)
                {
                    await cancel.CancelAsync();
                    return;
                }
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (Exception error)
            {
                logger.LogDebug(error, "Could not look whether run {Run} is cancelled", context.Run.Id);
            }
    }

    private async Task<RunContext> ContextAsync(StageRun run, RunLog log, CancellationToken cancellation)
    {
        var stored = await migrations.FindAsync(run.MigrationId, cancellation) ?? throw new InvalidOperationException("The migration of this run is gone.");
        var old = await servers.FindAsync(stored.Migration.Spec.OldServer, cancellation);
        var @new = await servers.FindAsync(stored.Migration.Spec.NewServer, cancellation);
        return new(run, stored, old!, @new!, log, time);
    }
}
