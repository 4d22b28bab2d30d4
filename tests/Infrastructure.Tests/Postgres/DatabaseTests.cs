using System.Net;
using Dapper;
using Microsoft.Extensions.Logging.Abstractions;
using MigrationDashboard.Infrastructure.Postgres;
using Npgsql;

namespace MigrationDashboard.Infrastructure.Tests.Postgres;

public sealed class DatabaseTests(PostgresServer server)
{
    [Fact]
    public async Task Without_a_connection_string_a_database_of_its_own_is_ready_with_the_schema()
    {
        using var folder = new DataFolder();
        await using var database = await Database.OpenAsync(new() { DataFolder = folder.Path }, NullLoggerFactory.Instance, default);

        await using var connection = await database.Source.OpenConnectionAsync();
        Assert.Equal(0, await connection.ExecuteScalarAsync<long>("SELECT sequence FROM audit_head"));
        Assert.Equal("migration-dashboard", await connection.ExecuteScalarAsync<string>("SHOW application_name"));
    }

    [Fact]
    public async Task What_the_connection_string_says_is_kept()
    {
        await using var source = Database.CreateSource("Host=/nowhere;ApplicationName=mine;Maximum Pool Size=3");

        var settings = new NpgsqlConnectionStringBuilder(source.ConnectionString);
        Assert.Equal(("mine", 3, 5), (settings.ApplicationName, settings.MaxPoolSize, settings.Timeout));
    }

    [Fact]
    public async Task Work_goes_on_when_the_server_was_away_for_a_while_and_fails_when_it_stays_away()
    {
        using var folder = new DataFolder();
        var first = await EmbeddedPostgres.StartAsync(folder.Path, default);
        await using var database = Database.CreateSource(first.ConnectionString);
        await database.RetryAsync(OneAsync, TimeSpan.FromSeconds(5), default);
        await first.DisposeAsync();

        await Assert.ThrowsAnyAsync<NpgsqlException>(() => database.RetryAsync(OneAsync, TimeSpan.FromSeconds(1), default));

        var working = database.RetryAsync(OneAsync, TimeSpan.FromSeconds(30), default);
        await Task.Delay(2000);
        await using var second = await EmbeddedPostgres.StartAsync(folder.Path, default);
        await working;

        async Task OneAsync(CancellationToken cancellation)
        {
            await using var connection = await database.OpenConnectionAsync(cancellation);
            await connection.ExecuteAsync("SELECT 1");
        }
    }

    [Fact]
    public async Task An_error_in_the_work_itself_is_not_tried_again()
    {
        await using var database = await server.CreateDatabaseAsync();
        var tries = 0;

        await Assert.ThrowsAsync<PostgresException>(() => database.RetryAsync(async cancellation =>
        {
            tries++;
            await using var connection = await database.OpenConnectionAsync(cancellation);
            await connection.ExecuteAsync("SELECT nonsense");
        }, TimeSpan.FromSeconds(10), default));

        Assert.Equal(1, tries);
    }

    [Fact]
    public async Task Times_addresses_and_networks_come_back_as_they_went_in()
    {
        await using var database = await server.CreateDatabaseAsync();
        await using var connection = await database.OpenConnectionAsync();
        var at = new DateTimeOffset(2026, 3, 29, 2, 30, 0, 123, TimeSpan.FromHours(2));
        var values = new { at, address = IPAddress.Parse("2001:db8::1"), network = IPNetwork.Parse("10.1.0.0/16"), none = (DateTimeOffset?)null, ids = new[] { 1, 2 } };

        var row = await connection.QuerySingleAsync<Row>("SELECT @at AS seen_at, @address AS from_address, @network AS net, @none::timestamptz AS maybe_at, 3 = ANY(@ids) AS found", values);
        var pair = await connection.QuerySingleAsync<(string Text, DateTimeOffset? At)>("SELECT 'x', @at::timestamptz", values);

        Assert.Equal(new Row(at.ToUniversalTime(), values.address, values.network, null, false), row);
        Assert.Equal(("x", at), pair);
    }

    private sealed record Row(DateTimeOffset SeenAt, IPAddress FromAddress, IPNetwork Net, DateTimeOffset? MaybeAt, bool Found);
}
