using Dapper;
using MigrationDashboard.Core;
using MigrationDashboard.Core.Migrations;
using MigrationDashboard.Core.Network;
using MigrationDashboard.Core.Stages;
using MigrationDashboard.Infrastructure.Postgres;
using Npgsql;

namespace MigrationDashboard.Infrastructure.Migrations;

/// <summary>A migration as the database keeps it: what it is, and what is known to be on its hosts.</summary>
/// <param name="OldConfig">Hash of the configuration script stored on <c>old</c>, <c>none</c> when there is none.</param>
/// <param name="Workload">What is known of the workload, as JSON; null until it was read.</param>
/// <param name="Checks">The last preflight results as JSON; null until there were any.</param>
public sealed record StoredMigration(
    Migration Migration, string OldConfig, string NewConfig, string? Workload, string? Checks, DateTimeOffset? CheckedAt, string CreatedBy, DateTimeOffset CreatedAt, DateTimeOffset StageSince)
{
    public string Config(Role role) => role == Role.Old ? OldConfig : NewConfig;
}

/// <param name="Search">Part of a name, null for all.</param>
public sealed record MigrationFilter(string? Search = null, Stage? Stage = null, bool ActiveOnly = false, int Skip = 0, int Take = 50);

public sealed record MigrationPage(IReadOnlyList<StoredMigration> Items, int Total);

public sealed class MigrationStore(NpgsqlDataSource database)
{
    /// <summary>PostgreSQL channel that carries the id of a migration whenever it, its runs or their steps change.</summary>
    public const string Channel = "migrations";

    private const string Columns =
        """
        id, spec::text AS spec, slot, mask, stage, old_facts::text AS old_facts, new_facts::text AS new_facts, old_config, new_config,
        workload::text AS workload, checks::text AS checks, checked_at, created_by, created_at, stage_since
        """;

    public async Task<StoredMigration?> FindAsync(Guid id, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        var row = await connection.QuerySingleOrDefaultAsync<Row>(new CommandDefinition($"SELECT {Columns} FROM migration WHERE id = @id", new { id }, cancellationToken: cancellation));
        return row?.ToMigration();
    }

    public async Task<MigrationPage> ListAsync(MigrationFilter filter, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        const string where =
            """
            (@search IS NULL OR name ILIKE '%' || @search || '%') AND (@stage IS NULL OR stage = @stage) AND (NOT @active OR stage <> 'Decommission')
            """;
        var arguments = new
        {
            search = filter.Search?.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("%", "\\%", StringComparison.Ordinal).Replace("_", "\\_", StringComparison.Ordinal),
            stage = filter.Stage?.ToString(),
            active = filter.ActiveOnly,
            skip = Math.Max(0, filter.Skip),
            take = Math.Clamp(filter.Take, 1, 500),
        };
        using var results = await connection.QueryMultipleAsync(new CommandDefinition(
            $"SELECT count(*) FROM migration WHERE {where}; SELECT {Columns} FROM migration WHERE {where} ORDER BY created_at DESC, id OFFSET @skip LIMIT @take",
            arguments, cancellationToken: cancellation));
        var total = await results.ReadSingleAsync<int>();
        return new([.. (await results.ReadAsync<Row>()).Select(row => row.ToMigration())], total);
    }

    /// <summary>
    /// Adds a migration and gives it a slot of its own on both servers.
    /// </summary>
    /// <param name="mask">The field of the mark that no rule on either server uses.</param>
    /// <exception cref="InvalidInputException">The name is taken, or the servers have no slot left.</exception>
    public async Task<Migration> AddAsync(Guid id, MigrationSpec spec, uint mask, string createdBy, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);

        // One allocation at a time: two migrations made at once must not get the same slot.
        await connection.ExecuteAsync(new CommandDefinition("LOCK TABLE migration IN SHARE ROW EXCLUSIVE MODE", transaction: transaction, cancellationToken: cancellation));
        var taken = (await connection.QueryAsync<int>(new CommandDefinition(
            "SELECT slot FROM migration WHERE stage <> 'Decommission' AND (old_server IN (@OldServer, @NewServer) OR new_server IN (@OldServer, @NewServer))",
            new { spec.OldServer, spec.NewServer }, transaction, cancellationToken: cancellation))).ToHashSet();
        var others = await connection.QueryAsync<(string Name, string Spec)>(new CommandDefinition(
            "SELECT name, spec::text FROM migration WHERE stage <> 'Decommission' AND (old_server IN (@OldServer, @NewServer) OR new_server IN (@OldServer, @NewServer))",
            new { spec.OldServer, spec.NewServer }, transaction, cancellationToken: cancellation));
        foreach (var (name, other) in others)
            if (CoreJson.Read<MigrationSpec>(other).Ports.Intersect(spec.Ports).ToValueList() is { Count: > 0 } shared)
                throw new InvalidInputException("ports", $"the migration {name} moves {shared} on one of these servers already: a port can only go one way");
        var slot = Enumerable.Range(1, Allocation.MostSlots(mask)).FirstOrDefault(candidate => !taken.Contains(candidate));
        if (slot == 0)
            throw new InvalidInputException("servers", $"{taken.Count} migrations share these servers: end one of them first");
        var migration = new Migration { Id = id, Spec = spec, Allocation = new(slot, Allocation.KeyOf(id), mask) };
        try
        {
            await connection.ExecuteAsync(new CommandDefinition(
                """
                INSERT INTO migration (id, name, old_server, new_server, spec, slot, mask, created_by)
                VALUES (@id, @Name, @OldServer, @NewServer, @json::jsonb, @slot, @mask, @createdBy);
                SELECT pg_notify('migrations', @id::text)
                """,
                new { id, spec.Name, spec.OldServer, spec.NewServer, json = CoreJson.Write(spec), slot, mask = (long)mask, createdBy }, transaction, cancellationToken: cancellation));
        }
        catch (PostgresException error) when (error is { SqlState: PostgresErrorCodes.UniqueViolation, ConstraintName: "migration_name" })
        {
            throw new InvalidInputException("name", $"there is a migration named {spec.Name} already");
        }
        catch (PostgresException error) when (error.SqlState == PostgresErrorCodes.ForeignKeyViolation)
        {
            throw new InvalidInputException(error.ConstraintName!.Contains("old", StringComparison.Ordinal) ? "oldServer" : "newServer", "there is no such server");
        }

