using System.ComponentModel.DataAnnotations;
using System.Net;
using System.Net.Sockets;
using Dapper;
using Npgsql;

namespace MigrationDashboard.Infrastructure.Users;

/// <summary>How many failed tries are too many. Section <c>SignIn</c> of the settings.</summary>
public sealed record SignInLimitOptions
{
    /// <summary>Failed tries for one account within the time. Ten leaves a forgetful person room and a guesser none.</summary>
    [Range(1, 1000)]
    public int FailuresPerAccount { get; init; } = 10;

    /// <summary>Failed tries from one address within the time; higher, since an office may share one.</summary>
    [Range(1, 10000)]
    public int FailuresPerAddress { get; init; } = 30;

    /// <summary>Minutes that a failed try counts.</summary>
    [Range(1, 1440)]
    public int Minutes { get; init; } = 15;
}

/// <summary>Counts failed sign-ins by account and by address in the database, so that several nodes share the limit.</summary>
public sealed class SignInLimits(NpgsqlDataSource database, SignInLimitOptions options)
{
    /// <summary>
    /// Notes a try before it is made and counts it as failed until told otherwise, so that tries made in parallel count too.
    /// </summary>
    /// <returns>The try's number, or how long to wait if there were too many.</returns>
    public async Task<(long? Attempt, TimeSpan Wait)> BeginAsync(string account, IPAddress address, CancellationToken cancel)
    {
        var values = new
        {
            account = account.ToLowerInvariant(),
            address = Network(address),
            minutes = options.Minutes,
            perAccount = options.FailuresPerAccount,
            perAddress = options.FailuresPerAddress,
        };
        await using var connection = await database.OpenConnectionAsync(cancel);
        await using var transaction = await connection.BeginTransactionAsync(cancel);
        // One at a time: counting and noting must not interleave.
        await connection.ExecuteAsync(new(
            "select pg_advisory_xact_lock(hashtext('sign_in_attempts'))", transaction: transaction, cancellationToken: cancel));
        var wait = await connection.ExecuteScalarAsync<double?>(new("""
            with recent as (
                select at, account = @account as by_account, address = @address::inet as by_address from sign_in_attempts
                where not succeeded and at > now() - make_interval(mins => @minutes) and (account = @account or address = @address::inet)),
            blocking as (
                (select at from recent where by_account order by at desc offset @perAccount - 1 limit 1)
                union all
                (select at from recent where by_address order by at desc offset @perAddress - 1 limit 1))
            select extract(epoch from max(at) + make_interval(mins => @minutes) - now())::float8 from blocking
            """, values, transaction, cancellationToken: cancel));
        if (wait is { } seconds) return (null, TimeSpan.FromSeconds(Math.Max(1, seconds)));
        var attempt = await connection.ExecuteScalarAsync<long>(new("""
            with old as (delete from sign_in_attempts where at < now() - interval '1 day')
            insert into sign_in_attempts (account, address) values (@account, @address::inet) returning id
            """, values, transaction, cancellationToken: cancel));
        await transaction.CommitAsync(cancel);
        return (attempt, TimeSpan.Zero);
    }

    public async Task SucceededAsync(long attempt, CancellationToken cancel)
    {
        await using var connection = await database.OpenConnectionAsync(cancel);
        await connection.ExecuteAsync(new("update sign_in_attempts set succeeded = true where id = @attempt", new { attempt }, cancellationToken: cancel));
    }

    /// <summary>An IPv4 address, or the /64 of an IPv6 address: whoever has one address of it has all.</summary>
    private static string Network(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6) return address.MapToIPv4().ToString();
        if (address.AddressFamily != AddressFamily.InterNetworkV6) return address.ToString();
        var bytes = address.GetAddressBytes();
        Array.Clear(bytes, 8, 8);
        return new IPAddress(bytes).ToString();
    }
}
