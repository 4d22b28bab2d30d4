using Microsoft.Extensions.Logging.Abstractions;
using MigrationDashboard.Core.Connections;
using MigrationDashboard.Core.Stages;
using MigrationDashboard.Infrastructure.Connections;
using MigrationDashboard.Infrastructure.Postgres;
using MigrationDashboard.Infrastructure.Tests.Postgres;
using Npgsql;

namespace MigrationDashboard.Infrastructure.Tests.Connections;

public sealed class ConnectionSamplerTests(PostgresServer server)
{
    [Fact]
    public async Task What_a_host_prints_is_stored_and_a_lost_connection_is_made_again()
    {
        await using var database = await server.CreateSchemaAsync();
        var mail = await Sampled.CreateAsync(database);
        var hosts = new FakeHosts();
        await using var node = await Node.StartAsync(database, "one", hosts, mail);
        await Eventually.TrueAsync(() => hosts.Begun == 1, "the first session");

        hosts.Print(mail.Line(10));
        hosts.Print("{\"v\":1,\"hello\":");
        hosts.Print(mail.Line(12, [(7, 1, 0)]));
        await Eventually.TrueAsync(async () => await NewAsync(database, mail) == 2, "the first lines stored");
        hosts.Break();
        await Eventually.TrueAsync(() => hosts.Begun == 2, "a second session after the first broke");
        hosts.Print(mail.Line(15));

        await Eventually.TrueAsync(async () => await NewAsync(database, mail) == 5, "what was counted meanwhile");
        Assert.Equal(1, hosts.Open);
    }

    [Fact]
    public async Task A_host_is_counted_by_one_node_and_by_the_other_when_that_one_stops()
    {
        await using var database = await server.CreateSchemaAsync();
        var mail = await Sampled.CreateAsync(database);
        var (first, second) = (new FakeHosts(), new FakeHosts());
        var one = await Node.StartAsync(database, "one", first, mail);
        await Eventually.TrueAsync(() => first.Begun == 1, "the first node counts");
        await using var two = await Node.StartAsync(database, "two", second, mail);
        await Task.Delay(ConnectionSampler.Round + TimeSpan.FromSeconds(1));
        Assert.Equal(0, second.Begun);
        first.Print(mail.Line(10));
        first.Print(mail.Line(11));
        await Eventually.TrueAsync(async () => await NewAsync(database, mail) == 1, "the first node's lines");

        await one.DisposeAsync();

        Assert.Equal(0, first.Open);
        await Eventually.TrueAsync(() => second.Begun == 1, "the second node takes over");
        second.Print(mail.Line(14));
        await Eventually.TrueAsync(async () => await NewAsync(database, mail) == 4, "it goes on where the first stopped");
    }

    [Fact]
    public async Task A_node_that_dies_is_replaced_when_its_lease_runs_out_and_stores_nothing_if_it_was_only_asleep()
    {
        await using var database = await server.CreateSchemaAsync();
        var mail = await Sampled.CreateAsync(database);
        var asleep = Assert.Single(await new SamplerLeases(database, "asleep").TakeAsync([mail.OldServer], default));
        var hosts = new FakeHosts();
        await using var node = await Node.StartAsync(database, "awake", hosts, mail);

        await Eventually.TrueAsync(() => hosts.Begun == 1, "the lease of the dead node runs out", 30);

        Assert.Empty(await new SamplerLeases(database, "asleep").RenewAsync([asleep], default));
        await Assert.ThrowsAsync<LeaseLostException>(() => new SampleStore(database).WriteAsync(asleep, mail.Samples(mail.Track(), (0, mail.Line(1))), default));
    }

