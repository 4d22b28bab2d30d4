using System.Collections.Concurrent;
using System.Data;
using System.Data.Common;
using System.Runtime.CompilerServices;
using Dapper;
using MigrationDashboard.Core.Audit;
using MigrationDashboard.Infrastructure.Postgres;
using Npgsql;
using NpgsqlTypes;

namespace MigrationDashboard.Infrastructure.Audit;

/// <summary>The audit log in the database. The chain is one line, whichever node writes: each append holds the row that is the chain's end.</summary>
public sealed class AuditStore(NpgsqlDataSource database, AuditRedaction redaction) : IDisposable
{
    /// <summary>Notified with the last sequence after each append.</summary>
    public const string Channel = "audit";

    private const string Columns =
        "sequence, at, actor, from_address, action, migration_id, host, command, exit_code, duration_ms, outcome, detail, previous_hash, hash";

    /// <summary>How long an append waits for a database that is away. An action whose record cannot be written fails: nothing is done unrecorded.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>Entries in one transaction: keeps the chain's end locked for milliseconds, even with long outputs.</summary>
    private const int MostAtOnce = 500;

    private readonly ConcurrentQueue<Pending> _pending = new();
    private readonly SemaphoreSlim _writer = new(1, 1);

    public async Task<AuditEntry> AppendAsync(AuditEvent what, CancellationToken cancellation) => (await AppendAllAsync([what], cancellation))[0];

    /// <summary>Writes the events one after the other, secrets removed. What other tasks append at the same time goes in the same transaction.</summary>
    /// <param name="cancellation">Ends the wait; the events may still be written.</param>
    /// <exception cref="ArgumentException">An action is not a dotted term.</exception>
    public async Task<IReadOnlyList<AuditEntry>> AppendAllAsync(IReadOnlyList<AuditEvent> events, CancellationToken cancellation)
    {
        if (events.Count == 0)
            return [];
        // Here and not in the transaction: a wrong action must not fail what others append along with it.
        AuditEvent[] cleaned = [.. events.Select(redaction.Clean).Select(what => AuditChain.Link(what, 0, AuditChain.Genesis))];
        var own = new Pending(cleaned);
        _pending.Enqueue(own);
        await _writer.WaitAsync(cancellation);
        try
        {
            // Whoever held the gate before may have written ours along with its own.
            while (!own.Written.Task.IsCompleted)
                await WritePendingAsync();
        }
        finally
        {
            _writer.Release();
        }

        return await own.Written.Task;
    }

    /// <summary>Newest first.</summary>
    /// <param name="before">Entries with a lower sequence only; null for the newest.</param>
    /// <param name="take">1 to 1000.</param>
    public async Task<AuditPage> SearchAsync(AuditFilter filter, long? before, int take, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(take, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(take, 1000);
        var parameters = new DynamicParameters(new { before = before ?? long.MaxValue, most = take + 1 });
        var sql = $"SELECT {Columns} FROM audit_entry WHERE {filter.Where(parameters)} AND sequence < @before ORDER BY sequence DESC LIMIT @most";
        var found = new List<AuditEntry>();
        await foreach (var entry in ReadAsync(sql, parameters, TimeSpan.FromSeconds(30), cancellation))
            found.Add(entry);
        return found.Count <= take ? new(found, null) : new(found[..take], found[take - 1].Sequence);
    }

    /// <summary>All that match, oldest first, as they come: for exports.</summary>
    public IAsyncEnumerable<AuditEntry> StreamAsync(AuditFilter filter, CancellationToken cancellation)
    {
        var parameters = new DynamicParameters();
        return ReadAsync($"SELECT {Columns} FROM audit_entry WHERE {filter.Where(parameters)} ORDER BY sequence", parameters, Timeout.InfiniteTimeSpan, cancellation);
    }

    /// <summary>Reads the whole log and checks every hash, as of one moment.</summary>
    /// <param name="progress">Told the number of entries checked, every ten thousand.</param>
    public async Task<AuditVerification> VerifyAsync(IProgress<long>? progress, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        // One snapshot for the entries and the chain's end, while others go on appending.
        await using var transaction = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancellation);
        var (sequence, hash) = await connection.QuerySingleAsync<(long Sequence, byte[] Hash)>(
            new CommandDefinition("SELECT sequence, hash FROM audit_head", transaction: transaction, cancellationToken: cancellation));
        var verification = new AuditVerification();
        await using var command = new NpgsqlCommand($"SELECT {Columns} FROM audit_entry ORDER BY sequence", connection, transaction) { CommandTimeout = 0 };
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        while (await reader.ReadAsync(cancellation) && verification.Next(Entry(reader)))
        {
            if (verification.Checked % 10_000 == 0)
                progress?.Report(verification.Checked);
        }

        verification.End(sequence, Convert.ToHexStringLower(hash));
        return verification;
    }

    public void Dispose() => _writer.Dispose();

    private async Task WritePendingAsync()
    {
        var taken = new List<Pending>();
        for (var count = 0; count < MostAtOnce && _pending.TryDequeue(out var next); count += next.Events.Count)
            taken.Add(next);
        try
        {
            AuditEntry[] written = [];
            // Not cancelled with the caller: others wait for it too.
            await database.RetryAsync(async cancellation =>
            {
                // A connection may have been lost just after the commit.
                if (written.Length == 0 || !await IsWrittenAsync(written[0], cancellation))
                    await WriteAsync([.. taken.SelectMany(one => one.Events)], entries => written = entries, cancellation);
            }, Patience, CancellationToken.None);
            var at = 0;
            foreach (var one in taken)
                one.Written.SetResult(written[at..(at += one.Events.Count)]);
        }
        catch (Exception problem)
        {
            foreach (var one in taken)
                one.Written.TrySetException(problem);
        }
    }

