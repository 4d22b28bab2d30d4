using Dapper;
using MigrationDashboard.Core;
using MigrationDashboard.Core.Stages;
using Npgsql;

namespace MigrationDashboard.Infrastructure.Migrations;

/// <summary>Runs and their steps: the progress pages show, and what a node that takes over goes by.</summary>
public sealed class RunStore(NpgsqlDataSource database)
{
    private const string Columns =
        """
        id, migration_id, direction, from_stage, target, state, requested_by, requested_at, not_before, not_after, time_zone, override_reason,
        started_at, finished_at, error, node, cancel_requested, hold_ms
        """;

    /// <exception cref="InvalidInputException">The same stage is planned already.</exception>
    public async Task AddAsync(StageRun run, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        try
        {
            await connection.ExecuteAsync(new CommandDefinition(
                """
                INSERT INTO stage_run (id, migration_id, direction, from_stage, target, state, requested_by, requested_at, not_before, not_after, time_zone, override_reason)
                VALUES (@Id, @MigrationId, @direction, @from, @target, @state, @RequestedBy, @RequestedAt, @NotBefore, @NotAfter, @TimeZone, @OverrideReason);
                SELECT pg_notify('migrations', @MigrationId::text)
                """,
                new
                {
                    run.Id,
                    run.MigrationId,
                    direction = run.Direction.ToString(),
                    from = run.From.ToString(),
                    target = run.Target.ToString(),
                    state = run.State.ToString(),
                    run.RequestedBy,
                    run.RequestedAt,
                    run.NotBefore,
                    run.NotAfter,
                    run.TimeZone,
                    run.OverrideReason,
                },
                cancellationToken: cancellation));
        }
        catch (PostgresException error) when (error.SqlState == PostgresErrorCodes.UniqueViolation)
        {
            throw new InvalidInputException("target", "this is planned or running already");
        }
    }

    public async Task<StageRun?> FindAsync(Guid id, CancellationToken cancellation) =>
        (await QueryAsync("id = @id", new { id }, "requested_at", 1, cancellation)).SingleOrDefault();

    public Task<IReadOnlyList<StageRun>> OfMigrationAsync(Guid migrationId, int take, CancellationToken cancellation) =>
        QueryAsync("migration_id = @migrationId", new { migrationId }, "requested_at DESC", take, cancellation);

    public async Task<StageRun?> RunningAsync(Guid migrationId, CancellationToken cancellation) =>
        (await QueryAsync("migration_id = @migrationId AND state = 'Running'", new { migrationId }, "requested_at", 1, cancellation)).SingleOrDefault();

    /// <summary>Runs whose time falls in a span: the Schedule page.</summary>
    public Task<IReadOnlyList<StageRun>> BetweenAsync(DateTimeOffset from, DateTimeOffset to, int take, CancellationToken cancellation) =>
        QueryAsync("coalesce(not_before, requested_at) BETWEEN @from AND @to", new { from, to }, "coalesce(not_before, requested_at)", take, cancellation);

    public Task<IReadOnlyList<StageRun>> InStateAsync(RunState state, CancellationToken cancellation) =>
        QueryAsync("state = @state", new { state = state.ToString() }, "requested_at", 1000, cancellation);

    /// <summary>Takes a planned run for this node.</summary>
    /// <returns>False when it is no longer planned, or another run of the migration is under way.</returns>
    public async Task<bool> StartAsync(Guid id, string node, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        try
        {
            return await connection.ExecuteScalarAsync<string?>(new CommandDefinition(
                """
                UPDATE stage_run SET state = 'Running', started_at = now(), node = @node WHERE id = @id AND state = 'Planned'
                RETURNING pg_notify('migrations', migration_id::text)::text
                """, new { id, node }, cancellationToken: cancellation)) is not null;
        }
        catch (PostgresException error) when (error.SqlState == PostgresErrorCodes.UniqueViolation)
        {
            return false;
        }
    }

