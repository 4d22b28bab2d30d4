using Dapper;
using Microsoft.AspNetCore.DataProtection;
using Npgsql;

namespace MigrationDashboard.Infrastructure.Ssh;

/// <summary>A stored key pair as pages show it: never with its private half.</summary>
/// <param name="PublicKey">The line for authorized_keys.</param>
/// <param name="Fingerprint"><c>SHA256:…</c></param>
public sealed record StoredSshKey(Guid Id, string Name, string PublicKey, string Fingerprint, DateTimeOffset CreatedAt);

/// <summary>The key pairs the dashboard signs in with. Private halves are encrypted before they reach the database.</summary>
public sealed class SshKeyStore(NpgsqlDataSource database, IDataProtectionProvider protection) : ISshKeySource
{
    private const string Columns = "id, name, public_key, fingerprint, created_at";

    private readonly IDataProtector _protector = protection.CreateProtector("MigrationDashboard.SshKey.v1");

    /// <exception cref="ArgumentException">There is a key with this name, or this very key, already.</exception>
    public async Task<StoredSshKey> AddAsync(string name, SshPrivateKey key, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        try
        {
            return await connection.QuerySingleAsync<StoredSshKey>(new CommandDefinition(
                $"""
                INSERT INTO ssh_key (id, name, public_key, private_key_protected, fingerprint)
                VALUES (@id, @name, @PublicKey, @secret, @Fingerprint)
                RETURNING {Columns}
                """,
                new { id = Guid.CreateVersion7(), name, key.PublicKey, secret = _protector.Protect(key.PrivateKey.ToArray()), key.Fingerprint },
                cancellationToken: cancellation));
        }
        catch (PostgresException problem) when (problem.SqlState == PostgresErrorCodes.UniqueViolation)
        {
            throw new ArgumentException(
                problem.ConstraintName == "ssh_key_name" ? $"There is a key named “{name}” already." : $"The key {key.Fingerprint} is stored already.", problem);
        }
    }

    public async Task<IReadOnlyList<StoredSshKey>> ListAsync(CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        return [.. await connection.QueryAsync<StoredSshKey>(new CommandDefinition($"SELECT {Columns} FROM ssh_key ORDER BY lower(name)", cancellationToken: cancellation))];
    }

    public async Task<StoredSshKey?> FindAsync(Guid id, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        return await connection.QuerySingleOrDefaultAsync<StoredSshKey>(
            new CommandDefinition($"SELECT {Columns} FROM ssh_key WHERE id = @id", new { id }, cancellationToken: cancellation));
    }

    /// <summary>Forgets the key pair for good. Whoever calls makes sure that no server needs it.</summary>
    /// <returns>False when there was none.</returns>
    public async Task<bool> RemoveAsync(Guid id, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        return await connection.ExecuteAsync(new CommandDefinition("DELETE FROM ssh_key WHERE id = @id", new { id }, cancellationToken: cancellation)) == 1;
    }

    /// <exception cref="System.Security.Cryptography.CryptographicException">The Data Protection keys in the data folder are not those the key was encrypted with.</exception>
    public async Task<SshPrivateKey?> ReadAsync(Guid id, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        var row = await connection.QuerySingleOrDefaultAsync<(string? PublicKey, byte[]? Secret)>(
            new CommandDefinition("SELECT public_key, private_key_protected FROM ssh_key WHERE id = @id", new { id }, cancellationToken: cancellation));
        return row is ({ } publicKey, { } secret) ? new(publicKey, _protector.Unprotect(secret)) : null;
    }
}
