using MigrationDashboard.Core;
using MigrationDashboard.Core.Preflight;
using MigrationDashboard.Core.Stages;
using MigrationDashboard.Infrastructure.Connections;
using MigrationDashboard.Infrastructure.Migrations;
using MigrationDashboard.Infrastructure.Stages;

namespace MigrationDashboard.Web.Live;

/// <summary>Reads all that pages show of a migration.</summary>
public sealed class MigrationReader(MigrationStore migrations, ServerStore servers, RunStore runs, ConnectionHistory history, GateSteps gates)
{
    /// <returns>Null when there is no such migration.</returns>
    public async Task<MigrationSnapshot?> ReadAsync(Guid id, CancellationToken cancellation)
    {
        // The counts before everything else: samples told meanwhile are older or added.
        var counts = await history.LatestAsync(id, cancellation);
        if (await migrations.FindAsync(id, cancellation) is not { } stored)
            return null;
        var old = await servers.FindAsync(stored.Migration.Spec.OldServer, cancellation);
        var @new = await servers.FindAsync(stored.Migration.Spec.NewServer, cancellation);
        var all = await runs.OfMigrationAsync(id, MigrationSnapshot.MostRuns, cancellation);
        var steps = MigrationSnapshot.ShownOf(all) is { } shown ? await runs.StepsAsync(shown.Id, cancellation) : [];
        var checks = stored.Checks is { } json ? CoreJson.Read<ValueList<CheckResult>>(json) : [];
        return new(stored, old!, @new!, checks, all, steps, counts, null);
    }

    /// <returns>Null where the stage has no gate.</returns>
    public async Task<GateState?> JudgeAsync(MigrationSnapshot snapshot, CancellationToken cancellation) =>
        snapshot.Stage is Stage.Drain or Stage.Tail ? await gates.JudgeAsync(snapshot.Migration, cancellation) : null;
}
