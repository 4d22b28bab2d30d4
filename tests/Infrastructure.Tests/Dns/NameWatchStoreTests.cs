using System.Net;
using MigrationDashboard.Core.Dns;
using MigrationDashboard.Infrastructure.Dns;
using MigrationDashboard.Infrastructure.Tests.Connections;
using MigrationDashboard.Infrastructure.Tests.Postgres;
using Npgsql;

namespace MigrationDashboard.Infrastructure.Tests.Dns;

public sealed class NameWatchStoreTests(PostgresServer server) : IAsyncLifetime
{
    private static readonly IPAddress Old = IPAddress.Parse("203.0.113.10"), New = IPAddress.Parse("203.0.113.20");

    private NpgsqlDataSource _database = null!;
    private Sampled _mail = null!;

    private NameWatchStore Store => new(_database);

    public async ValueTask InitializeAsync()
    {
        _database = await server.CreateSchemaAsync();
        _mail = await Sampled.CreateAsync(_database);
    }

    public ValueTask DisposeAsync() => _database.DisposeAsync();

    [Fact]
    public async Task A_change_is_known_with_its_time_and_the_longest_TTL_of_the_old_record()
    {
        await SaveAsync(0, Answer(Old, 300));
        await SaveAsync(100, Answer(Old, 200));
        await SaveAsync(200, Answer(New, 60));
        await SaveAsync(300, Answer(New, 60));

        var known = Assert.Single(await Store.OfMigrationAsync(_mail.Id, default));
        Assert.Equal(new WatchedName("mail.example.org", "203.0.113.53", "203.0.113.20", 60, true, At(200), 300, At(300)), known);
    }

    [Fact]
    public async Task Without_an_answer_nothing_is_learned_of_where_the_name_leads()
    {
        await SaveAsync(0, Answer(Old, 300));
        await SaveAsync(100, Answer(New, 60));
        await SaveAsync(200, new DnsAnswer("mail.example.org", "203.0.113.53", [], "no answer"));
        await SaveAsync(300, Answer(New, 60));

        Assert.Equal((true, At(100)), Assert.Single((await Store.OfMigrationAsync(_mail.Id, default)).Select(known => (known.Leads, known.Since))));
    }

    [Fact]
    public async Task A_record_that_is_changed_back_leads_elsewhere_again()
    {
        await SaveAsync(0, Answer(New, 60));
        await SaveAsync(100, Answer(Old, 60));

        Assert.Equal((false, At(100), 60), Assert.Single((await Store.OfMigrationAsync(_mail.Id, default)).Select(known => (known.Leads, known.Since, known.OldTtl!.Value))));
    }

    [Fact]
    public async Task A_resolver_that_is_not_asked_any_more_is_forgotten()
    {
        await SaveAsync(0, Answer(Old, 300), Answer(Old, 300, "203.0.113.54"));
        await SaveAsync(100, Answer(New, 60));

        Assert.Equal("203.0.113.53", Assert.Single(await Store.OfMigrationAsync(_mail.Id, default)).Resolver);
    }

    [Fact]
    public async Task Listeners_are_told_of_what_changed_only()
    {
        await using var listener = await _database.OpenConnectionAsync();
        var told = 0;
        listener.Notification += (_, _) => told++;
        await using (var listen = new NpgsqlCommand("LISTEN migrations", listener))
            await listen.ExecuteNonQueryAsync();

        await SaveAsync(0, Answer(Old, 300));
        await SaveAsync(100, Answer(Old, 200));
        await SaveAsync(200, Answer(New, 60));
        await SaveAsync(300, Answer(New, 30));

        await using (var wake = new NpgsqlCommand("SELECT 1", listener))
            await wake.ExecuteScalarAsync();
        Assert.Equal(2, told);
    }

    private static DateTimeOffset At(int second) => Sampled.Noon.AddSeconds(second);

    private static DnsAnswer Answer(IPAddress address, int ttl, string resolver = "203.0.113.53") =>
        new("mail.example.org", resolver, [new DnsRecord("mail.example.org", address, ttl)], null);

    private Task SaveAsync(int second, params DnsAnswer[] answers) => Store.SaveAsync(_mail.Id, answers, [New], At(second), default);
}
