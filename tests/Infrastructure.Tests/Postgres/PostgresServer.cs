using MigrationDashboard.Infrastructure.Postgres;
using Npgsql;

[assembly: AssemblyFixture(typeof(MigrationDashboard.Infrastructure.Tests.Postgres.PostgresServer))]

namespace MigrationDashboard.Infrastructure.Tests.Postgres;

/// <summary>One real PostgreSQL for all tests; each test takes a database of its own. Started when the first test asks.</summary>
public sealed class PostgresServer : IAsyncLifetime
{
    private readonly SemaphoreSlim _gate = new(1, 1);
    private DataFolder? _folder;
    private EmbeddedPostgres? _postgres;
    private int _databases;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        if (_postgres is not null)
            await _postgres.DisposeAsync();
        _folder?.Dispose();
        _gate.Dispose();
    }

    /// <summary>An empty database.</summary>
    public async Task<NpgsqlDataSource> CreateDatabaseAsync()
    {
        await _gate.WaitAsync();
        try
        {
            _folder ??= new();
            _postgres ??= await EmbeddedPostgres.StartAsync(_folder.Path, default);
        }
        finally
        {
            _gate.Release();
        }

        var name = $"test{Interlocked.Increment(ref _databases)}";
        await using var maintenance = NpgsqlDataSource.Create(_postgres.ConnectionString);
        await using (var create = maintenance.CreateCommand($"CREATE DATABASE {name}"))
            await create.ExecuteNonQueryAsync();
        return Database.CreateSource(new NpgsqlConnectionStringBuilder(_postgres.ConnectionString) { Database = name, MaxPoolSize = 15 }.ConnectionString);
    }

    /// <summary>A database with this version's schema.</summary>
    public async Task<NpgsqlDataSource> CreateSchemaAsync()
    {
        var database = await CreateDatabaseAsync();
        await SchemaMigration.ApplyAsync(database, default);
        return database;
    }
}

/// <summary>A data folder that goes with the test.</summary>
public sealed class DataFolder : IDisposable
{
    public DataFolder()
    {
        Path = Directory.CreateTempSubdirectory("migdash-data-").FullName;
        File.SetUnixFileMode(Path, (UnixFileMode)0x1C9); // 0711: the account postgres passes through
    }

    public string Path { get; }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
