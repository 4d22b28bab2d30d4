using Dapper;
using MigrationDashboard.Core;
using MigrationDashboard.Core.Servers;
using Npgsql;

namespace MigrationDashboard.Infrastructure.Migrations;

/// <summary>Servers as they were registered.</summary>
public sealed class ServerStore(NpgsqlDataSource database)
{
    private const string Columns = "id, name, host, port, user_name, host_keys::text AS host_keys, key_id, created_at";

    public async Task<IReadOnlyList<Server>> ListAsync(CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        var rows = await connection.QueryAsync<Row>(new CommandDefinition($"SELECT {Columns} FROM server ORDER BY lower(name)", cancellationToken: cancellation));
        return [.. rows.Select(row => row.ToServer())];
    }

    public async Task<Server?> FindAsync(Guid id, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        var row = await connection.QuerySingleOrDefaultAsync<Row>(new CommandDefinition($"SELECT {Columns} FROM server WHERE id = @id", new { id }, cancellationToken: cancellation));
        return row?.ToServer();
    }

    /// <exception cref="InvalidInputException">The name, or the address with its port, is registered already.</exception>
    public async Task AddAsync(Server server, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        try
        {
            await connection.ExecuteAsync(new CommandDefinition(
                """
                INSERT INTO server (id, name, host, port, user_name, host_keys, key_id, created_at)
                VALUES (@Id, @Name, @Host, @Port, @User, @keys::jsonb, @KeyId, @CreatedAt)
                """,
                new { server.Id, server.Name, server.Host, server.Port, server.User, keys = CoreJson.Write(server.HostKeys), server.KeyId, server.CreatedAt },
                cancellationToken: cancellation));
        }
        catch (PostgresException error) when (error.SqlState == PostgresErrorCodes.UniqueViolation)
        {
            throw error.ConstraintName == "server_name_key"
                ? new InvalidInputException("name", $"there is a server named {server.Name} already")
                : new InvalidInputException("host", $"{server.Host} port {server.Port} is registered already");
        }
    }

    /// <summary>Pins other host keys, after the operator has compared them.</summary>
    public async Task PinAsync(Guid id, ValueList<string> hostKeys, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        await connection.ExecuteAsync(new CommandDefinition("UPDATE server SET host_keys = @keys::jsonb WHERE id = @id", new { id, keys = CoreJson.Write(hostKeys) }, cancellationToken: cancellation));
    }

    /// <summary>Keeps what was last read from the server, for pages.</summary>
    public async Task SaveInventoryAsync(Guid id, string inventoryJson, DateTimeOffset at, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        await connection.ExecuteAsync(new CommandDefinition(
            "UPDATE server SET inventory = @inventoryJson::jsonb, inventory_at = @at WHERE id = @id", new { id, inventoryJson, at }, cancellationToken: cancellation));
    }

    public async Task<(string Json, DateTimeOffset At)?> InventoryAsync(Guid id, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        var row = await connection.QuerySingleOrDefaultAsync<(string? Json, DateTimeOffset? At)>(new CommandDefinition(
            "SELECT inventory::text, inventory_at FROM server WHERE id = @id", new { id }, cancellationToken: cancellation));
        return row is ({ } json, { } at) ? (json, at) : null;
    }

    /// <summary>When each server was last read; servers never read are missing.</summary>
    public async Task<IReadOnlyDictionary<Guid, DateTimeOffset>> InventoryTimesAsync(CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        var rows = await connection.QueryAsync<(Guid Id, DateTime At)>(new CommandDefinition(
            "SELECT id, inventory_at FROM server WHERE inventory_at IS NOT NULL", cancellationToken: cancellation));
        return rows.ToDictionary(row => row.Id, row => new DateTimeOffset(row.At));
    }

    /// <exception cref="InvalidInputException">A migration uses the server.</exception>
    public async Task<bool> RemoveAsync(Guid id, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        try
        {
            return await connection.ExecuteAsync(new CommandDefinition("DELETE FROM server WHERE id = @id", new { id }, cancellationToken: cancellation)) == 1;
        }
        catch (PostgresException error) when (error.SqlState == PostgresErrorCodes.ForeignKeyViolation)
        {
            throw new InvalidInputException("server", "a migration uses this server: it stays, so that the record of what was done to it does");
        }
    }

    private sealed record Row(Guid Id, string Name, string Host, int Port, string UserName, string HostKeys, Guid KeyId, DateTime CreatedAt)
    {
        public Server ToServer() => new(Id, Name, Host, Port, UserName, CoreJson.Read<ValueList<string>>(HostKeys), KeyId, new DateTimeOffset(CreatedAt));
    }
}
