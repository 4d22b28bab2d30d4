using System.Text.Json;
using MigrationDashboard.Core;
using MigrationDashboard.Core.Connections;
using MigrationDashboard.Core.Servers;
using MigrationDashboard.Core.Stages;
using Npgsql;

namespace MigrationDashboard.Infrastructure.Connections;

/// <summary>One path at one time, or within one stretch of time beginning then.</summary>
/// <param name="Established">The most within the stretch; null where connections were not listed. Of both families together.</param>
/// <param name="New">All within the stretch; null for single ports, which are not counted apart.</param>
public sealed record SeriesPoint(DateTimeOffset At, ConnectionPath Path, long? Established, long? Other, long? New);

/// <summary>What <see cref="Gate.Judge"/> asks for.</summary>
/// <param name="WatchedSince">Null when nobody counts at the moment: a gate cannot be met by not looking.</param>
public sealed record GateInputs(IReadOnlyList<(DateTimeOffset At, long New)> NewConnections, DateTimeOffset? WatchedSince);

/// <summary>How counting goes on one host of a migration, for status pages and metrics.</summary>
/// <param name="ClockOffset">The host's clock less the dashboard's, true to a second.</param>
/// <param name="Cost">CPU time of the host between two lines.</param>
/// <param name="NextFull">How long until connections are listed again: longer the more there are.</param>
public sealed record ReporterStatus(
    Guid Migration, Role Reporter, DateTimeOffset At, DateTimeOffset? FullAt, DateTimeOffset WatchedSince, long ConntrackEntries, long ConntrackMost,
    TimeSpan ClockOffset, TimeSpan Cost, TimeSpan NextFull, string? Reader, string? Error);

/// <summary>Reads what was counted.</summary>
public sealed class ConnectionHistory(NpgsqlDataSource database, TimeProvider time)
{
    /// <summary>Lines come every second, or every few on a very slow host.</summary>
    public static readonly TimeSpan Stale = TimeSpan.FromSeconds(30);

    /// <summary>More than any chart has pixels.</summary>
    public const int MostPoints = 20_000;