    [Fact]
    public async Task Counting_goes_on_while_the_database_is_away_and_nothing_is_lost()
    {
        using var folder = new DataFolder();
        var postgres = await EmbeddedPostgres.StartAsync(folder.Path, default);
        await using var database = Database.CreateSource(postgres.ConnectionString);
        await SchemaMigration.ApplyAsync(database, default);
        var mail = await Sampled.CreateAsync(database);
        var hosts = new FakeHosts();
        await using var node = await Node.StartAsync(database, "one", hosts, mail);
        await Eventually.TrueAsync(() => hosts.Begun == 1, "the first session");
        hosts.Print(mail.Line(0));
        hosts.Print(mail.Line(1));
        await Eventually.TrueAsync(async () => await NewAsync(database, mail) == 1, "stored before");

        await postgres.DisposeAsync();
        // Longer than the lease, so that it runs out meanwhile.
        for (var second = 0; second < 20; second++)
        {
            hosts.Print(mail.Line(2 + second, [(7, 1, 0)]));
            await Task.Delay(1000);
        }

        postgres = await EmbeddedPostgres.StartAsync(folder.Path, default);

        await Eventually.TrueAsync(async () => await NewAsync(database, mail) == 21, "what was counted meanwhile");
        Assert.Equal((1, 1), (hosts.Begun, hosts.Open));
        await using var count = database.CreateCommand("SELECT count(DISTINCT at) FROM connection_sample");
        Assert.Equal(22L, await count.ExecuteScalarAsync());
        await node.DisposeAsync();
        await database.DisposeAsync();
        await postgres.DisposeAsync();
    }

    [Fact]
    public async Task A_migration_that_ends_is_no_longer_counted_and_another_one_begins_a_new_session()
    {
        await using var database = await server.CreateSchemaAsync();
        var mail = await Sampled.CreateAsync(database);
        var hosts = new FakeHosts();
        await using var node = await Node.StartAsync(database, "one", hosts, mail);
        await Eventually.TrueAsync(() => hosts.Begun == 1, "the first session");

        node.Migrations.Hosts = [new(mail.OldServer, [mail.Old with { Ports = [mail.Old.Ports[0]] }])];
        await Eventually.TrueAsync(() => hosts.Begun == 2 && hosts.Open == 1, "a session for what is to be counted now");
        node.Migrations.Hosts = [];

        await Eventually.TrueAsync(() => hosts.Open == 0, "no session any more");
        await Eventually.TrueAsync(async () => (await new SamplerLeases(database, "two").TakeAsync([mail.OldServer], default)).Count == 1, "the lease is free at once", 5);
    }

    [Fact]
    public async Task A_host_that_prints_rubbish_is_left_and_the_reason_kept()
    {
        await using var database = await server.CreateSchemaAsync();
        var mail = await Sampled.CreateAsync(database);
        var hosts = new FakeHosts();
        await using var node = await Node.StartAsync(database, "one", hosts, mail);
        await Eventually.TrueAsync(() => hosts.Begun == 1, "the first session");
        hosts.Print(mail.Line(0));
        await Eventually.TrueAsync(async () => (await new ConnectionHistory(database, TimeProvider.System).StatusAsync(mail.Id, default)).Count == 1, "the first line");

        for (var line = 0; line < 20; line++)
            hosts.Print("rubbish");

        await Eventually.TrueAsync(() => hosts.Begun == 2, "another session");
        Assert.Contains("does not print", (await new ConnectionHistory(database, TimeProvider.System).StatusAsync(mail.Id, default))[0].Error, StringComparison.Ordinal);
    }

    private static async Task<long> NewAsync(NpgsqlDataSource database, Sampled mail)
    {
        var gate = await new ConnectionHistory(database, TimeProvider.System).GateAsync(mail.Id, ConnectionPath.Direct, TimeSpan.FromMinutes(10), default);
        return gate.NewConnections.Sum(item => item.New);
    }

    /// <summary>A node of the dashboard, as far as it counts connections.</summary>
    private sealed class Node : IAsyncDisposable
    {
        private readonly ConnectionSampler _sampler;
        private bool _stopped;

        private Node(NpgsqlDataSource database, string name, FakeHosts hosts)
        {
            _sampler = new(Migrations, hosts, new(database, name), new(database), TimeProvider.System, NullLogger<ConnectionSampler>.Instance);
        }

        public FakeMigrations Migrations { get; } = new();

        public static async Task<Node> StartAsync(NpgsqlDataSource database, string name, FakeHosts hosts, Sampled mail)
        {
            var node = new Node(database, name, hosts);
            node.Migrations.Hosts = [new(mail.OldServer, [mail.Old])];
            await node._sampler.StartAsync(default);
            return node;
        }

        public async ValueTask DisposeAsync()
        {
            if (_stopped)
                return;
            _stopped = true;
            await _sampler.StopAsync(default);
            _sampler.Dispose();
        }
    }
}
