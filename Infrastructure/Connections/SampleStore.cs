using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using MigrationDashboard.Core.Connections;
using MigrationDashboard.Core.Servers;
using MigrationDashboard.Core.Stages;
using Npgsql;
using NpgsqlTypes;

namespace MigrationDashboard.Infrastructure.Connections;

/// <summary>Another node counts on this server now.</summary>
public sealed class LeaseLostException(Guid server) : Exception($"Another node counts connections on server {server} now.");

/// <summary>Writes samples, stragglers and where the counters stand, and tells whoever listens.</summary>
public sealed class SampleStore(NpgsqlDataSource database)
{
    /// <summary>Of PostgreSQL's NOTIFY; the payload is <see cref="SampleSummary.ToJson"/>.</summary>
    public const string Channel = "counts";

    /// <summary>The last readings of a host's counters, whichever node took them.</summary>
    public async Task<IReadOnlyDictionary<(Guid Migration, AddressFamily Family), CounterMark>> MarksAsync(IReadOnlyCollection<SampledEnd> ends, CancellationToken cancellation)
    {
        await using var command = database.CreateCommand(
            """
            SELECT migration, family, epoch, path, outside, link, held, at
            FROM connection_counter JOIN unnest($1, $2) AS wanted (migration, reporter) USING (migration, reporter)
            """);
        command.Parameters.Add(new() { Value = ends.Select(end => end.Migration).ToArray() });
        command.Parameters.Add(new() { Value = ends.Select(end => end.Role.ToString()).ToArray() });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var marks = new Dictionary<(Guid, AddressFamily), CounterMark>();
        while (await reader.ReadAsync(cancellation))
        {
            var family = reader.GetInt16(1) == 4 ? AddressFamily.InterNetwork : AddressFamily.InterNetworkV6;
            var reading = new CounterReading(family, reader.GetString(2), Enum.Parse<ConnectionPath>(reader.GetString(3)), reader.GetInt64(4), reader.GetInt64(5), reader.GetInt64(6));
            marks[(reader.GetGuid(0), family)] = new(reading, reader.GetFieldValue<DateTimeOffset>(7));
        }

        return marks;
    }

    /// <summary>Stores samples in their order, all or none.</summary>
    /// <exception cref="LeaseLostException">The lease is no longer valid; nothing was stored.</exception>
    public async Task WriteAsync(SamplerLease lease, IReadOnlyList<ConnectionSample> samples, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        await using (var fence = new NpgsqlCommand("SELECT term FROM sampler_lease WHERE server = $1 FOR SHARE", connection, transaction))
        {
            fence.Parameters.Add(new() { Value = lease.Server });
            if (await fence.ExecuteScalarAsync(cancellation) is not Guid term || term != lease.Term)
                throw new LeaseLostException(lease.Server);
        }

        await using var batch = new NpgsqlBatch(connection, transaction);
        // A crash of the database server may lose the last second of samples: the counters on the hosts still hold it.
        batch.BatchCommands.Add(Command("SET LOCAL synchronous_commit = off"));
        foreach (var sample in samples)
            AddSample(batch, sample);
        foreach (var last in samples.GroupBy(sample => (sample.Migration, sample.Reporter)).Select(group => group.Last()))
            batch.BatchCommands.Add(Command("SELECT pg_notify($1, $2)", Channel, last.Summary().ToJson()));
        await batch.ExecuteNonQueryAsync(cancellation);
        await transaction.CommitAsync(cancellation);
    }

    /// <summary>Why a host is not counted at the moment, for pages. Its next sample takes that back.</summary>
    public async Task WriteProblemAsync(IReadOnlyCollection<SampledEnd> ends, string problem, CancellationToken cancellation)
    {
        await using var command = database.CreateCommand(
            """
            UPDATE connection_reporter SET error = $3
            FROM unnest($1, $2) AS wanted (migration, reporter)
            WHERE connection_reporter.migration = wanted.migration AND connection_reporter.reporter = wanted.reporter
            """);
        command.Parameters.Add(new() { Value = ends.Select(end => end.Migration).ToArray() });
        command.Parameters.Add(new() { Value = ends.Select(end => end.Role.ToString()).ToArray() });
        command.Parameters.Add(new() { Value = problem });
        await command.ExecuteNonQueryAsync(cancellation);
    }

