using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using MigrationDashboard.Core;
using MigrationDashboard.Core.Stages;
using MigrationDashboard.Infrastructure.Audit;
using MigrationDashboard.Infrastructure.Migrations;
using MigrationDashboard.Infrastructure.Postgres;
using MigrationDashboard.Infrastructure.Ssh;
using Npgsql;

namespace MigrationDashboard.Infrastructure.Stages;

/// <summary>
/// Takes a migration from one stage to the next: does the steps of <see cref="StageSteps"/> one after the other, and takes everything back
/// when one fails before the change was made to stay.
/// </summary>
public sealed class StageRunner(
    NpgsqlDataSource database, MigrationStore migrations, RunStore runs, ServerStore servers, ReadSteps reads, HostSteps hosts, WorkloadSteps workloads, GateSteps gates, RehearsalSteps rehearsal, Recovery recovery,
    AuditStore audit, OpenSsh ssh, TimeProvider time, ILogger<StageRunner> logger)
{
    /// <summary>Names this node in runs.</summary>
    public static string Node { get; } = $"{Environment.MachineName}:{Environment.ProcessId}";

    /// <summary>How often a running run looks whether it was asked to stop.</summary>
    private static readonly TimeSpan CancelPoll = TimeSpan.FromMilliseconds(500);

    /// <summary>A node that was taken for dead may still be at it: it sees within <see cref="CancelPoll"/> that the run is another's now, and lets go.</summary>
    private static readonly TimeSpan LetGo = 3 * CancelPoll;

    /// <summary>How long a run waits for a database that is away before it has begun, or between two of its steps.</summary>
    private static readonly TimeSpan DatabasePatience = TimeSpan.FromMinutes(5);

    private readonly ConcurrentDictionary<Guid, bool> _underWay = new();

    /// <summary>This node is at it right now.</summary>
    public bool IsUnderWay(Guid runId) => _underWay.ContainsKey(runId);

    /// <param name="stopping">The dashboard is being shut down: the run is taken back as far as it is not made to stay.</param>
    /// <returns>When the run is to be asked for again: it waits for its window still. Null when it is over.</returns>
    public async Task<DateTimeOffset?> RunAsync(Guid runId, CancellationToken stopping)
    {
        await FollowAsync(runId, stopping);
        return await runs.FindAsync(runId, CancellationToken.None) is { State: RunState.Planned, NotBefore: { } opening } ? opening : null;
    }

    private async Task FollowAsync(Guid runId, CancellationToken stopping)
    {
        // The scheduler may have taken this very node for dead while the database was away.
        if (!_underWay.TryAdd(runId, true))
            return;
        try
        {
            await BeginAsync(runId, stopping);
        }
        finally
        {
            _underWay.TryRemove(runId, out _);
        }
    }

    private async Task BeginAsync(Guid runId, CancellationToken stopping)
    {
        var run = await PatientlyAsync(token => runs.FindAsync(runId, token), stopping);
        if (run is null || run.IsOver)
            return;
        // To copy ahead of the window the migration must be where the run starts already, with nothing else going on.
        if (run.State == RunState.Planned && run.NotBefore > time.GetUtcNow()
            && (await migrations.FindAsync(run.MigrationId, stopping))?.Migration.Stage != run.From)
            return;
        if (run.State == RunState.Planned && run.NotAfter is { } closing && time.GetUtcNow() > closing)
        {
            await PatientlyAsync(token => runs.FinishAsync(runId, RunState.Expired, $"Its window closed at {closing:u} before it could start.", token), stopping);
            return;
        }

        var takenOver = run.State == RunState.Running;
        if (takenOver)
        {
            await PatientlyAsync(async token =>
            {
                await runs.AdoptAsync(runId, Node, token);
                return true;
            }, stopping);
            await Task.Delay(LetGo, time, stopping);
        }
        else if (!await PatientlyAsync(token => runs.StartAsync(runId, Node, token), stopping))
        {
            // A connection may be lost after the server has committed: then it is ours although it says no.
            if (await PatientlyAsync(token => runs.FindAsync(runId, token), stopping) is not { State: RunState.Running } mine || mine.Node != Node)
            {
                if (run.NotBefore > time.GetUtcNow())
                    return;
                await PatientlyAsync(token => runs.FinishPlannedAsync(runId, RunState.Cancelled, "Another run of this migration was under way.", token), stopping);
                return;
            }
        }

        var steps = await PatientlyAsync(token => runs.StepsAsync(runId, token), stopping);
        await using var log = new RunLog(runs, audit, run, steps.Count, time, logger);
        var context = await PatientlyAsync(token => ContextAsync(run, log, token), stopping);
        if (takenOver)
            await TakeOverAsync(context, steps.Any(step => step.Name == "hold"), stopping);
        else
            await FollowAsync(context, stopping);
    }

    private Task<T> PatientlyAsync<T>(Func<CancellationToken, Task<T>> work, CancellationToken cancellation) => database.RetryAsync(work, DatabasePatience, cancellation);

    private async Task FollowAsync(RunContext context, CancellationToken stopping)
    {
        var run = context.Run;
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        using var lost = new CancellationTokenSource();
        using var over = new CancellationTokenSource();
        var watching = WatchAsync(context, cancel, lost, over.Token);
        try
        {
            if (run.From != context.Migration.Stage)
                throw new RunRefusedException($"it was asked for at {run.From}, but the migration is at {context.Migration.Stage} now");
            await FollowAsync(context, StageSteps.Of(context.Migration, run.Target, run.Direction), cancel.Token, lost.Token);
            await ArriveAsync(context, RunState.Succeeded, null);
        }
        catch (Exception) when (lost.IsCancellationRequested)
        {
            logger.LogWarning("Run {Run} of {Migration} was taken over by another node.", run.Id, context.Migration.Spec.Name);
        }
        catch (Exception error)
        {
            var reason = error is OperationCanceledException && cancel.IsCancellationRequested
                ? stopping.IsCancellationRequested ? "The dashboard was shut down." : "Cancelled by the operator."
                : error.Message;
            if (error is not (RunRefusedException or OperationCanceledException or Hosts.HostChangeException or Ssh.SshFailure))
                logger.LogError(error, "Run {Run} of {Migration} failed", run.Id, context.Migration.Spec.Name);

            // Nothing goes on beside the way back.
            await cancel.CancelAsync();
            await context.Beside.ContinueWith(beside => beside.Exception, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            await GoBackAsync(context, reason, error is OperationCanceledException, stopping.IsCancellationRequested);
        }
        finally
        {
            await over.CancelAsync();
            await watching;
        }
    }

    /// <param name="cancel">Ends it before something stays.</param>
    /// <param name="lost">Ends it after that.</param>
    private async Task FollowAsync(RunContext context, ValueList<Step> steps, CancellationToken cancel, CancellationToken lost)
    {
        using var ahead = new PoisedSteps(ssh, hosts, context, steps);
        foreach (var step in steps)
        {
            if (!context.Committed)
                cancel.ThrowIfCancellationRequested();
            var doing = DoAsync(context, step, context.Committed ? lost : cancel);
            try
            {
                ahead.PoiseDuring(step);
            }
            finally
            {
                await doing;
            }
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
        Step.HandOver hand => hosts.HandOverAsync(context, hand, cancellation),
        Step.ProbePath path => hosts.ProbePathAsync(context, path.Via, cancellation),
        Step.Confirm => hosts.ConfirmAsync(context, cancellation),
        Step.RequireBudget => gates.RequireBudgetAsync(context, cancellation),
        Step.Rehearse rehearse => rehearsal.RunAsync(context, rehearse, cancellation),
        Step.Prepare prepare => workloads.PrepareAsync(context, prepare, cancellation),
        Step.AwaitWindow wait => workloads.AwaitWindowAsync(context, wait.From, cancellation),
        Step.CountSessions count => workloads.CountSessionsAsync(context, count.Role, cancellation),
        Step.RequireNoSessions none => workloads.RequireNoSessionsAsync(context, none.Role, cancellation),
        Step.UnreadyWorkload unready => workloads.UnreadyAsync(context, unready.Role, cancellation),
        Step.Leave leave => workloads.LeaveAsync(context, leave, cancellation),
        Step.Arrive arrive => ArriveAsync(context, arrive, cancellation),
        Step.StartWorkload start => workloads.StartAsync(context, start.Role, cancellation),
        Step.StopWorkload stop => workloads.StopAsync(context, stop.Role, cancellation),
        Step.DropUdpFlows => workloads.DropUdpFlowsAsync(context, cancellation),
        Step.RetireWorkload retire => workloads.RetireAsync(context, retire.Role, cancellation),
        Step.CloseSync => workloads.CloseSyncAsync(context, cancellation),
        Step.RemoveWorkload remove => workloads.RemoveAsync(context, remove.Role, cancellation),
        _ => throw new InvalidOperationException($"Nobody knows how to do {step}."),
    };

    /// <summary>Nothing is started on a host that does not hold.</summary>
    private async Task ArriveAsync(RunContext context, Step.Arrive arrive, CancellationToken cancellation)
    {
        await context.Beside;
        await workloads.ArriveAsync(context, arrive, cancellation);
    }

    private async Task ArriveAsync(RunContext context, RunState state, string? error)
    {
        context.Log.Write(token => migrations.SaveStageAsync(context.Migration.Id, context.Destination, token));
        context.Log.Write(async token => await runs.FinishAsync(context.Run.Id, state, error, token));
        await context.Log.FlushAsync();
    }

    private async Task FinishAsync(RunContext context, RunState state, string error)
    {
        context.Log.Write(async token => await runs.FinishAsync(context.Run.Id, state, error, token));
        await context.Log.FlushAsync();
    }

    /// <summary>Its time is still to come: whichever node is there then does it.</summary>
    private async Task PlanAgainAsync(RunContext context)
    {
        context.Log.Write(async token => await runs.PlanAgainAsync(context.Run.Id, token));
        await context.Log.FlushAsync();
    }

    private async Task GoBackAsync(RunContext context, string reason, bool cancelled, bool shutDown)
    {
        if (context.Committed)
        {
            await SettleAsync(context, reason, cancelled);
            return;
        }

        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        var reverted = await hosts.RevertAsync(context, limit.Token);
        // What runs beside the other one serves clients until the network has gone back.
        var clean = await workloads.CleanUpAsync(context, keep: !reverted && context.Migration.Spec.Mode == Core.Migrations.CutoverMode.Parallel);
        if (shutDown && context.IsAhead)
        {
            await PlanAgainAsync(context);
            return;
        }

        var (state, left) = (reverted, clean) switch
        {
            (true, true) => (cancelled ? RunState.Cancelled : RunState.Reverted, "Both servers are as they were before."),
            (false, _) => (RunState.Reverted, "A server could not be reached to take the change back: it does so by itself when its checkpoint runs out."),
            (true, false) => (RunState.Failed, "The network is as it was before, but something of the workload's copy was left behind: see the log."),
        };
        await FinishAsync(context, state, $"{reason} {left}");
    }

    /// <summary>It went wrong after a host was told to keep its change, whether it heard that or not: what both say decides where it ends.</summary>
    private async Task SettleAsync(RunContext context, string reason, bool cancelled)
    {
        try
        {
            if (context.Arrived || await recovery.SettleAsync(context, CancellationToken.None))
            {
                await workloads.CleanUpAsync(context, keep: true);
                await ArriveAsync(context, RunState.Failed, $"{reason} The change itself was made and stays: the migration is at {context.Destination}.");
                return;
            }

            await workloads.CleanUpAsync(context, keep: false);
            await FinishAsync(context, cancelled ? RunState.Cancelled : RunState.Reverted, $"{reason} Both servers are as they were before.");
        }
        catch (Exception error)
        {
            logger.LogError(error, "Run {Run} could not be brought to an end", context.Run.Id);
            await FinishAsync(context, RunState.Failed, $"{reason} It could not be brought to an end either: {error.Message} The change may stay on one server only: look at both, then go on or roll back.");
        }
    }

    /// <summary>The node that ran it is gone: what the hosts say decides where it ends, and what was left to do after its change is done.</summary>
    /// <param name="held">It had come as far as to hold new connections.</param>
    private async Task TakeOverAsync(RunContext context, bool held, CancellationToken cancellation)
    {
        var was = $"The dashboard was interrupted ({context.Run.Node}).";
        try
        {
            workloads.Remember(context);
            if (context.Run.From == context.Destination || !await recovery.SettleAsync(context, cancellation))
            {
                await workloads.CleanUpAsync(context, keep: false);
                // Only copied ahead of its window: it is done when that opens, or now if it has opened meanwhile.
                if (!held && context.Run.StartedAt < context.Run.NotBefore)
                    await PlanAgainAsync(context);
                else
                    await FinishAsync(context, RunState.Reverted, $"{was} Both servers are as they were before.");
                return;
            }

            context.Given = (context.Destination, false);
            context.Committed = true;
            try
            {
                await workloads.CleanUpAsync(context, keep: true);
                foreach (var step in StageSteps.AfterCommit(context.Migration, context.Run.Target, context.Run.Direction))
                    await DoAsync(context, step, cancellation);
            }
            catch (Exception error) when (error is RunRefusedException or Hosts.HostChangeException or Ssh.SshFailure)
            {
                await ArriveAsync(context, RunState.Failed, $"{was} The change itself was made and stays: the migration is at {context.Destination}. {error.Message}");
                return;
            }

            await ArriveAsync(context, RunState.Succeeded, null);
        }
        catch (Exception error) when (!cancellation.IsCancellationRequested)
        {
            logger.LogError(error, "Run {Run} could not be taken over", context.Run.Id);
            await FinishAsync(context, RunState.Failed, $"{was} And: {error.Message} What was not confirmed goes back by itself.");
        }
    }

    /// <summary>Stops the run when the operator asks for it, and when another node has taken it over.</summary>
    private async Task WatchAsync(RunContext context, CancellationTokenSource cancel, CancellationTokenSource lost, CancellationToken over)
    {
        while (!over.IsCancellationRequested)
            try
            {
                await Task.Delay(CancelPoll, time, over);
                var (cancelRequested, node) = await runs.WishAsync(context.Run.Id, over);
                if (node != Node)
                    await lost.CancelAsync();
                if (node == Node && (!cancelRequested || context.Committed))
                    continue;
                await cancel.CancelAsync();
                return;
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
