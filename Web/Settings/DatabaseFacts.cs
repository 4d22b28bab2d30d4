using Npgsql;

namespace MigrationDashboard.Web.Settings;

internal static class DatabaseFacts
{
    /// <summary>The server's version and the size of our database, both as PostgreSQL words them.</summary>
    public static async Task<(string Version, string Size)> ReadAsync(NpgsqlDataSource database, CancellationToken cancel)
    {
        await using var command = database.CreateCommand("select current_setting('server_version'), pg_size_pretty(pg_database_size(current_database()))");
        await using var reader = await command.ExecuteReaderAsync(cancel);
        await reader.ReadAsync(cancel);
        return ($"PostgreSQL {reader.GetString(0)}", reader.GetString(1));
    }
}