    private static void AddSample(NpgsqlBatch batch, ConnectionSample sample)
    {
        batch.BatchCommands.Add(Reporter(sample));
        foreach (var reading in sample.Counted.Counters)
            batch.BatchCommands.Add(Command(
                """
                INSERT INTO connection_counter (migration, reporter, family, epoch, path, outside, link, held, at)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
                ON CONFLICT (migration, reporter, family) DO UPDATE SET
                    epoch = excluded.epoch, path = excluded.path, outside = excluded.outside, link = excluded.link, held = excluded.held, at = excluded.at
                """,
                sample.Migration, sample.Reporter.ToString(), Number(reading.Family), reading.Epoch, reading.Path.ToString(), reading.Outside, reading.Link, reading.Held, sample.At.ToUniversalTime()));
        var rows = SampleRow.Of(sample);
        if (rows.Count > 0)
            batch.BatchCommands.Add(Samples(sample, rows));
        if (!sample.Full)
            return;
        if (sample.Counted.Clients.Count > 0)
            batch.BatchCommands.Add(Stragglers(sample));
        batch.BatchCommands.Add(Gone(sample));
    }

    private static NpgsqlBatchCommand Reporter(ConnectionSample sample) => Command(
        """
        INSERT INTO connection_reporter AS r (migration, reporter, at, full_at, watched_since, conntrack_count, conntrack_max, clock_offset_ms, cost_ms, next_full_ms, reader, error, clients)
        VALUES ($1, $2, $3, CASE WHEN $4 THEN $3 END, $3, $5, $6, $7, $8, $9, $10, $11, $12::jsonb)
        ON CONFLICT (migration, reporter) DO UPDATE SET
            at = excluded.at,
            full_at = coalesce(excluded.full_at, r.full_at),
            watched_since = CASE WHEN $13 THEN r.watched_since ELSE excluded.at END,
            conntrack_count = excluded.conntrack_count, conntrack_max = excluded.conntrack_max, clock_offset_ms = excluded.clock_offset_ms,
            cost_ms = excluded.cost_ms, next_full_ms = excluded.next_full_ms, reader = coalesce(excluded.reader, r.reader), error = excluded.error,
            clients = CASE WHEN $4 THEN excluded.clients ELSE r.clients END
        """,
        sample.Migration, sample.Reporter.ToString(), sample.At.ToUniversalTime(), sample.Full, sample.Line.ConntrackEntries, sample.Line.ConntrackMost,
        (long)(sample.Line.HostClock - sample.At).TotalMilliseconds, (long)sample.Line.Cost.TotalMilliseconds, (long)sample.Line.NextFull.TotalMilliseconds,
        Text(sample.Line.Reader), Text(sample.Line.Error),
        JsonSerializer.Serialize(sample.Counted.Distinct.ToDictionary(item => item.Path.ToString(), item => item.Clients)), sample.Gapless);

