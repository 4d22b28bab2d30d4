using Npgsql;
using NpgsqlTypes;

namespace MigrationDashboard.Infrastructure.Connections;

/// <summary>The right to count on a server. Whoever has the term stores; a newer term ends it.</summary>
public sealed record SamplerLease(Guid Server, Guid Term);

/// <summary>Sees to it that each server is counted by exactly one node, by leases in the database.</summary>
public sealed class SamplerLeases(NpgsqlDataSource database, string node)
{
    /// <summary>How long after a node died another takes over. Renewed three times as often (<see cref="ConnectionSampler.Round"/>).</summary>
    public static readonly TimeSpan Length = TimeSpan.FromSeconds(15);

    /// <returns>Leases on those of the servers that nobody counts on.</returns>
    public async Task<IReadOnlyList<SamplerLease>> TakeAsync(IReadOnlyCollection<Guid> servers, CancellationToken cancellation)
    {
        if (servers.Count == 0)
            return [];
        await using var command = database.CreateCommand(
            """
            INSERT INTO sampler_lease (server, node, term, expires_at)
            SELECT server.id, $2, gen_random_uuid(), now() + $3 FROM server WHERE server.id = ANY ($1)
            ON CONFLICT (server) DO UPDATE SET node = excluded.node, term = excluded.term, expires_at = excluded.expires_at
            WHERE sampler_lease.expires_at < now()
            RETURNING server, term
            """);
        command.Parameters.Add(new() { Value = servers.ToArray() });
        command.Parameters.Add(new() { Value = node });
        command.Parameters.Add(new() { Value = Length });
        return await ReadAsync(command, cancellation);
    }

    /// <returns>Those that are still held; one that ran out and that nobody took is held again.</returns>
    public async Task<IReadOnlyList<SamplerLease>> RenewAsync(IReadOnlyCollection<SamplerLease> leases, CancellationToken cancellation)
    {
        if (leases.Count == 0)
            return [];
        await using var command = database.CreateCommand(
            """
            UPDATE sampler_lease SET expires_at = now() + $3
            FROM unnest($1, $2) AS held (server, term)
            WHERE sampler_lease.server = held.server AND sampler_lease.term = held.term
            RETURNING sampler_lease.server, sampler_lease.term
            """);
        AddLeases(command, leases);
        command.Parameters.Add(new() { Value = Length });
        return await ReadAsync(command, cancellation);
    }

    /// <returns>Servers this node counts on now.</returns>
    public async Task<IReadOnlySet<Guid>> HeldAsync(CancellationToken cancellation)
    {
        await using var command = database.CreateCommand("SELECT server FROM sampler_lease WHERE node = $1 AND expires_at > now()");
        command.Parameters.Add(new() { Value = node });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var held = new HashSet<Guid>();
        while (await reader.ReadAsync(cancellation))
            held.Add(reader.GetGuid(0));
        return held;
    }

    /// <summary>Lets another node count there at once.</summary>
    public async Task ReleaseAsync(IReadOnlyCollection<SamplerLease> leases, CancellationToken cancellation)
    {
        if (leases.Count == 0)
            return;
        await using var command = database.CreateCommand(
            "DELETE FROM sampler_lease USING unnest($1, $2) AS held (server, term) WHERE sampler_lease.server = held.server AND sampler_lease.term = held.term");
        AddLeases(command, leases);
        await command.ExecuteNonQueryAsync(cancellation);
    }

    private static void AddLeases(NpgsqlCommand command, IReadOnlyCollection<SamplerLease> leases)
    {
        command.Parameters.Add(new() { Value = leases.Select(lease => lease.Server).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Uuid });
        command.Parameters.Add(new() { Value = leases.Select(lease => lease.Term).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Uuid });
    }

    private static async Task<IReadOnlyList<SamplerLease>> ReadAsync(NpgsqlCommand command, CancellationToken cancellation)
    {
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var leases = new List<SamplerLease>();
        while (await reader.ReadAsync(cancellation))
            leases.Add(new(reader.GetGuid(0), reader.GetGuid(1)));
        return leases;
    }
}
