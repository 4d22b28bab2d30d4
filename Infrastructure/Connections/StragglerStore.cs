using System.Globalization;
using System.Net;
using System.Runtime.CompilerServices;
using MigrationDashboard.Core;
using MigrationDashboard.Core.Servers;
using MigrationDashboard.Core.Stages;
using Npgsql;
using NpgsqlTypes;

namespace MigrationDashboard.Infrastructure.Connections;

/// <summary>A client on a path, by port.</summary>
/// <param name="LastSeen">When it was last named with connections; on a busy path every client is named at least every half minute.</param>
/// <param name="Connections">At least so many so far: one that came and went between two looks was not seen.</param>
/// <param name="Current">Established now; 0 once the client is gone.</param>
public sealed record Straggler(ConnectionPath Path, IPAddress Client, ForwardedPort Port, DateTimeOffset FirstSeen, DateTimeOffset LastSeen, long Connections, long Current);

public enum StragglerOrder
{
    LastSeen,
    FirstSeen,
    Connections,
    Current,
    Client,
}

/// <param name="Path">Null for all paths.</param>
/// <param name="Clients">An address or a network such as <c>198.51.100.0/24</c>; null for all.</param>
/// <param name="PresentOnly">Only those with connections now.</param>
public sealed record StragglerQuery(ConnectionPath? Path = null, IPNetwork? Clients = null, bool PresentOnly = false, StragglerOrder Order = StragglerOrder.LastSeen, bool Descending = true)
{
    /// <exception cref="InvalidInputException">The text is neither an address nor a network.</exception>
    public static IPNetwork? ClientsOf(string? text)
    {
        if (string.IsNullOrWhiteSpace(text))
            return null;
        text = text.Trim();
        if (text.Contains('/', StringComparison.Ordinal) ? IPNetwork.TryParse(text, out var network) : IPAddress.TryParse(text, out var address) && Whole(address, out network))
            return network;
        throw new InvalidInputException("clients", "write an address or a network, such as 198.51.100.7 or 198.51.100.0/24");
    }

    private static bool Whole(IPAddress address, out IPNetwork network)
    {
        network = new(address, address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork ? 32 : 128);
        return true;
    }
}

/// <summary>Reads who came by which path.</summary>
public sealed class StragglerStore(NpgsqlDataSource database)
{
    /// <summary>Rows a page may ask for at once.</summary>
    public const int MostRows = 500;

    private const string Where =
        """
        FROM straggler WHERE migration = $1 AND ($2::text IS NULL OR path = $2) AND ($3::inet IS NULL OR client <<= $3) AND (NOT $4 OR entries > 0)
        """;

    public async Task<(IReadOnlyList<Straggler> Rows, long Total)> ListAsync(Guid migration, StragglerQuery query, int skip, int take, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        await using var batch = new NpgsqlBatch(connection);
        batch.BatchCommands.Add(Command($"SELECT count(*) {Where}", migration, query));
        // The last columns make the order whole, so that pages neither repeat nor miss a row.
        var rows = Command($"{Columns} {Where} ORDER BY {OrderOf(query)}, path, client, transport, port OFFSET $5 LIMIT $6", migration, query);
        rows.Parameters.Add(new() { Value = (long)Math.Max(0, skip) });
        rows.Parameters.Add(new() { Value = (long)Math.Clamp(take, 0, MostRows) });
        batch.BatchCommands.Add(rows);
        await using var reader = await batch.ExecuteReaderAsync(cancellation);
        await reader.ReadAsync(cancellation);
        var total = reader.GetInt64(0);
        await reader.NextResultAsync(cancellation);
        var list = new List<Straggler>();
        while (await reader.ReadAsync(cancellation))
            list.Add(Read(reader));
        return (list, total);
    }

    /// <summary>All rows as lines of CSV (RFC 4180), the heading first; read from the database as they are written.</summary>
    public async IAsyncEnumerable<string> CsvAsync(Guid migration, StragglerQuery query, [EnumeratorCancellation] CancellationToken cancellation)
    {
        yield return "path,client,port,first_seen,last_seen,connections,current";
        await using var command = database.CreateCommand($"{Columns} {Where} ORDER BY {OrderOf(query)}, path, client, transport, port");
        foreach (var parameter in Parameters(migration, query))
            command.Parameters.Add(parameter);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        while (await reader.ReadAsync(cancellation))
        {
            var row = Read(reader);
            yield return string.Create(CultureInfo.InvariantCulture,
                $"{row.Path},{row.Client},{row.Port},{row.FirstSeen.UtcDateTime:yyyy-MM-dd'T'HH:mm:ss.fff'Z'},{row.LastSeen.UtcDateTime:yyyy-MM-dd'T'HH:mm:ss.fff'Z'},{row.Connections},{row.Current}");
        }
    }

    private const string Columns = "SELECT path, client, transport, port, first_seen, last_seen, connections, current";

    private static string OrderOf(StragglerQuery query) => (query.Order switch
    {
        StragglerOrder.FirstSeen => "first_seen",
        StragglerOrder.Connections => "connections",
        StragglerOrder.Current => "current",
        StragglerOrder.Client => "client",
        _ => "last_seen",
    }) + (query.Descending ? " DESC" : "");

    private static NpgsqlBatchCommand Command(string sql, Guid migration, StragglerQuery query)
    {
        var command = new NpgsqlBatchCommand(sql);
        foreach (var parameter in Parameters(migration, query))
            command.Parameters.Add(parameter);
        return command;
    }

    private static IEnumerable<NpgsqlParameter> Parameters(Guid migration, StragglerQuery query) =>
    [
        new() { Value = migration },
        new() { Value = (object?)query.Path?.ToString() ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text },
        new() { Value = query.Clients is { } clients ? clients : DBNull.Value, NpgsqlDbType = query.Clients is null ? NpgsqlDbType.Inet : NpgsqlDbType.Cidr },
        new() { Value = query.PresentOnly },
    ];

    private static Straggler Read(NpgsqlDataReader reader) => new(
        Enum.Parse<ConnectionPath>(reader.GetString(0)), reader.GetFieldValue<IPAddress>(1),
        new((ushort)reader.GetInt32(3), reader.GetString(2) == "tcp" ? Transport.Tcp : Transport.Udp),
        reader.GetFieldValue<DateTimeOffset>(4), reader.GetFieldValue<DateTimeOffset>(5), reader.GetInt64(6), reader.GetInt64(7));
}
