using Dapper;
using MigrationDashboard.Core;
using MigrationDashboard.Core.Migrations;
using Npgsql;

namespace MigrationDashboard.Infrastructure.Migrations;

/// <summary>A migration that is being described: nothing in it has been checked.</summary>
/// <param name="Step">Where its author was, in the page's own words.</param>
/// <param name="Window">When the cutover is to be, as JSON of the page's own; null when that is open.</param>
public sealed record MigrationDraft(string Step, MigrationInput Input, DateTimeOffset UpdatedAt, string? Window = null);

/// <summary>Keeps one draft for each user.</summary>
public sealed class MigrationDraftStore(NpgsqlDataSource database)
{
    /// <returns>Null when the user has none.</returns>
    public async Task<MigrationDraft?> FindAsync(Guid userId, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        var row = await connection.QuerySingleOrDefaultAsync<Row>(new CommandDefinition(
            "SELECT step, input::text AS input, updated_at, cutover_window::text AS planned FROM migration_draft WHERE user_id = @userId", new { userId }, cancellationToken: cancellation));
        return row is null ? null : new(row.Step, CoreJson.Read<MigrationInput>(row.Input), new DateTimeOffset(row.UpdatedAt), row.Planned);
    }

    public async Task SaveAsync(Guid userId, MigrationDraft draft, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        // What is typed may hold a NUL, which jsonb does not take.
        var input = CoreJson.Write(draft.Input).Replace(@"\u0000", "", StringComparison.Ordinal);
        var window = draft.Window?.Replace(@"\u0000", "", StringComparison.Ordinal);
        await connection.ExecuteAsync(new CommandDefinition(
            """
            INSERT INTO migration_draft (user_id, step, input, updated_at, cutover_window) VALUES (@userId, @Step, @input::jsonb, @UpdatedAt, @window::jsonb)
            ON CONFLICT (user_id) DO UPDATE SET step = excluded.step, input = excluded.input, updated_at = excluded.updated_at, cutover_window = excluded.cutover_window
            """, new { userId, draft.Step, input, draft.UpdatedAt, window }, cancellationToken: cancellation));
    }

    public async Task RemoveAsync(Guid userId, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        await connection.ExecuteAsync(new CommandDefinition("DELETE FROM migration_draft WHERE user_id = @userId", new { userId }, cancellationToken: cancellation));
    }

    private sealed record Row(string Step, string Input, DateTime UpdatedAt, string? Planned);
}
