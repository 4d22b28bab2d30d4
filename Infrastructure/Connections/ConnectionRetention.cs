using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace MigrationDashboard.Infrastructure.Connections;

/// <summary>Forgets what is too old, every hour. Every node does; where another was first there is nothing left to do.</summary>
public sealed class ConnectionRetention(NpgsqlDataSource database, TimeProvider time, ILogger<ConnectionRetention> logger) : BackgroundService
{
    /// <summary>Some 350,000 rows a migration and day: two days are enough to look closely at what went wrong the day before.</summary>
    public static readonly TimeSpan Samples = TimeSpan.FromDays(2);

    /// <summary>Minutes and clients: longer than any migration takes, and no longer than an address of a client should be kept.</summary>
    public static readonly TimeSpan Minutes = TimeSpan.FromDays(90);

    /// <returns>How many rows were deleted.</returns>
    public async Task<long> CleanAsync(CancellationToken cancellation)
    {
        var now = time.GetUtcNow();
        return await DeleteAsync("connection_sample", "at", now - Samples, cancellation)
            + await DeleteAsync("connection_minute", "at", now - Minutes, cancellation)
            + await DeleteAsync("straggler", "last_seen", now - Minutes, cancellation);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // At a start there is more to do than to clean.
        using var timer = new PeriodicTimer(TimeSpan.FromHours(1), time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
            try
            {
                logger.LogDebug("{Rows} old rows of counted connections were deleted.", await CleanAsync(stoppingToken));
            }
            catch (Exception problem) when (problem is NpgsqlException or TimeoutException)
            {
                logger.LogWarning("Old samples were not deleted: {Reason}. Again in an hour.", problem.Message);
            }
    }

    /// <summary>In portions, so that no transaction holds rows for long, and a first cleaning after a long time ends.</summary>
    private async Task<long> DeleteAsync(string table, string column, DateTimeOffset before, CancellationToken cancellation)
    {
        var deleted = 0L;
        while (true)
        {
            await using var command = database.CreateCommand($"DELETE FROM {table} WHERE ctid = ANY (ARRAY (SELECT ctid FROM {table} WHERE {column} < $1 LIMIT 20000))");
            command.Parameters.Add(new() { Value = before });
            var rows = await command.ExecuteNonQueryAsync(cancellation);
            deleted += rows;
            if (rows == 0)
                return deleted;
        }
    }
}
