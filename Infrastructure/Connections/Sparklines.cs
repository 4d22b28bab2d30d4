using MigrationDashboard.Core.Stages;
using Npgsql;

namespace MigrationDashboard.Infrastructure.Connections;

/// <summary>How many called <c>old</c> directly over the last hours, for many migrations at once: one query for a whole list.</summary>
public sealed class Sparklines(NpgsqlDataSource database, TimeProvider time)
{
    public static readonly TimeSpan Length = TimeSpan.FromHours(3);

    /// <summary>Each is the most within five minutes: fewer points than that hide a peak, more are not seen in a table's cell.</summary>
    public const int Points = 36;

    /// <returns>Oldest first, null where nothing was counted; no entry for a migration of which nothing was.</returns>
    public async Task<IReadOnlyDictionary<Guid, long?[]>> ReadAsync(IReadOnlyList<Guid> migrations, CancellationToken cancellation)
    {
        var lines = new Dictionary<Guid, long?[]>();
        if (migrations.Count == 0)
            return lines;
        var from = time.GetUtcNow() - Length;
        var stretch = Length / Points;
        await using var command = database.CreateCommand(
            """
            SELECT migration, (extract(epoch FROM at - $2) / extract(epoch FROM $3))::int AS point, max(total)
            FROM (SELECT migration, at, sum(established_max)::bigint AS total FROM connection_minute
                  WHERE migration = ANY($1) AND at > $2 AND path = $4 AND port = 0 AND established_max IS NOT NULL GROUP BY migration, at) AS minute
            GROUP BY migration, point
            """);
        command.Parameters.Add(new() { Value = migrations.ToArray() });
        command.Parameters.Add(new() { Value = from.ToUniversalTime() });
        command.Parameters.Add(new() { Value = stretch });
        command.Parameters.Add(new() { Value = nameof(ConnectionPath.Direct) });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        while (await reader.ReadAsync(cancellation))
        {
            var id = reader.GetGuid(0);
            if (!lines.TryGetValue(id, out var line))
                lines[id] = line = new long?[Points];
            line[Math.Clamp(reader.GetInt32(1), 0, Points - 1)] = reader.GetInt64(2);
        }

        return lines;
    }
}
