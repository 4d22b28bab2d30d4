using Dapper;
using MigrationDashboard.Core;
using MigrationDashboard.Core.Network;
using MigrationDashboard.Core.Stages;
using Npgsql;

namespace MigrationDashboard.Infrastructure.Drifts;

/// <summary>A host on which somebody else has changed what is ours.</summary>
/// <param name="Missing">All files of the migration are gone.</param>
/// <param name="Since">When it was first seen.</param>
public sealed record HostDrift(Role Role, bool Missing, DateTimeOffset Since, ValueList<DriftChange> Changes);

/// <summary>What was last found on the hosts, as long as it is not as it was applied.</summary>
public sealed class DriftStore(NpgsqlDataSource database)
{
    public async Task<IReadOnlyList<HostDrift>> OfMigrationAsync(Guid migration, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        var rows = await connection.QueryAsync<Row>(new CommandDefinition(
            "SELECT role, found, was, now AS is_now, since FROM drift WHERE migration_id = @migration ORDER BY role DESC", new { migration }, cancellationToken: cancellation));
        return [.. rows.Select(row => new HostDrift(
            Enum.Parse<Role>(row.Role), row.Found == "missing", row.Since,
            row.Found == "missing" ? [new DriftChange('-', Allocation.HostFolder, Drift.Missing)] : Drift.Explain(row.Was, row.IsNow)))];
    }

    /// <returns>True when this was not known before.</returns>
    public async Task<bool> SaveAsync(Guid migration, Role role, string found, string was, string now, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        return await connection.ExecuteScalarAsync<bool>(new CommandDefinition(
            """
            WITH known AS (SELECT found, now FROM drift WHERE migration_id = @migration AND role = @role),
            saved AS (
                INSERT INTO drift (migration_id, role, found, was, now) VALUES (@migration, @role, @found, @was, @now)
                ON CONFLICT (migration_id, role) DO UPDATE SET found = excluded.found, was = excluded.was, now = excluded.now
                RETURNING pg_notify('migrations', migration_id::text))
            SELECT NOT EXISTS (SELECT 1 FROM known WHERE found = @found AND now = @now) AND EXISTS (SELECT 1 FROM saved)
            """, new { migration, role = role.ToString(), found, was, now }, cancellationToken: cancellation));
    }

    /// <returns>True when something was known.</returns>
    public async Task<bool> ClearAsync(Guid migration, Role role, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        return await connection.ExecuteScalarAsync<string?>(new CommandDefinition(
            "DELETE FROM drift WHERE migration_id = @migration AND role = @role RETURNING pg_notify('migrations', migration_id::text)::text", new { migration, role = role.ToString() },
            cancellationToken: cancellation)) is not null;
    }

    private sealed record Row(string Role, string Found, string Was, string IsNow, DateTime Since);
}
