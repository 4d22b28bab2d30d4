using System.Net;
using Dapper;
using MigrationDashboard.Core.Dns;
using Npgsql;

namespace MigrationDashboard.Infrastructure.Dns;

/// <summary>What resolvers said of the names of migrations when they were last asked.</summary>
public sealed class NameWatchStore(NpgsqlDataSource database)
{
    public async Task<IReadOnlyList<WatchedName>> OfMigrationAsync(Guid migration, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        var rows = await connection.QueryAsync<Row>(new CommandDefinition(
            "SELECT name, resolver, said, ttl, leads, since, old_ttl, at FROM name_watch WHERE migration_id = @migration ORDER BY name, resolver", new { migration }, cancellationToken: cancellation));
        return [.. rows.Select(row => new WatchedName(row.Name, row.Resolver, row.Said, row.Ttl, row.Leads, row.Since, row.OldTtl, row.At))];
    }

    /// <summary>
    /// Without an answer nothing is learned of where the name leads: what was known stays. Names and resolvers that were not asked are forgotten.
    /// </summary>
    /// <param name="wanted">The addresses of the new server.</param>
    public async Task SaveAsync(Guid migration, IReadOnlyList<DnsAnswer> answers, IReadOnlyList<IPAddress> wanted, DateTimeOffset at, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        var changed = await connection.ExecuteAsync(new CommandDefinition(
            "DELETE FROM name_watch WHERE migration_id = @migration AND (name, resolver) NOT IN (SELECT * FROM unnest(@names, @resolvers))",
            new { migration, names = answers.Select(answer => answer.Name).ToArray(), resolvers = answers.Select(answer => answer.Resolver).ToArray() }, transaction, cancellationToken: cancellation)) > 0;
        foreach (var answer in answers.OrderBy(answer => answer.Name, StringComparer.Ordinal).ThenBy(answer => answer.Resolver, StringComparer.Ordinal))
        {
            bool? leads = answer.Error is null ? answer.LeadsTo(wanted) : null;
            var ttl = answer.Records.Count > 0 ? answer.Records.Max(record => record.Ttl) : (int?)null;
            changed |= await connection.ExecuteScalarAsync<bool>(new CommandDefinition(
                """
                WITH known AS (SELECT said, leads FROM name_watch WHERE migration_id = @migration AND name = @name AND resolver = @resolver),
                saved AS (
                    INSERT INTO name_watch AS old (migration_id, name, resolver, said, ttl, leads, since, old_ttl, at)
                    VALUES (@migration, @name, @resolver, @said, @ttl, coalesce(@leads, false), @at, @oldTtl, @at)
                    ON CONFLICT (migration_id, name, resolver) DO UPDATE SET
                        said = excluded.said, ttl = excluded.ttl, at = excluded.at,
                        leads = coalesce(@leads, old.leads),
                        since = CASE WHEN coalesce(@leads, old.leads) = old.leads THEN old.since ELSE excluded.since END,
                        old_ttl = greatest(old.old_ttl, excluded.old_ttl)
                    RETURNING said, leads)
                SELECT NOT EXISTS (SELECT * FROM known INTERSECT SELECT * FROM saved)
                """,
                new
                {
                    migration,
                    name = answer.Name,
                    resolver = answer.Resolver,
                    said = answer.Error ?? (answer.Records.Count == 0 ? "no address" : Addresses(answer)),
                    ttl,
                    leads,
                    oldTtl = leads == false ? ttl : null,
                    at,
                }, transaction, cancellationToken: cancellation));
        }

        if (changed)
            await connection.ExecuteAsync(new CommandDefinition("SELECT pg_notify('migrations', @id)", new { id = migration.ToString() }, transaction, cancellationToken: cancellation));
        await transaction.CommitAsync(cancellation);
    }

    /// <summary>In an order of its own: name servers give several in turn.</summary>
    private static string Addresses(DnsAnswer answer) =>
        string.Join(", ", answer.Records.Select(record => record.Address).OrderBy(address => address.AddressFamily).ThenBy(address => address.ToString(), StringComparer.Ordinal));

    private sealed record Row(string Name, string Resolver, string Said, int? Ttl, bool Leads, DateTime Since, int? OldTtl, DateTime At);
}
