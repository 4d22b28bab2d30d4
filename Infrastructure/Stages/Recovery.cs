using MigrationDashboard.Core.Migrations;
using MigrationDashboard.Core.Stages;
using MigrationDashboard.Infrastructure.Hosts;
using MigrationDashboard.Infrastructure.Ssh;

namespace MigrationDashboard.Infrastructure.Stages;

/// <summary>
/// Brings a run that was cut off to one of its two ends, by what the hosts themselves say: a change that stays on one host is made to stay on the other
/// while that still waits for it, and anything else goes back to where the run came from.
/// </summary>
public sealed class Recovery(HostSteps hosts, WorkloadSteps workloads, TimeProvider time)
{
    /// <summary>A host that is rebooting, or behind a link that is mended, comes back within minutes; for longer than this a page should not say “running”.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);

    /// <summary>A host may go back by itself between the question and the answer; after so many it is no coincidence.</summary>
    private const int Rounds = 3;

    /// <returns>True when the run has arrived, false when everything is as it was before it.</returns>
    /// <exception cref="SshFailure">A host could not be reached for as long as we wait.</exception>
    public async Task<bool> SettleAsync(RunContext context, CancellationToken cancellation)
    {
        for (var round = 1; ; round++)
        {
            var states = await StatesAsync(context, cancellation);
            context.Armed.Clear();
            foreach (var (role, state) in states)
            {
                context.SetConfig(role, state.Config);
                if (state.Checkpoint == context.Run.Token)
                    context.Armed.Add(role);
            }

            var stays = states.Where(pair => Stays(context, pair.Key, pair.Value)).Select(pair => pair.Key).ToHashSet();
            if (stays.Count == 0 || !states.Keys.All(role => stays.Contains(role) || context.Armed.Contains(role)))
            {
                await GoBackAsync(context, cancellation);
                return false;
            }

            try
            {
                foreach (var role in context.Armed.ToList())
                    await hosts.GoOnAsync(context, context.Destination, role, context.Moves && context.Migration.Spec.Mode == CutoverMode.Exclusive, cancellation);
                await hosts.ForceAsync(context, context.Destination, cancellation);
                return true;
            }
            catch (HostChangeException) when (round < Rounds)
            {
                // It has gone back meanwhile: what the hosts say now counts.
            }
        }
    }

    /// <summary>The host has what the run leads to and will keep it.</summary>
    private static bool Stays(RunContext context, Role role, HostState state) =>
        state.Checkpoint.Length == 0
        && (state.Confirmed == context.Run.Token
            // Where nothing is to be left, nothing is left to tell that it was confirmed.
            || (state.Config == "none" && context.HashOf(context.Destination, role) == "none" && context.HashOf(context.Run.From, role) != "none"));

    private async Task GoBackAsync(RunContext context, CancellationToken cancellation)
    {
        // First the workload where it was going: it must be down before clients are sent to the other again.
        await hosts.RevertAsync(context, cancellation);
        if (context.Moves)
        {
            await workloads.StandDownAsync(context, cancellation);
            await workloads.ResumeAsync(context, cancellation);
        }

        await hosts.ForceAsync(context, context.Run.From, cancellation);
    }

    private async Task<Dictionary<Role, HostState>> StatesAsync(RunContext context, CancellationToken cancellation)
    {
        var until = time.GetUtcNow() + Patience;
        while (true)
            try
            {
                return await context.Log.StepAsync("ask both servers", null, async notes =>
                {
                    var found = await hosts.StatesAsync(context, cancellation);
                    foreach (var (role, state) in found)
                        notes.Add($"{context.Host(role)}: configuration {state.Config[..Math.Min(12, state.Config.Length)]}{(state.Checkpoint.Length > 0 ? ", not confirmed" : "")}{(state.Confirmed == context.Run.Token ? ", this run's change stays" : "")}");
                    return found;
                });
            }
            catch (SshFailure) when (time.GetUtcNow() < until)
            {
                await Task.Delay(Pause, time, cancellation);
            }
    }
}
