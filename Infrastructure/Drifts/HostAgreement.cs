using MigrationDashboard.Core;
using MigrationDashboard.Core.Audit;
using MigrationDashboard.Core.HostScripts;
using MigrationDashboard.Core.Stages;
using MigrationDashboard.Core.Users;
using MigrationDashboard.Infrastructure.Audit;
using MigrationDashboard.Infrastructure.Hosts;
using MigrationDashboard.Infrastructure.Migrations;
using MigrationDashboard.Infrastructure.Ssh;
using MigrationDashboard.Infrastructure.Stages;
using Role = MigrationDashboard.Core.Stages.Role;

namespace MigrationDashboard.Infrastructure.Drifts;

/// <summary>What a host has, beside what the migration's stage asks for.</summary>
/// <param name="Config">Hash of the configuration on the host, <c>none</c> when nothing is there; null when it could not be asked.</param>
/// <param name="Expected">Hash of the stage's configuration, likewise.</param>
/// <param name="Drifted">Somebody else changed it since it was applied.</param>
/// <param name="Waiting">A change on the host waits for its confirmation.</param>
/// <param name="Problem">Why the host could not be asked; null when it could.</param>
public sealed record HostFound(Role Role, string Host, string? Config, string Expected, bool Drifted, bool Waiting, string? Problem)
{
    public bool Agrees => Problem is null && Config == Expected && !Drifted && !Waiting;
}

/// <summary>Asks hosts whether they have what the migration's stage says, and sets them to it again when the operator wants that.</summary>
public sealed class HostAgreement(MigrationStore migrations, ServerStore servers, RunStore runs, HostApply hosts, DriftStore drifts, ActionLog log)
{
    /// <returns>Null when there is no such migration.</returns>
    public async Task<IReadOnlyList<HostFound>?> AskAsync(Guid migration, CancellationToken cancellation)
    {
        if (await migrations.FindAsync(migration, cancellation) is not { } stored)
            return null;
        return await Task.WhenAll(new[] { Role.Old, Role.New }.Select(async role =>
        {
            var server = await ServerAsync(stored, role, cancellation);
            var config = StageConfigs.For(stored.Migration, stored.Migration.Stage, role);
            var expected = config.IsEmpty ? "none" : ConfigScript.Hash(ConfigScript.Render(config, Backend(stored, role)));
            try
            {
                var state = await hosts.StateAsync(RunContext.TargetOf(server), stored.Migration.Allocation, cancellation);
                return new HostFound(role, server.Name, state.Config, expected, state.Drifted, state.Checkpoint.Length > 0, null);
            }
            catch (SshFailure failure)
            {
                return new HostFound(role, server.Name, null, expected, false, false, failure.Message);
            }
        }));
    }

    /// <summary>Sets the hosts that have drifted to what the migration's stage asks for.</summary>
    /// <returns>False when there is no such migration.</returns>
    /// <exception cref="InvalidInputException">A run is under way.</exception>
    /// <exception cref="HostChangeException">A host would not take it.</exception>
    /// <exception cref="SshFailure">A host could not be reached.</exception>
    public async Task<bool> ReapplyAsync(Actor actor, Guid migration, CancellationToken cancellation)
    {
        actor.Require(Core.Users.Role.Operator);
        if (await migrations.FindAsync(migration, cancellation) is not { } stored)
            return false;
        if (await runs.RunningAsync(migration, cancellation) is { } running)
            throw new InvalidInputException("migration", $"{running.Target} is under way: wait for its end");
        foreach (var found in (await AskAsync(migration, cancellation))!.Where(found => !found.Agrees))
        {
            var server = await ServerAsync(stored, found.Role, cancellation);
            var config = StageConfigs.For(stored.Migration, stored.Migration.Stage, found.Role);
            try
            {
                var change = await hosts.ApplyAsync(RunContext.TargetOf(server), config, Backend(stored, found.Role), new CheckpointChange.None(), found.Config ?? "any", cancellation, force: true);
                await migrations.SaveConfigAsync(migration, found.Role, change.Config, cancellation);
                await drifts.ClearAsync(migration, found.Role, cancellation);
                await log.DoneAsync(actor, "drift.reapply", $"Set to {stored.Migration.Stage} again.", cancellation, migration, server.Name);
            }
            catch (Exception error) when (error is HostChangeException or SshFailure)
            {
                await log.FailedAsync(actor, "drift.reapply", error.Message, cancellation, migration, server.Name);
                throw;
            }
        }

        return true;
    }

    private static Core.Migrations.RulesBackend Backend(StoredMigration stored, Role role) => stored.Migration.Facts(role)?.Backend ?? Core.Migrations.RulesBackend.Nft;

    private async Task<Core.Servers.Server> ServerAsync(StoredMigration stored, Role role, CancellationToken cancellation) =>
        await servers.FindAsync(role == Role.Old ? stored.Migration.Spec.OldServer : stored.Migration.Spec.NewServer, cancellation) ?? throw new InvalidOperationException("The server of this migration is gone.");
}
