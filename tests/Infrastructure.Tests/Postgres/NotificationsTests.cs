using Dapper;
using Microsoft.Extensions.Logging.Abstractions;
using MigrationDashboard.Infrastructure.Postgres;
using Npgsql;

namespace MigrationDashboard.Infrastructure.Tests.Postgres;

public sealed class NotificationsTests(PostgresServer server)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task A_subscriber_is_told_to_read_first_and_then_of_every_change()
    {
        await using var database = await server.CreateDatabaseAsync();
        await using var notifications = new Notifications(database, NullLogger<Notifications>.Instance);
        await using var told = notifications.SubscribeAsync("migrations", default).GetAsyncEnumerator();

        Assert.Equal(new("", true), await NextAsync(told));
        await NotifyAsync(database, "migrations", "one");
        await NotifyAsync(database, "others", "not ours");
        await NotifyAsync(database, "migrations", "two");

        Assert.Equal(new("one", false), await NextAsync(told));
        Assert.Equal(new("two", false), await NextAsync(told));
    }

    [Fact]
    public async Task Two_hundred_pages_share_one_connection_and_all_are_told()
    {
        await using var database = await server.CreateDatabaseAsync();
        await using var notifications = new Notifications(database, NullLogger<Notifications>.Instance);
        var pages = Enumerable.Range(0, 200).Select(i => notifications.SubscribeAsync($"channel{i % 3}", default).GetAsyncEnumerator()).ToArray();
        foreach (var page in pages)
            Assert.True((await NextAsync(page)).IsResync);

        for (var channel = 0; channel < 3; channel++)
            await NotifyAsync(database, $"channel{channel}", "x");

        foreach (var page in pages)
            Assert.Equal(new("x", false), await NextAsync(page));
        await using var connection = await database.OpenConnectionAsync();
        Assert.Equal(1, await connection.ExecuteScalarAsync<int>("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'"));
        foreach (var page in pages)
            await page.DisposeAsync();
    }

    [Fact]
    public async Task After_a_restart_of_the_server_subscribers_are_told_to_read_anew_and_of_later_changes()
    {
        using var folder = new DataFolder();
        var first = await EmbeddedPostgres.StartAsync(folder.Path, default);
        await using var database = Database.CreateSource(first.ConnectionString);
        await using var notifications = new Notifications(database, NullLogger<Notifications>.Instance);
        await using var told = notifications.SubscribeAsync("migrations", default).GetAsyncEnumerator();
        await NextAsync(told);

        await first.DisposeAsync();
        await Task.Delay(1000);
        await using var second = await EmbeddedPostgres.StartAsync(folder.Path, default);

        Assert.True((await NextAsync(told)).IsResync);
        await NotifyAsync(database, "migrations", "later");
        Assert.Equal(new("later", false), await NextAsync(told));
    }

    [Fact]
    public async Task A_connection_that_is_cut_is_made_anew_and_said()
    {
        await using var database = await server.CreateDatabaseAsync();
        await using var notifications = new Notifications(database, NullLogger<Notifications>.Instance);
        await using var told = notifications.SubscribeAsync("migrations", default).GetAsyncEnumerator();
        await NextAsync(told);

        await using (var connection = await database.OpenConnectionAsync())
            await connection.ExecuteAsync("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'");

        Assert.True((await NextAsync(told)).IsResync);
    }

    [Fact]
    public async Task A_slow_subscriber_gets_each_waiting_change_once_and_a_resync_when_there_are_too_many()
    {
        await using var database = await server.CreateDatabaseAsync();
        await using var notifications = new Notifications(database, NullLogger<Notifications>.Instance);
        await using var slow = notifications.SubscribeAsync("migrations", default).GetAsyncEnumerator();
        await using var fence = notifications.SubscribeAsync("fence", default).GetAsyncEnumerator();
        await NextAsync(slow);
        await NextAsync(fence);

        await using var connection = await database.OpenConnectionAsync();
        // Each statement by itself: PostgreSQL joins equal notifications of one transaction.
        for (var i = 0; i < 5; i++)
            await NotifyAsync(database, "migrations", "same");
        await NotifyAsync(database, "migrations", "other");
        await NotifyAsync(database, "fence", "1");
        await NextAsync(fence);
        Assert.Equal(new("same", false), await NextAsync(slow));
        Assert.Equal(new("other", false), await NextAsync(slow));

        await connection.ExecuteAsync("SELECT pg_notify('migrations', i::text) FROM generate_series(1, 1000) i");
        await NotifyAsync(database, "fence", "2");
        await NextAsync(fence);
        Assert.True((await NextAsync(slow)).IsResync);
    }

    [Fact]
    public async Task Nothing_is_missed_between_the_first_read_and_the_first_change()
    {
        await using var database = await server.CreateDatabaseAsync();
        await using var notifications = new Notifications(database, NullLogger<Notifications>.Instance);
        await using (var connection = await database.OpenConnectionAsync())
            await connection.ExecuteAsync("CREATE TABLE counter AS SELECT 0 AS value");
        const int Last = 300;
        var writing = Task.Run(async () =>
        {
            await using var connection = await database.OpenConnectionAsync();
            for (var i = 1; i <= Last; i++)
                await connection.ExecuteAsync("UPDATE counter SET value = @i; SELECT pg_notify('counter', @i::text)", new { i });
        });

        var readers = Enumerable.Range(0, 10).Select(async i =>
        {
            await Task.Delay(i * 10);
            using var limit = new CancellationTokenSource(Patience);
            await foreach (var _ in notifications.SubscribeAsync("counter", limit.Token))
            {
                await using var connection = await database.OpenConnectionAsync(limit.Token);
                if (await connection.ExecuteScalarAsync<int>("SELECT value FROM counter") == Last)
                    return;
            }
        });

        await Task.WhenAll(readers);
        await writing;
    }

    private static async Task<Notification> NextAsync(IAsyncEnumerator<Notification> told)
    {
        Assert.True(await told.MoveNextAsync().AsTask().WaitAsync(Patience));
        return told.Current;
    }

    private static async Task NotifyAsync(NpgsqlDataSource database, string channel, string payload)
    {
        await using var connection = await database.OpenConnectionAsync();
        await connection.ExecuteAsync("SELECT pg_notify(@channel, @payload)", new { channel, payload });
    }
}
