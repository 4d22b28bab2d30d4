using System.Globalization;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using Dapper;
using Npgsql;

namespace MigrationDashboard.Infrastructure.Postgres;

/// <summary>One numbered file of SQL. Once released it is never changed: a new file changes what it made.</summary>
/// <param name="Number">1 to 999; files are applied in this order.</param>
public sealed record SchemaFile(int Number, string Name, string Sql)
{
    /// <summary>SHA-256 in hexadecimal, the same whatever line ends the file was checked out with.</summary>
    public string Sha256 => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Sql.ReplaceLineEndings("\n"))));

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Number:000}.{Name}.sql");
}

/// <summary>The database is not the one this version of the dashboard can work with.</summary>
public sealed class SchemaException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>Brings the database to the schema of this version. Several nodes may start at once: one does it, the others wait.</summary>
public static partial class SchemaMigration
{
    // Any constant does, as long as nothing else in the database uses it: "migdash" in ASCII.
    private const long Lock = 0x6d696764617368;

    /// <summary>The files that are built into this program.</summary>
    public static IReadOnlyList<SchemaFile> Files { get; } = [.. Embedded().OrderBy(file => file.Number)];

    /// <returns>The files that were applied now; empty when there was nothing to do.</returns>
    /// <exception cref="SchemaException">The database was made by other files than these, or a file fails.</exception>
    public static Task<IReadOnlyList<SchemaFile>> ApplyAsync(NpgsqlDataSource database, CancellationToken cancellation) => ApplyAsync(database, Files, cancellation);

    public static async Task<IReadOnlyList<SchemaFile>> ApplyAsync(NpgsqlDataSource database, IReadOnlyList<SchemaFile> files, CancellationToken cancellation)
    {
        if (files.GroupBy(file => file.Number).FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw new SchemaException($"Two files have the number {twice.Key}: {string.Join(", ", twice)}.");

        await using var connection = await database.OpenConnectionAsync(cancellation);
        // Held by this connection, so it goes with it if the node dies. Waiting for another node may take longer than any ordinary command.
        await connection.ExecuteAsync(new CommandDefinition("SELECT pg_advisory_lock(@Lock)", new { Lock }, commandTimeout: 0, cancellationToken: cancellation));
        try
        {
            return await ApplyLockedAsync(connection, files, cancellation);
        }
        finally
        {
            await connection.ExecuteAsync("SELECT pg_advisory_unlock(@Lock)", new { Lock });
        }
    }

    private static async Task<IReadOnlyList<SchemaFile>> ApplyLockedAsync(NpgsqlConnection connection, IReadOnlyList<SchemaFile> files, CancellationToken cancellation)
    {
        await connection.ExecuteAsync(new CommandDefinition(
            """
            CREATE TABLE IF NOT EXISTS schema_version (
                number     integer PRIMARY KEY,
                name       text NOT NULL,
                sha256     text NOT NULL,
                applied_at timestamptz NOT NULL DEFAULT now()
            )
            """, cancellationToken: cancellation));
        var applied = (await connection.QueryAsync<(int Number, string Name, string Sha256)>(
            new CommandDefinition("SELECT number, name, sha256 FROM schema_version", cancellationToken: cancellation))).ToDictionary(row => row.Number);

        foreach (var (number, name, sha256) in applied.Values)
        {
            var file = files.FirstOrDefault(file => file.Number == number)
                ?? throw new SchemaException($"The database has {number:000}.{name}.sql, which this version of the dashboard does not know: it was made by a newer one. Start that.");
            if (file.Sha256 != sha256)
                throw new SchemaException($"{file} was changed after it had been applied to this database. Put it back, and make the change in a new file.");
        }

        var missing = files.Where(file => !applied.ContainsKey(file.Number)).OrderBy(file => file.Number).ToArray();
        foreach (var file in missing)
            await ApplyOneAsync(connection, file, cancellation);
        return missing;
    }

    private static async Task ApplyOneAsync(NpgsqlConnection connection, SchemaFile file, CancellationToken cancellation)
    {
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        try
        {
            await using (var command = new NpgsqlCommand(file.Sql, connection, transaction) { CommandTimeout = 0 })
                await command.ExecuteNonQueryAsync(cancellation);
            await connection.ExecuteAsync(new CommandDefinition(
                "INSERT INTO schema_version (number, name, sha256) VALUES (@Number, @Name, @Sha256)",
                new { file.Number, file.Name, file.Sha256 }, transaction, cancellationToken: cancellation));
            await transaction.CommitAsync(cancellation);
        }
        catch (PostgresException problem)
        {
            throw new SchemaException($"{file} failed: {problem.MessageText}. Nothing of it was kept.", problem);
        }
    }

    private static IEnumerable<SchemaFile> Embedded()
    {
        var assembly = Assembly.GetExecutingAssembly();
        foreach (var resource in assembly.GetManifestResourceNames())
        {
            if (FileName().Match(resource) is not { Success: true } match)
                continue;
            using var reader = new StreamReader(assembly.GetManifestResourceStream(resource)!);
            yield return new(int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture), match.Groups[2].Value, reader.ReadToEnd());
        }
    }

    [GeneratedRegex(@"^([0-9]{3})\.([A-Za-z0-9]+)\.sql$")]
    private static partial Regex FileName();
}
