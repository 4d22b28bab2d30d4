using System.Security.Cryptography;
using Dapper;
using Microsoft.AspNetCore.DataProtection;
using MigrationDashboard.Core.Users;
using Npgsql;

namespace MigrationDashboard.Infrastructure.Users;

/// <summary>The authenticator app of a user and the recovery codes for when it is lost.</summary>
public sealed class SecondFactor(NpgsqlDataSource database, IDataProtectionProvider protection, TimeProvider time)
{
    /// <summary>How many codes are given out: ten lost phones outlast an account.</summary>
    public const int RecoveryCodes = 10;

    private readonly IDataProtector protector = protection.CreateProtector("MigrationDashboard.Users.Totp");

    /// <summary>True once per code: the step is taken in the same statement that checks nobody took it.</summary>
    public async Task<bool> VerifyAsync(Guid userId, string? code, CancellationToken cancel)
    {
        await using var connection = await database.OpenConnectionAsync(cancel);
        var (secret, last) = await connection.QuerySingleOrDefaultAsync<(byte[]?, long)>(new(
            "select totp_secret, totp_last_step from users where id = @userId", new { userId }, cancellationToken: cancel));
        if (secret is null || Totp.Match(protector.Unprotect(secret), code, time.GetUtcNow(), last) is not { } step) return false;
        return await connection.ExecuteAsync(new(
            "update users set totp_last_step = @step where id = @userId and totp_last_step < @step", new { userId, step }, cancellationToken: cancel)) == 1;
    }

    /// <summary>Turns it on if the code proves that the app holds the secret. Returns fresh recovery codes, or null for a wrong code.</summary>
    public async Task<IReadOnlyList<string>?> EnableAsync(Guid userId, byte[] secret, string? code, Guid stamp, CancellationToken cancel)
    {
        if (Totp.Match(secret, code, time.GetUtcNow(), 0) is not { } step) return null;
        var codes = Enumerable.Range(0, RecoveryCodes).Select(_ => NewRecoveryCode()).ToList();
        await using var connection = await database.OpenConnectionAsync(cancel);
        await using var transaction = await connection.BeginTransactionAsync(cancel);
        await connection.ExecuteAsync(new("""
            update users set totp_secret = @secret, totp_last_step = @step, stamp = @stamp where id = @userId;
            delete from recovery_codes where user_id = @userId;
            insert into recovery_codes (user_id, hash) select @userId, unnest(@hashes);
            """, new { userId, secret = protector.Protect(secret), step, stamp, hashes = codes.Select(c => Secrets.Hash(Plain(c))).ToArray() },
            transaction, cancellationToken: cancel));
        await transaction.CommitAsync(cancel);
        return codes;
    }

    public async Task DisableAsync(Guid userId, Guid stamp, CancellationToken cancel)
    {
        await using var connection = await database.OpenConnectionAsync(cancel);
        await using var transaction = await connection.BeginTransactionAsync(cancel);
        await connection.ExecuteAsync(new("""
            update users set totp_secret = null, totp_last_step = 0, stamp = @stamp where id = @userId;
            delete from recovery_codes where user_id = @userId;
            """, new { userId, stamp }, transaction, cancellationToken: cancel));
        await transaction.CommitAsync(cancel);
    }

    /// <summary>True once per recovery code.</summary>
    public async Task<bool> UseRecoveryCodeAsync(Guid userId, string? code, CancellationToken cancel)
    {
        await using var connection = await database.OpenConnectionAsync(cancel);
        return await connection.ExecuteAsync(new("delete from recovery_codes where user_id = @userId and hash = @hash",
            new { userId, hash = Secrets.Hash(Plain(code ?? "")) }, cancellationToken: cancel)) == 1;
    }

    public async Task<int> RecoveryCodesLeftAsync(Guid userId, CancellationToken cancel)
    {
        await using var connection = await database.OpenConnectionAsync(cancel);
        return await connection.ExecuteScalarAsync<int>(new(
            "select count(*)::int from recovery_codes where user_id = @userId", new { userId }, cancellationToken: cancel));
    }

    /// <summary>80 random bits in four groups, easy to read aloud and to type.</summary>
    private static string NewRecoveryCode() => string.Join('-', Totp.Base32(RandomNumberGenerator.GetBytes(10)).Chunk(4).Select(c => new string(c)));

    private static string Plain(string code) => code.Replace("-", "", StringComparison.Ordinal).Replace(" ", "", StringComparison.Ordinal).ToUpperInvariant();
}