    /// <param name="linked">Told the entries before they are committed.</param>
    private async Task WriteAsync(IReadOnlyList<AuditEvent> events, Action<AuditEntry[]> linked, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        var (sequence, hash) = await connection.QuerySingleAsync<(long Sequence, byte[] Hash)>(
            new CommandDefinition("SELECT sequence, hash FROM audit_head FOR UPDATE", transaction: transaction, cancellationToken: cancellation));
        var entries = new AuditEntry[events.Count];
        var previous = Convert.ToHexStringLower(hash);
        for (var i = 0; i < entries.Length; i++)
        {
            entries[i] = AuditChain.Link(events[i], sequence + i, previous);
            previous = entries[i].Hash;
        }

        linked(entries);
        await using var batch = new NpgsqlBatch(connection, transaction) { BatchCommands = { Insert(entries), Move(entries[^1]), Notify(entries[^1]) } };
        await batch.ExecuteNonQueryAsync(cancellation);
        await transaction.CommitAsync(cancellation);
    }

    private async Task<bool> IsWrittenAsync(AuditEntry entry, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        return await connection.ExecuteScalarAsync<bool>(new CommandDefinition(
            "SELECT EXISTS (SELECT FROM audit_entry WHERE sequence = @Sequence AND hash = @hash)",
            new { entry.Sequence, hash = Convert.FromHexString(entry.Hash) }, cancellationToken: cancellation));
    }

    private static NpgsqlBatchCommand Insert(AuditEntry[] entries)
    {
        return new(
            $"""
            INSERT INTO audit_entry ({Columns})
            SELECT * FROM unnest(@sequence, @at, @actor, @from, @action, @migration, @host, @command, @exit, @duration, @outcome, @detail, @previous, @hash)
            """)
        {
            Parameters =
            {
                Array("sequence", NpgsqlDbType.Bigint, entry => entry.Sequence),
                Array("at", NpgsqlDbType.TimestampTz, entry => entry.At.UtcDateTime),
                Array("actor", NpgsqlDbType.Text, entry => entry.Actor),
                Array("from", NpgsqlDbType.Text, entry => entry.FromAddress),
                Array("action", NpgsqlDbType.Text, entry => entry.Action),
                Array("migration", NpgsqlDbType.Uuid, entry => entry.MigrationId),
                Array("host", NpgsqlDbType.Text, entry => entry.Host),
                Array("command", NpgsqlDbType.Text, entry => entry.Command),
                Array("exit", NpgsqlDbType.Integer, entry => entry.ExitCode),
                Array("duration", NpgsqlDbType.Bigint, entry => entry.DurationMs),
                Array("outcome", NpgsqlDbType.Text, entry => entry.Outcome.ToString()),
                Array("detail", NpgsqlDbType.Text, entry => entry.Detail),
                Array("previous", NpgsqlDbType.Bytea, entry => Convert.FromHexString(entry.PreviousHash)),
                Array("hash", NpgsqlDbType.Bytea, entry => Convert.FromHexString(entry.Hash)),
            },
        };

        NpgsqlParameter Array<T>(string name, NpgsqlDbType type, Func<AuditEntry, T> value) =>
            new(name, NpgsqlDbType.Array | type) { Value = entries.Select(value).ToArray() };
    }

    private static NpgsqlBatchCommand Move(AuditEntry last) => new("UPDATE audit_head SET sequence = @sequence, hash = @hash")
    {
        Parameters = { new("sequence", last.Sequence), new("hash", Convert.FromHexString(last.Hash)) },
    };

    private static NpgsqlBatchCommand Notify(AuditEntry last) => new("SELECT pg_notify(@channel, @sequence::text)")
    {
        Parameters = { new("channel", Channel), new("sequence", last.Sequence) },
    };

    private async IAsyncEnumerable<AuditEntry> ReadAsync(string sql, DynamicParameters parameters, TimeSpan limit, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        var seconds = limit == Timeout.InfiniteTimeSpan ? 0 : (int)limit.TotalSeconds;
        await using var reader = await connection.ExecuteReaderAsync(new CommandDefinition(sql, parameters, commandTimeout: seconds, cancellationToken: cancellation));
        while (await reader.ReadAsync(cancellation))
            yield return Entry(reader);
    }

    private static AuditEntry Entry(DbDataReader row) => new()
    {
        Sequence = row.GetInt64(0),
        At = new(row.GetDateTime(1)),
        Actor = row.GetString(2),
        FromAddress = row.IsDBNull(3) ? null : row.GetString(3),
        Action = row.GetString(4),
        MigrationId = row.IsDBNull(5) ? null : row.GetGuid(5),
        Host = row.IsDBNull(6) ? null : row.GetString(6),
        Command = row.IsDBNull(7) ? null : row.GetString(7),
        ExitCode = row.IsDBNull(8) ? null : row.GetInt32(8),
        DurationMs = row.IsDBNull(9) ? null : row.GetInt64(9),
        Outcome = Enum.Parse<AuditOutcome>(row.GetString(10)),
        Detail = row.GetString(11),
        PreviousHash = Convert.ToHexStringLower(row.GetFieldValue<byte[]>(12)),
        Hash = Convert.ToHexStringLower(row.GetFieldValue<byte[]>(13)),
    };

    private sealed record Pending(IReadOnlyList<AuditEvent> Events)
    {
        public TaskCompletionSource<IReadOnlyList<AuditEntry>> Written { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