    /// <summary>Takes over a run whose node died; steps that it left open are closed.</summary>
    public async Task AdoptAsync(Guid id, string node, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        await connection.ExecuteAsync(new CommandDefinition(
            """
            UPDATE stage_run SET node = @node WHERE id = @id AND state = 'Running';
            UPDATE run_step SET state = 'Failed', output = concat_ws(E'\n', nullif(output, ''), 'The dashboard was interrupted here.') WHERE run_id = @id AND state = 'Running';
            SELECT pg_notify('migrations', migration_id::text) FROM stage_run WHERE id = @id
            """, new { id, node }, cancellationToken: cancellation));
    }

    /// <summary>A run that was copying ahead of its window waits for it again.</summary>
    public async Task PlanAgainAsync(Guid id, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        await connection.ExecuteAsync(new CommandDefinition(
            """
            WITH again AS (UPDATE stage_run SET state = 'Planned', node = NULL, started_at = NULL WHERE id = @id AND state = 'Running' RETURNING migration_id)
            SELECT pg_notify('migrations', migration_id::text) FROM again
            """, new { id }, cancellationToken: cancellation));
    }

    public async Task<bool> FinishAsync(Guid id, RunState state, string? error, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        return await connection.ExecuteScalarAsync<string?>(new CommandDefinition(
            """
            UPDATE stage_run SET state = @state, error = @error, finished_at = now() WHERE id = @id AND state IN ('Planned', 'Running')
            RETURNING pg_notify('migrations', migration_id::text)::text
            """, new { id, state = state.ToString(), error }, cancellationToken: cancellation)) is not null;
    }

    /// <summary>Ends a run that has not begun.</summary>
    public async Task<bool> FinishPlannedAsync(Guid id, RunState state, string error, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        return await connection.ExecuteScalarAsync<string?>(new CommandDefinition(
            """
            UPDATE stage_run SET state = @state, error = @error, finished_at = now() WHERE id = @id AND state = 'Planned'
            RETURNING pg_notify('migrations', migration_id::text)::text
            """, new { id, state = state.ToString(), error }, cancellationToken: cancellation)) is not null;
    }

    /// <summary>Cancels a planned run at once and asks a running one to stop at its next step.</summary>
    /// <returns>The state it is in afterwards; null when there is no such run.</returns>
    public async Task<RunState?> CancelAsync(Guid id, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        var state = await connection.ExecuteScalarAsync<string?>(new CommandDefinition(
            """
            WITH changed AS (
                UPDATE stage_run SET
                    cancel_requested = true,
                    state = CASE WHEN state = 'Planned' THEN 'Cancelled' ELSE state END,
                    finished_at = CASE WHEN state = 'Planned' THEN now() ELSE finished_at END
                WHERE id = @id AND state IN ('Planned', 'Running')
                RETURNING state, pg_notify('migrations', migration_id::text))
            SELECT coalesce((SELECT state FROM changed), (SELECT state FROM stage_run WHERE id = @id))
            """, new { id }, cancellationToken: cancellation));
        return state is null ? null : Enum.Parse<RunState>(state);
    }

    /// <returns>Whether it was asked to stop, and the node that runs it as the database knows it: another one when it was taken over.</returns>
    public async Task<(bool CancelRequested, string? Node)> WishAsync(Guid id, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        return await connection.QuerySingleOrDefaultAsync<(bool, string?)>(new CommandDefinition("SELECT cancel_requested, node FROM stage_run WHERE id = @id", new { id }, cancellationToken: cancellation));
    }

    public async Task SaveHoldAsync(Guid id, int milliseconds, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        await connection.ExecuteAsync(new CommandDefinition("UPDATE stage_run SET hold_ms = @milliseconds WHERE id = @id", new { id, milliseconds }, cancellationToken: cancellation));
    }

