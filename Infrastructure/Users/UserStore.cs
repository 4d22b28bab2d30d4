using Dapper;
using MigrationDashboard.Core.Users;
using Npgsql;

namespace MigrationDashboard.Infrastructure.Users;

/// <summary>The table of users. Every change of password, role or access gives the user a new stamp, which ends their sessions.</summary>
public sealed class UserStore(NpgsqlDataSource database)
{
    private const string Columns = """
        id as "Id", name as "Name", role as "Role", stamp as "Stamp", totp_secret is not null as "HasSecondFactor",
        disabled_at as "DisabledAt", created_at as "CreatedAt", last_sign_in_at as "LastSignInAt"
        """;

    public async Task<bool> AnyAsync(CancellationToken cancel)
    {
        await using var connection = await database.OpenConnectionAsync(cancel);
        return await connection.ExecuteScalarAsync<bool>(new("select exists (select from users)", cancellationToken: cancel));
    }

    public async Task<IReadOnlyList<User>> ListAsync(CancellationToken cancel)
    {
        await using var connection = await database.OpenConnectionAsync(cancel);
        return (await connection.QueryAsync<User>(new($"select {Columns} from users order by lower(name)", cancellationToken: cancel))).AsList();
    }

    public async Task<User?> FindAsync(Guid id, CancellationToken cancel)
    {
        await using var connection = await database.OpenConnectionAsync(cancel);
        return await connection.QuerySingleOrDefaultAsync<User>(new($"select {Columns} from users where id = @id", new { id }, cancellationToken: cancel));
    }

    public async Task<User?> FindByNameAsync(string name, CancellationToken cancel)
    {
        await using var connection = await database.OpenConnectionAsync(cancel);
        return await connection.QuerySingleOrDefaultAsync<User>(new(
            $"select {Columns} from users where lower(name) = lower(@name)", new { name }, cancellationToken: cancel));
    }

    /// <summary>False if somebody of that name exists.</summary>
    public async Task<bool> AddAsync(User user, string passwordHash, CancellationToken cancel)
    {
        await using var connection = await database.OpenConnectionAsync(cancel);
        return await connection.ExecuteAsync(new("""
            insert into users (id, name, role, password_hash, stamp, created_at)
            values (@Id, @Name, @Role, @passwordHash, @Stamp, @CreatedAt)
            on conflict do nothing
            """, new { user.Id, user.Name, Role = user.Role.ToString(), passwordHash, user.Stamp, user.CreatedAt }, cancellationToken: cancel)) == 1;
    }

    /// <summary>Makes the first administrator. False if any user exists: of two who try at once, one wins.</summary>
    public async Task<bool> AddFirstAsync(User user, string passwordHash, CancellationToken cancel)
    {
        await using var connection = await database.OpenConnectionAsync(cancel);
        await using var transaction = await connection.BeginTransactionAsync(cancel);
        await connection.ExecuteAsync(new("lock table users in exclusive mode", transaction: transaction, cancellationToken: cancel));
        var added = await connection.ExecuteScalarAsync<int>(new("""
            with first as (
                insert into users (id, name, role, password_hash, stamp, created_at)
                select @Id, @Name, 'Administrator', @passwordHash, @Stamp, @CreatedAt where not exists (select from users)
                returning id),
            spent as (delete from setup_links where exists (select from first))
            select count(*)::int from first
            """, new { user.Id, user.Name, passwordHash, user.Stamp, user.CreatedAt }, transaction, cancellationToken: cancel));
        await transaction.CommitAsync(cancel);
        return added == 1;
    }

    /// <summary>False if it would leave nobody who can administer.</summary>
    public Task<bool> SetRoleAsync(Guid id, Role role, CancellationToken cancel) =>
        ChangeAccessAsync("role = @role", id, role == Role.Administrator, new { id, role = role.ToString(), stamp = Guid.NewGuid() }, cancel);

    /// <summary>False if it would leave nobody who can administer.</summary>
    public Task<bool> SetDisabledAsync(Guid id, DateTimeOffset? at, CancellationToken cancel) =>
        ChangeAccessAsync("disabled_at = @at", id, at is null, new { id, at, stamp = Guid.NewGuid() }, cancel);

    public async Task SetPasswordAsync(Guid id, string passwordHash, Guid stamp, CancellationToken cancel)
    {
        await using var connection = await database.OpenConnectionAsync(cancel);
        await connection.ExecuteAsync(new(
            "update users set password_hash = @passwordHash, stamp = @stamp where id = @id", new { id, passwordHash, stamp }, cancellationToken: cancel));
    }

    public async Task SetStampAsync(Guid id, Guid stamp, CancellationToken cancel)
    {
        await using var connection = await database.OpenConnectionAsync(cancel);
        await connection.ExecuteAsync(new("update users set stamp = @stamp where id = @id", new { id, stamp }, cancellationToken: cancel));
    }

    public async Task<string?> PasswordHashAsync(Guid id, CancellationToken cancel)
    {
        await using var connection = await database.OpenConnectionAsync(cancel);
        return await connection.ExecuteScalarAsync<string?>(new("select password_hash from users where id = @id", new { id }, cancellationToken: cancel));
    }

    public async Task SignedInAsync(Guid id, DateTimeOffset at, CancellationToken cancel)
    {
        await using var connection = await database.OpenConnectionAsync(cancel);
        await connection.ExecuteAsync(new("update users set last_sign_in_at = @at where id = @id", new { id, at }, cancellationToken: cancel));
    }

    private async Task<bool> ChangeAccessAsync(string set, Guid id, bool harmless, object values, CancellationToken cancel)
    {
        await using var connection = await database.OpenConnectionAsync(cancel);
        await using var transaction = await connection.BeginTransactionAsync(cancel);
        // Two administrators who demote each other at the same moment must not both succeed.
        await connection.ExecuteAsync(new("lock table users in exclusive mode", transaction: transaction, cancellationToken: cancel));
        if (!harmless)
        {
            var others = await connection.ExecuteScalarAsync<bool>(new(
                "select exists (select from users where role = 'Administrator' and disabled_at is null and id <> @id)",
                new { id }, transaction, cancellationToken: cancel));
            if (!others) return false;
        }
        await connection.ExecuteAsync(new($"update users set {set}, stamp = @stamp where id = @id", values, transaction, cancellationToken: cancel));
        await transaction.CommitAsync(cancel);
        return true;
    }
}