        await transaction.CommitAsync(cancellation);
        return migration;
    }

    public Task SaveSpecAsync(Guid id, MigrationSpec spec, CancellationToken cancellation) => UpdateAsync(id, "spec = @value::jsonb", CoreJson.Write(spec), cancellation);

    public Task SaveFactsAsync(Guid id, Role role, HostFacts facts, CancellationToken cancellation) =>
        UpdateAsync(id, $"{Side(role)}_facts = @value::jsonb", CoreJson.Write(facts), cancellation);

    public Task SaveConfigAsync(Guid id, Role role, string hash, CancellationToken cancellation) => UpdateAsync(id, $"{Side(role)}_config = @value", hash, cancellation);

    public Task SaveSnapshotAsync(Guid id, Role role, string json, CancellationToken cancellation) => UpdateAsync(id, $"{Side(role)}_snapshot = @value::jsonb", json, cancellation);

    public Task SaveWorkloadAsync(Guid id, string json, CancellationToken cancellation) => UpdateAsync(id, "workload = @value::jsonb", json, cancellation);

    public Task SaveChecksAsync(Guid id, string json, CancellationToken cancellation) => UpdateAsync(id, "checks = @value::jsonb, checked_at = now()", json, cancellation);

    public Task SaveStageAsync(Guid id, Stage stage, CancellationToken cancellation) => UpdateAsync(id, "stage = @value, stage_since = CASE WHEN stage = @value THEN stage_since ELSE now() END", stage.ToString(), cancellation);

    /// <summary>Another field of the mark, found free when the hosts were read; only while nothing is on them.</summary>
    public async Task SaveMaskAsync(Guid id, uint mask, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        await connection.ExecuteAsync(new CommandDefinition(
            "UPDATE migration SET mask = @mask WHERE id = @id AND stage = 'Preflight'", new { id, mask = (long)mask }, cancellationToken: cancellation));
    }

    public async Task<string?> SnapshotAsync(Guid id, Role role, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        return await connection.ExecuteScalarAsync<string?>(new CommandDefinition($"SELECT {Side(role)}_snapshot::text FROM migration WHERE id = @id", new { id }, cancellationToken: cancellation));
    }

    /// <summary>Removes a migration that has nothing on its hosts.</summary>
    /// <returns>False when there is none, or when its rules may still be on a host.</returns>
    public async Task<bool> RemoveAsync(Guid id, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        return await connection.ExecuteAsync(new CommandDefinition(
            """
            DELETE FROM migration m WHERE id = @id AND stage IN ('Preflight', 'Decommission') AND old_config = 'none' AND new_config = 'none'
                AND NOT EXISTS (SELECT 1 FROM stage_run r WHERE r.migration_id = m.id AND r.state = 'Running')
            """, new { id }, cancellationToken: cancellation)) == 1;
    }

    private static string Side(Role role) => role == Role.Old ? "old" : "new";

    /// <summary>Runs save what they learn, and a database that is away for a moment is no reason to take a run back.</summary>
    private Task UpdateAsync(Guid id, string assignment, string value, CancellationToken cancellation) => database.RetryAsync(async token =>
    {
        await using var connection = await database.OpenConnectionAsync(token);
        await connection.ExecuteAsync(new CommandDefinition(
            $"UPDATE migration SET {assignment} WHERE id = @id; SELECT pg_notify('migrations', @id::text)", new { id, value }, cancellationToken: token));
    }, AwayPatience, cancellation);

    private static readonly TimeSpan AwayPatience = TimeSpan.FromMinutes(2);

    private sealed record Row(
        Guid Id, string Spec, int Slot, long Mask, string Stage, string? OldFacts, string? NewFacts, string OldConfig, string NewConfig,
        string? Workload, string? Checks, DateTime? CheckedAt, string CreatedBy, DateTime CreatedAt, DateTime StageSince)
    {
        public StoredMigration ToMigration() => new(
            new Migration
            {
                Id = Id,
                Spec = CoreJson.Read<MigrationSpec>(Spec),
                Allocation = new(Slot, Allocation.KeyOf(Id), (uint)Mask),
                Stage = Enum.Parse<Stage>(Stage),
                OldFacts = OldFacts is null ? null : CoreJson.Read<HostFacts>(OldFacts),
                NewFacts = NewFacts is null ? null : CoreJson.Read<HostFacts>(NewFacts),
            },
            OldConfig, NewConfig, Workload, Checks, CheckedAt, CreatedBy, CreatedAt, StageSince);
    }
}
