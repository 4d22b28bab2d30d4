using Dapper;
using Npgsql;

namespace MigrationDashboard.Infrastructure.Users;

/// <summary>One-time links that make the first administrator. Several may be valid: each start of each node prints its own.</summary>
public sealed class SetupLinks(NpgsqlDataSource database, TimeProvider time)
{
    /// <summary>Long enough for a day's installation work; a restart prints a new link.</summary>
    public static readonly TimeSpan Life = TimeSpan.FromHours(24);

    /// <summary>The token to print; only its hash is kept.</summary>
    public async Task<string> NewAsync(CancellationToken cancel)
    {
        var token = Secrets.New();
        var now = time.GetUtcNow();
        await using var connection = await database.OpenConnectionAsync(cancel);
        await connection.ExecuteAsync(new("""
            with old as (delete from setup_links where expires_at <= @now)
            insert into setup_links (hash, expires_at) values (@hash, @expires)
            """, new { now, hash = Secrets.Hash(token), expires = now + Life }, cancellationToken: cancel));
        return token;
    }

    public async Task<bool> IsValidAsync(string? token, CancellationToken cancel)
    {
        if (string.IsNullOrEmpty(token)) return false;
        await using var connection = await database.OpenConnectionAsync(cancel);
        return await connection.ExecuteScalarAsync<bool>(new("""
            select exists (select from setup_links where hash = @hash and expires_at > @now) and not exists (select from users)
            """, new { hash = Secrets.Hash(token), now = time.GetUtcNow() }, cancellationToken: cancel));
    }
}
