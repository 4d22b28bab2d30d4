using System.Diagnostics;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace MigrationDashboard.Infrastructure.Postgres;

public sealed record DatabaseOptions
{
    /// <summary>Of a PostgreSQL server, version 14 or later; null for one of the dashboard's own in <see cref="DataFolder"/>.</summary>
    public string? ConnectionString { get; init; }

    /// <summary>Where the dashboard keeps what must outlive it on this node.</summary>
    public required string DataFolder { get; init; }
}

/// <summary>The dashboard's database, ready for use: running, reachable, with this version's schema.</summary>
public sealed class Database : IAsyncDisposable
{
    /// <summary>How long a start waits for a database server that is starting too, as after a power cut.</summary>
    private static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(60);

    private readonly EmbeddedPostgres? _own;

    private Database(EmbeddedPostgres? own, NpgsqlDataSource source) => (_own, Source) = (own, source);

    public NpgsqlDataSource Source { get; }

    /// <summary>The data source's connection string, for what makes connections of its own (the job store).</summary>
    public string ConnectionString { get; private init; } = "";

    public static async Task<Database> OpenAsync(DatabaseOptions options, ILoggerFactory loggers, CancellationToken cancellation)
    {
        var own = options.ConnectionString is null
            ? await EmbeddedPostgres.StartAsync(options.DataFolder, cancellation, loggers.CreateLogger<EmbeddedPostgres>())
            : null;
        var connectionString = WithDefaults(own?.ConnectionString ?? options.ConnectionString!);
        var database = new Database(own, CreateSource(connectionString, loggers)) { ConnectionString = connectionString };
        try
        {
            await database.Source.RetryAsync(cancel => SchemaMigration.ApplyAsync(database.Source, cancel), StartPatience, cancellation);
            return database;
        }
        catch
        {
            await database.DisposeAsync();
            throw;
        }
    }

    /// <summary>A data source with the dashboard's settings. What the connection string says itself is kept.</summary>
    public static NpgsqlDataSource CreateSource(string connectionString, ILoggerFactory? loggers = null)
    {
        DapperTypes.Register();
        return new NpgsqlDataSourceBuilder(WithDefaults(connectionString)).UseLoggerFactory(loggers).Build();
    }

    public async ValueTask DisposeAsync()
    {
        await Source.DisposeAsync();
        if (_own is not null)
            await _own.DisposeAsync();
    }

    private static string WithDefaults(string connectionString)
    {
        var settings = new NpgsqlConnectionStringBuilder(connectionString);
        // Its ContainsKey says true for every setting there is; its keys are those that were given, by their full names.
        var given = settings.Keys.ToHashSet(StringComparer.OrdinalIgnoreCase);
        Default("Application Name", "migration-dashboard");
        // PostgreSQL allows 100 connections by default (max_connections): two nodes with 40 each leave room for the job store, people and backups.
        Default("Maximum Pool Size", 40);
        // Connecting takes milliseconds, or does not work: fail soon, and let the caller try again.
        Default("Timeout", 5);
        // No statement of ours takes seconds; exports and verification set their own.
        Default("Command Timeout", 30);
        // A server that vanished without a word (power cut, dropped route) is noticed within about 20 s.
        Default("Keepalive", 10);
        Default("Tcp Keepalive", true);
        return settings.ConnectionString;

        void Default(string key, object value)
        {
            if (!given.Contains(key))
                settings[key] = value;
        }
    }
}

public static class DatabaseRetry
{
    /// <summary>
    /// Does the work again while the database is away (stopped, restarting, failing over), until <paramref name="patience"/> is over.
    /// Only for work that may be done twice: a connection can be lost after the server has committed.
    /// </summary>
    public static async Task<T> RetryAsync<T>(this NpgsqlDataSource database, Func<CancellationToken, Task<T>> work, TimeSpan patience, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(database);
        var clock = Stopwatch.StartNew();
        for (var pause = TimeSpan.FromMilliseconds(50); ; pause = TimeSpan.FromMilliseconds(Math.Min(1000, pause.TotalMilliseconds * 2)))
        {
            try
            {
                return await work(cancellation);
            }
            catch (Exception problem) when (IsAway(problem) && clock.Elapsed + pause < patience)
            {
                await Task.Delay(pause, cancellation);
            }
        }
    }

    public static Task RetryAsync(this NpgsqlDataSource database, Func<CancellationToken, Task> work, TimeSpan patience, CancellationToken cancellation) =>
        database.RetryAsync(async cancel =>
        {
            await work(cancel);
            return true;
        }, patience, cancellation);

    /// <summary>True when the same work may succeed in a moment.</summary>
    public static bool IsAway(Exception problem) => problem switch
    {
        PostgresException error => error.IsTransient || error.SqlState.StartsWith("57P", StringComparison.Ordinal), // 57P01-03: shutting down, crashed, starting
        NpgsqlException error => error.IsTransient || error.InnerException is IOException or SocketException or TimeoutException,
        SocketException or IOException => true,
        _ => false,
    };
}
