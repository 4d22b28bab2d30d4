using Dapper;
using MigrationDashboard.Core;
using MigrationDashboard.Core.Workloads;
using Npgsql;

namespace MigrationDashboard.Infrastructure.Migrations;

/// <summary>What the last rehearsal of a migration's cutover measured.</summary>
public sealed class BudgetStore(NpgsqlDataSource database)
{
    public async Task<CutoverBudget?> FindAsync(Guid migration, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        var json = await connection.ExecuteScalarAsync<string?>(new CommandDefinition(
            "SELECT budget::text FROM cutover_budget WHERE migration_id = @migration", new { migration }, cancellationToken: cancellation));
        return json is null ? null : CoreJson.Read<CutoverBudget>(json);
    }

    public async Task SaveAsync(Guid migration, CutoverBudget budget, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        await connection.ExecuteAsync(new CommandDefinition(
            """
            INSERT INTO cutover_budget (migration_id, budget) VALUES (@migration, @json::jsonb) ON CONFLICT (migration_id) DO UPDATE SET budget = excluded.budget;
            SELECT pg_notify('migrations', @migration::text)
            """, new { migration, json = CoreJson.Write(budget) }, cancellationToken: cancellation));
    }
}