    // The minute's row is made from the rows that are new, so that a batch sent twice changes nothing.
    private static NpgsqlBatchCommand Samples(ConnectionSample sample, IReadOnlyList<SampleRow> rows) => Command(
        """
        WITH fresh AS (
            INSERT INTO connection_sample (migration, at, path, family, transport, port, established, other, new)
            SELECT $1, $2, * FROM unnest($3, $4, $5, $6, $7, $8, $9)
            ON CONFLICT DO NOTHING
            RETURNING path, family, transport, port, established, other, new
        )
        INSERT INTO connection_minute AS m (migration, at, path, family, transport, port, established_max, other_max, new)
        SELECT $1, date_bin('1 minute', $2, 'epoch'), path, family, transport, port, established, other, new FROM fresh
        ON CONFLICT (migration, at, path, family, transport, port) DO UPDATE SET
            established_max = greatest(m.established_max, excluded.established_max),
            other_max = greatest(m.other_max, excluded.other_max),
            new = CASE WHEN m.new IS NULL AND excluded.new IS NULL THEN NULL ELSE coalesce(m.new, 0) + coalesce(excluded.new, 0) END
        """,
        sample.Migration, sample.At.ToUniversalTime(), rows.Select(row => row.Path.ToString()).ToArray(), rows.Select(row => Number(row.Family)).ToArray(),
        rows.Select(row => Word(row.Port)).ToArray(), rows.Select(row => (int)(row.Port?.Number ?? 0)).ToArray(),
        rows.Select(row => row.Established).ToArray(), rows.Select(row => row.Other).ToArray(), rows.Select(row => row.New).ToArray());

    private static NpgsqlBatchCommand Stragglers(ConnectionSample sample)
    {
        var clients = sample.Counted.Clients;
        return Command(
            """
            INSERT INTO straggler AS s (migration, path, client, transport, port, first_seen, last_seen, connections, current, entries)
            SELECT $1, path, client, transport, port, $2, $2, entries, current, entries
            FROM unnest($3, $4, $5, $6, $7, $8) AS seen (path, client, transport, port, current, entries)
            ON CONFLICT (migration, path, client, transport, port) DO UPDATE SET
                last_seen = excluded.last_seen,
                connections = s.connections + greatest(0, excluded.entries - s.entries),
                current = excluded.current,
                entries = excluded.entries
            WHERE s.last_seen < excluded.last_seen
            """,
            sample.Migration, sample.At.ToUniversalTime(), clients.Select(client => client.Path.ToString()).ToArray(),
            new NpgsqlParameter { Value = clients.Select(client => client.Client).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Inet },
            clients.Select(client => Word(client.Port)).ToArray(), clients.Select(client => (int)client.Port.Number).ToArray(),
            clients.Select(client => client.Established).ToArray(), clients.Select(client => client.Established + client.Other).ToArray());
    }

    /// <summary>Clients that a whole list no longer names are gone; those that a partial list does not name are held to be gone after a while.</summary>
    private static NpgsqlBatchCommand Gone(ConnectionSample sample)
    {
        var paths = Enum.GetValues<ConnectionPath>().Where(path => ClassifyPath.ReporterOf(path) == sample.Reporter).ToList();
        var whole = paths.Select(path => !sample.Counted.Capped
            && (sample.Counted.Distinct.FirstOrDefault(item => item.Path == path)?.Entries ?? 0) <= sample.Counted.Clients.Count(client => client.Path == path));
        return Command(
            """
            UPDATE straggler SET current = 0, entries = 0
            FROM unnest($3, $4) AS listed (path, whole)
            WHERE straggler.migration = $1 AND straggler.path = listed.path AND straggler.entries > 0
              AND straggler.last_seen < CASE WHEN listed.whole THEN $2 ELSE $2 - interval '5 minutes' END
            """,
            sample.Migration, sample.At.ToUniversalTime(), paths.Select(path => path.ToString()).ToArray(), whole.ToArray());
    }

    internal static NpgsqlParameter Text(string? text) => new() { Value = (object?)text ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text };

    internal static short Number(AddressFamily family) => (short)(family == AddressFamily.InterNetwork ? 4 : 6);

    private static string Word(ForwardedPort? port) => port is null ? "" : port.Transport == Transport.Tcp ? "tcp" : "udp";

    private static NpgsqlBatchCommand Command(string sql, params object[] values)
    {
        var command = new NpgsqlBatchCommand(sql);
        foreach (var value in values)
            command.Parameters.Add(value as NpgsqlParameter ?? new NpgsqlParameter { Value = value });
        return command;
    }
}