    public async Task BeginStepAsync(Guid runId, int number, string name, string? host, DateTimeOffset startedAt, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        await connection.ExecuteAsync(new CommandDefinition(
            """
            WITH step AS (
                INSERT INTO run_step (run_id, number, name, host, state, started_at) VALUES (@runId, @number, @name, @host, 'Running', @startedAt)
                ON CONFLICT DO NOTHING RETURNING run_id)
            SELECT pg_notify('migrations', r.migration_id::text) FROM stage_run r JOIN step ON step.run_id = r.id
            """, new { runId, number, name, host, startedAt }, cancellationToken: cancellation));
    }

    public async Task EndStepAsync(Guid runId, int number, StepState state, int durationMs, int? exitCode, string output, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        await connection.ExecuteAsync(new CommandDefinition(
            """
            WITH step AS (
                UPDATE run_step SET state = @state, duration_ms = @durationMs, exit_code = @exitCode, output = @output
                WHERE run_id = @runId AND number = @number RETURNING run_id)
            SELECT pg_notify('migrations', r.migration_id::text) FROM stage_run r JOIN step ON step.run_id = r.id
            """, new { runId, number, state = state.ToString(), durationMs, exitCode, output = output.Replace("\0", "", StringComparison.Ordinal) }, cancellationToken: cancellation));
    }

    /// <summary>Replaces the output of a step that is still running: progress of a copy, say.</summary>
    public async Task ProgressAsync(Guid runId, int number, string output, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        await connection.ExecuteAsync(new CommandDefinition(
            """
            WITH step AS (UPDATE run_step SET output = @output WHERE run_id = @runId AND number = @number RETURNING run_id)
            SELECT pg_notify('migrations', r.migration_id::text) FROM stage_run r JOIN step ON step.run_id = r.id
            """, new { runId, number, output = output.Replace("\0", "", StringComparison.Ordinal) }, cancellationToken: cancellation));
    }

    public async Task<IReadOnlyList<RunStep>> StepsAsync(Guid runId, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        var rows = await connection.QueryAsync<StepRow>(new CommandDefinition(
            "SELECT run_id, number, name, host, state, started_at, duration_ms, exit_code, output FROM run_step WHERE run_id = @runId ORDER BY number",
            new { runId }, cancellationToken: cancellation));
        return [.. rows.Select(row => new RunStep(row.RunId, row.Number, row.Name, row.Host, Enum.Parse<StepState>(row.State), row.StartedAt, row.DurationMs, row.ExitCode, row.Output))];
    }

    private async Task<IReadOnlyList<StageRun>> QueryAsync(string where, object arguments, string order, int take, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        var rows = await connection.QueryAsync<Row>(new CommandDefinition(
            $"SELECT {Columns} FROM stage_run WHERE {where} ORDER BY {order} LIMIT {Math.Clamp(take, 1, 5000)}", arguments, cancellationToken: cancellation));
        return [.. rows.Select(row => row.ToRun())];
    }

    private sealed record StepRow(Guid RunId, int Number, string Name, string? Host, string State, DateTime StartedAt, int? DurationMs, int? ExitCode, string Output);

    private sealed record Row(
        Guid Id, Guid MigrationId, string Direction, string FromStage, string Target, string State, string RequestedBy, DateTime RequestedAt, DateTime? NotBefore, DateTime? NotAfter,
        string TimeZone, string? OverrideReason, DateTime? StartedAt, DateTime? FinishedAt, string? Error, string? Node, bool CancelRequested, int? HoldMs)
    {
        public StageRun ToRun() => new()
        {
            Id = Id,
            MigrationId = MigrationId,
            Direction = Enum.Parse<Direction>(Direction),
            From = Enum.Parse<Stage>(FromStage),
            Target = Enum.Parse<Stage>(Target),
            State = Enum.Parse<RunState>(State),
            RequestedBy = RequestedBy,
            RequestedAt = RequestedAt,
            NotBefore = NotBefore,
            NotAfter = NotAfter,
            TimeZone = TimeZone,
            OverrideReason = OverrideReason,
            StartedAt = StartedAt,
            FinishedAt = FinishedAt,
            Error = Error,
            Node = Node,
            CancelRequested = CancelRequested,
            HoldMs = HoldMs,
        };
    }
}
