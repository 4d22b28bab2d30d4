using Npgsql;

namespace MigrationDashboard.Web.Settings;

/// <summary>Applies the numbered schema files that are missing, one node at a time.</summary>
internal sealed class SchemaAtStart(NpgsqlDataSource database) : IHostedService
{
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var assembly = typeof(Infrastructure.Users.UserStore).Assembly;
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await using var prepare = new NpgsqlCommand(
            "select pg_advisory_xact_lock(727001); create table if not exists schema_files (name text primary key)", connection, transaction);
        await prepare.ExecuteNonQueryAsync(cancellationToken);
        foreach (var name in assembly.GetManifestResourceNames().Where(n => n.EndsWith(".sql", StringComparison.Ordinal)).Order(StringComparer.Ordinal))
        {
            using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
            await using var note = new NpgsqlCommand("insert into schema_files (name) values ($1) on conflict do nothing", connection, transaction) { Parameters = { new() { Value = name } } };
            if (await note.ExecuteNonQueryAsync(cancellationToken) == 0) continue;
            await using var apply = new NpgsqlCommand(await reader.ReadToEndAsync(cancellationToken), connection, transaction);
            await apply.ExecuteNonQueryAsync(cancellationToken);
        }
        await transaction.CommitAsync(cancellationToken);
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
