using Dapper;
using MigrationDashboard.Core.Users;
using Npgsql;

namespace MigrationDashboard.Infrastructure.Users;

/// <summary>The table of API tokens.</summary>
public sealed class ApiTokenStore(NpgsqlDataSource database, TimeProvider time)
{
    /// <summary>Makes a token recognisable in logs and to secret scanners.</summary>
    public const string Prefix = "mdt_";

    private const string Columns = """
        t.id as "Id", t.user_id as "UserId", u.name as "UserName", t.name as "Name", t.role as "Role",
        t.created_at as "CreatedAt", t.expires_at as "ExpiresAt", t.last_used_at as "LastUsedAt"
        """;

    /// <summary>The secret to show once.</summary>
    public async Task<string> AddAsync(ApiToken token, CancellationToken cancel)
    {
        var secret = Prefix + Secrets.New();
        await AddAsync(token, secret, cancel);
        return secret;
    }

    public async Task AddAsync(ApiToken token, string secret, CancellationToken cancel)
    {
        await using var connection = await database.OpenConnectionAsync(cancel);
        await connection.ExecuteAsync(new("""
            insert into api_tokens (id, user_id, name, role, hash, created_at, expires_at)
            values (@Id, @UserId, @Name, @Role, @hash, @CreatedAt, @ExpiresAt)
            """, new { token.Id, token.UserId, token.Name, Role = token.Role.ToString(), hash = Secrets.Hash(secret), token.CreatedAt, token.ExpiresAt },
            cancellationToken: cancel));
    }

    /// <summary>One person's tokens, or everybody's when <paramref name="userId"/> is null.</summary>
    public async Task<IReadOnlyList<ApiToken>> ListAsync(Guid? userId, CancellationToken cancel)
    {
        await using var connection = await database.OpenConnectionAsync(cancel);
        return (await connection.QueryAsync<ApiToken>(new($"""
            select {Columns} from api_tokens t join users u on u.id = t.user_id
            where @userId::uuid is null or t.user_id = @userId order by t.created_at desc
            """, new { userId }, cancellationToken: cancel))).AsList();
    }

    public async Task<ApiToken?> FindAsync(Guid id, CancellationToken cancel)
    {
        await using var connection = await database.OpenConnectionAsync(cancel);
        return await connection.QuerySingleOrDefaultAsync<ApiToken>(new(
            $"select {Columns} from api_tokens t join users u on u.id = t.user_id where t.id = @id", new { id }, cancellationToken: cancel));
    }

    public async Task DeleteAsync(Guid id, CancellationToken cancel)
    {
        await using var connection = await database.OpenConnectionAsync(cancel);
        await connection.ExecuteAsync(new("delete from api_tokens where id = @id", new { id }, cancellationToken: cancel));
    }

    /// <summary>The valid token behind a secret, with the role in force now: the person may have lost theirs since. Null if there is none.</summary>
    public async Task<ApiToken?> UseAsync(string secret, CancellationToken cancel)
    {
        await using var connection = await database.OpenConnectionAsync(cancel);
        var now = time.GetUtcNow();
        var found = await connection.QuerySingleOrDefaultAsync<ApiToken>(new($"""
            select {Columns}, u.role as "OwnerRole" from api_tokens t join users u on u.id = t.user_id
            where t.hash = @hash and t.expires_at > @now and u.disabled_at is null
            """, new { hash = Secrets.Hash(secret), now }, cancellationToken: cancel));
        if (found is null) return null;
        // Once a minute is exact enough for people and spares a write per request.
        if (found.LastUsedAt is null || now - found.LastUsedAt > TimeSpan.FromMinutes(1))
            await connection.ExecuteAsync(new("update api_tokens set last_used_at = @now where id = @Id", new { now, found.Id }, cancellationToken: cancel));
        return found.Role > found.OwnerRole ? found with { Role = found.OwnerRole } : found;
    }
}