    /// <summary>The four paths as last counted: the snapshot to which the changes told by <see cref="SampleStore.Channel"/> are added.</summary>
    public async Task<LiveCounts> LatestAsync(Guid migration, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        await using var batch = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                Command("SELECT reporter, at, conntrack_count, conntrack_max, error, full_at, clients FROM connection_reporter WHERE migration = $1", migration),
                Command(
                    """
                    SELECT path, sum(established)::bigint, sum(other)::bigint
                    FROM connection_sample JOIN connection_reporter r USING (migration)
                    WHERE migration = $1 AND port = 0 AND connection_sample.at = r.full_at
                      AND r.reporter = CASE WHEN path IN ('Direct', 'Tail') THEN 'Old' ELSE 'New' END
                    GROUP BY path
                    """, migration),
                Command("SELECT path, at, sum(new)::bigint FROM connection_sample WHERE migration = $1 AND new > 0 AND at > $2 GROUP BY path, at ORDER BY at", migration, time.GetUtcNow() - LiveCounts.RateWindow),
                Command(
                    """
                    SELECT path, max(at) FROM (
                        SELECT path, max(at) AS at FROM connection_sample WHERE migration = $1 AND new > 0 GROUP BY path
                        UNION ALL SELECT path, max(at) FROM connection_minute WHERE migration = $1 AND new > 0 GROUP BY path) AS last
                    GROUP BY path
                    """, migration),
            },
        };
        await using var reader = await batch.ExecuteReaderAsync(cancellation);
        var reporters = new List<(ReporterState State, DateTimeOffset? FullAt, Dictionary<string, long> Clients)>();
        while (await reader.ReadAsync(cancellation))
            reporters.Add((
                new(Enum.Parse<Role>(reader.GetString(0)), reader.GetFieldValue<DateTimeOffset>(1), reader.GetInt64(2), reader.GetInt64(3), reader.IsDBNull(4) ? null : reader.GetString(4)),
                reader.IsDBNull(5) ? null : reader.GetFieldValue<DateTimeOffset>(5),
                JsonSerializer.Deserialize<Dictionary<string, long>>(reader.GetString(6))!));
        await reader.NextResultAsync(cancellation);
        var counts = new Dictionary<ConnectionPath, (long Established, long Other)>();
        while (await reader.ReadAsync(cancellation))
            counts[Path(reader)] = (Long(reader, 1) ?? 0, Long(reader, 2) ?? 0);
        await reader.NextResultAsync(cancellation);
        var recent = new List<(ConnectionPath Path, DateTimeOffset At, long New)>();
        while (await reader.ReadAsync(cancellation))
            recent.Add((Path(reader), reader.GetFieldValue<DateTimeOffset>(1), reader.GetInt64(2)));
        await reader.NextResultAsync(cancellation);
        var last = new Dictionary<ConnectionPath, DateTimeOffset>();
        while (await reader.ReadAsync(cancellation))
            last[Path(reader)] = reader.GetFieldValue<DateTimeOffset>(1);

        var empty = LiveCounts.Empty(migration);
        return empty with
        {
            Reporters = empty.Reporters.Select(state => reporters.FirstOrDefault(known => known.State.Reporter == state.Reporter).State ?? state).ToValueList(),
            Paths = empty.Paths.Select(state =>
            {
                var reporter = reporters.FirstOrDefault(known => known.State.Reporter == ClassifyPath.ReporterOf(state.Path));
                var (established, other) = counts.GetValueOrDefault(state.Path);
                return new PathState(
                    state.Path, established, other, reporter.Clients?.GetValueOrDefault(state.Path.ToString()) ?? 0, reporter.FullAt,
                    last.TryGetValue(state.Path, out var at) ? at : null,
                    recent.Where(item => item.Path == state.Path).Select(item => (item.At, item.New)).ToValueList());
            }).ToValueList(),
        };
    }

    /// <summary>The paths over time, oldest first.</summary>
    /// <param name="resolution">Length of a stretch, from one second. Below a minute, samples are read, which are kept for two days; from a minute on, minutes.</param>
    /// <param name="port">One port of the application, or null for all together.</param>
    public async Task<IReadOnlyList<SeriesPoint>> SeriesAsync(
        Guid migration, DateTimeOffset from, DateTimeOffset to, TimeSpan resolution, ForwardedPort? port, CancellationToken cancellation)
    {
        if (resolution < TimeSpan.FromSeconds(1))
            throw new InvalidInputException("resolution", "one second is the finest there is");
        if ((to - from) / resolution > MostPoints)
            throw new InvalidInputException("resolution", $"that would be more than {MostPoints} points: ask for longer stretches or a shorter time");
        var minutes = resolution >= TimeSpan.FromMinutes(1);
        var (table, established, other) = minutes ? ("connection_minute", "established_max", "other_max") : ("connection_sample", "established", "other");
        await using var command = database.CreateCommand(
            $"""
            SELECT date_bin($4, at, 'epoch') AS stretch, path, max(established)::bigint, max(other)::bigint, sum(new)::bigint
            FROM (SELECT at, path, sum({established}) AS established, sum({other}) AS other, sum(new) AS new
                  FROM {table} WHERE migration = $1 AND at >= $2 AND at < $3 AND port = $5 AND transport = $6 GROUP BY at, path) AS moment
            GROUP BY stretch, path ORDER BY stretch, path
            """);
        Add(command, migration, from.ToUniversalTime(), to.ToUniversalTime(), resolution, (int)(port?.Number ?? 0), port is null ? "" : port.Transport == Transport.Tcp ? "tcp" : "udp");
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var points = new List<SeriesPoint>();
        while (await reader.ReadAsync(cancellation))
            points.Add(new(reader.GetFieldValue<DateTimeOffset>(0), Enum.Parse<ConnectionPath>(reader.GetString(1)), Long(reader, 2), Long(reader, 3), Long(reader, 4)));
        return points;
    }

    /// <param name="path">The path that should be empty: Direct in Drain, Tail in Tail.</param>
    /// <param name="within">The gate's time: <see cref="Gate.WithinMinutes"/>.</param>
    public async Task<GateInputs> GateAsync(Guid migration, ConnectionPath path, TimeSpan within, CancellationToken cancellation)
    {
        var now = time.GetUtcNow();
        await using var connection = await database.OpenConnectionAsync(cancellation);
        // Minutes hold everything; a minute's beginning is before the gate's time when its end is within, so one more is read and told apart by samples.
        var table = within > ConnectionRetention.Samples - TimeSpan.FromHours(1) ? "connection_minute" : "connection_sample";
        await using var batch = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                Command("SELECT watched_since, at FROM connection_reporter WHERE migration = $1 AND reporter = $2", migration, ClassifyPath.ReporterOf(path).ToString()),
                Command(
                    $"""
                    SELECT at, sum(new)::bigint FROM {table} WHERE migration = $1 AND path = $2 AND new > 0 AND at > $3 GROUP BY at
                    UNION ALL
                    SELECT max(at), 1 FROM (
                        (SELECT at FROM connection_sample WHERE migration = $1 AND path = $2 AND new > 0 AND at <= $3 ORDER BY at DESC LIMIT 1)
                        UNION ALL (SELECT at FROM connection_minute WHERE migration = $1 AND path = $2 AND new > 0 AND at <= $3 ORDER BY at DESC LIMIT 1)) AS before
                    HAVING max(at) IS NOT NULL
                    ORDER BY 1
                    """, migration, path.ToString(), now - within),
            },
        };
        await using var reader = await batch.ExecuteReaderAsync(cancellation);
        DateTimeOffset? since = null;
        if (await reader.ReadAsync(cancellation) && now - reader.GetFieldValue<DateTimeOffset>(1) <= Stale)
            since = reader.GetFieldValue<DateTimeOffset>(0);
        await reader.NextResultAsync(cancellation);
        var found = new List<(DateTimeOffset, long)>();
        while (await reader.ReadAsync(cancellation))
            found.Add((reader.GetFieldValue<DateTimeOffset>(0), reader.GetInt64(1)));
        return new(found, since);
    }

    /// <summary>How counting goes, of one migration or of all.</summary>
    public async Task<IReadOnlyList<ReporterStatus>> StatusAsync(Guid? migration, CancellationToken cancellation)
    {
        await using var command = database.CreateCommand(
            """
            SELECT migration, reporter, at, full_at, watched_since, conntrack_count, conntrack_max, clock_offset_ms, cost_ms, next_full_ms, reader, error
            FROM connection_reporter WHERE $1 IS NULL OR migration = $1 ORDER BY migration, reporter
            """);
        command.Parameters.Add(new() { Value = (object?)migration ?? DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Uuid });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var all = new List<ReporterStatus>();
        while (await reader.ReadAsync(cancellation))
            all.Add(new(
                reader.GetGuid(0), Enum.Parse<Role>(reader.GetString(1)), reader.GetFieldValue<DateTimeOffset>(2),
                reader.IsDBNull(3) ? null : reader.GetFieldValue<DateTimeOffset>(3), reader.GetFieldValue<DateTimeOffset>(4), reader.GetInt64(5), reader.GetInt64(6),
                TimeSpan.FromMilliseconds(reader.GetInt64(7)), TimeSpan.FromMilliseconds(reader.GetInt64(8)), TimeSpan.FromMilliseconds(reader.GetInt64(9)),
                reader.IsDBNull(10) ? null : reader.GetString(10), reader.IsDBNull(11) ? null : reader.GetString(11)));
        return all;
    }

    private static ConnectionPath Path(NpgsqlDataReader reader) => Enum.Parse<ConnectionPath>(reader.GetString(0));

    private static long? Long(NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetInt64(column);

    private static NpgsqlBatchCommand Command(string sql, params object[] values)
    {
        var command = new NpgsqlBatchCommand(sql);
        foreach (var value in values)
            command.Parameters.Add(new() { Value = value });
        return command;
    }

    private static void Add(NpgsqlCommand command, params object[] values)
    {
        foreach (var value in values)
            command.Parameters.Add(new() { Value = value });
    }
}
