using Dapper;
using MigrationDashboard.Core;
using MigrationDashboard.Core.Migrations;
using Npgsql;

namespace MigrationDashboard.Infrastructure.Migrations;

/// <summary>What lists of migrations need and no more: with a thousand of them a whole row each, facts and checks included, is what makes a page slow.</summary>
public sealed class MigrationNames(NpgsqlDataSource database)
{
    public async Task<IReadOnlyList<(Guid Id, string Name)>> AllAsync(CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        return [.. await connection.QueryAsync<(Guid, string)>(new CommandDefinition("SELECT id, name FROM migration ORDER BY created_at DESC, id", cancellationToken: cancellation))];
    }

    /// <param name="server">Only those on it; null for those on any.</param>
    /// <param name="activeOnly">Without those that are over.</param>
    public async Task<IReadOnlyList<(Guid Id, string Name, Guid Old, Guid New)>> OnServersAsync(Guid? server, bool activeOnly, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        return [.. await connection.QueryAsync<(Guid, string, Guid, Guid)>(new CommandDefinition(
            """
            SELECT id, name, old_server, new_server FROM migration
            WHERE (@server::uuid IS NULL OR old_server = @server OR new_server = @server) AND (NOT @activeOnly OR stage <> 'Decommission')
            ORDER BY created_at DESC, id
            """, new { server, activeOnly }, cancellationToken: cancellation))];
    }

    /// <summary>What is described of those under way: their networks and ports are taken.</summary>
    public async Task<IReadOnlyList<MigrationSpec>> ActiveSpecsAsync(CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        var specs = await connection.QueryAsync<string>(new CommandDefinition("SELECT spec::text FROM migration WHERE stage <> 'Decommission'", cancellationToken: cancellation));
        return [.. specs.Select(CoreJson.Read<MigrationSpec>)];
    }
}
