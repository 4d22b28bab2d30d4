using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using MigrationDashboard.Core;
using MigrationDashboard.Core.Connections;
using MigrationDashboard.Core.Stages;
using MigrationDashboard.Infrastructure.Connections;
using MigrationDashboard.Infrastructure.Tests.Postgres;
using Npgsql;

namespace MigrationDashboard.Infrastructure.Tests.Connections;

public sealed class SampleStoreTests(PostgresServer server) : IAsyncLifetime
{
    private readonly SetTime _time = new(Sampled.Noon);
    private NpgsqlDataSource _database = null!;
    private Sampled _mail = null!;
    private SamplerLease _lease = null!;
    private SampleTrack _track = null!;

    private SampleStore Store => new(_database);

    private ConnectionRetention Retention => new(_database, _time, NullLogger<ConnectionRetention>.Instance);

    private ConnectionHistory History => new(_database, _time);

    public async ValueTask InitializeAsync()
    {
        _database = await server.CreateSchemaAsync();
        _mail = await Sampled.CreateAsync(_database);
        _lease = Assert.Single(await new SamplerLeases(_database, "here").TakeAsync([_mail.OldServer], default));
        _track = _mail.Track();
    }

    public ValueTask DisposeAsync() => _database.DisposeAsync();

    [Fact]
    public async Task The_latest_counts_are_those_of_the_last_list_with_what_is_new_since()
    {
        await WriteAsync((0, _mail.Line(10)), (1, _mail.Line(13, [(7, 2, 1), (8, 1, 0)])), (5, _mail.Line(14, full: false)));
        _time.Now = Sampled.Noon.AddSeconds(6);

        var counts = await History.LatestAsync(_mail.Id, default);

        var direct = counts[ConnectionPath.Direct];
        Assert.Equal((3, 1, 2), (direct.Established, direct.Other, direct.Clients));
        Assert.Equal((Sampled.Noon.AddSeconds(1), Sampled.Noon.AddSeconds(5), 4), (direct.CountedAt, direct.LastNew, direct.PerMinute(_time.Now)));
        Assert.Equal((Sampled.Noon.AddSeconds(5), 1000, 262144), (counts[Role.Old].At, counts[Role.Old].ConntrackEntries, counts[Role.Old].ConntrackMost));
        Assert.Null(counts[Role.New].At);
        Assert.Null(counts[ConnectionPath.Local].CountedAt);
    }

    [Fact]
    public async Task The_snapshot_goes_on_with_what_listeners_are_told()
    {
        await using var listener = await _database.OpenConnectionAsync();
        var told = new List<string>();
        listener.Notification += (_, notification) => told.Add(notification.Payload);
        await using (var listen = new NpgsqlCommand($"LISTEN {SampleStore.Channel}", listener))
            await listen.ExecuteNonQueryAsync();
        await WriteAsync((0, _mail.Line(10, [(7, 1, 0)])));
        await listener.WaitAsync(TimeSpan.FromSeconds(5));
        var snapshot = await History.LatestAsync(_mail.Id, default);
        await WriteAsync((1, _mail.Line(12, [(7, 1, 0), (8, 1, 0)])));
        await listener.WaitAsync(TimeSpan.FromSeconds(5));

        var next = snapshot.With(SampleSummary.FromJson(told[1]));

        _time.Now = Sampled.Noon.AddSeconds(1);
        Assert.Equal(await History.LatestAsync(_mail.Id, default), next);
        Assert.Equal((2, 2), (next[ConnectionPath.Direct].Established, next[ConnectionPath.Direct].PerMinute(_time.Now)));
    }

    [Fact]
    public async Task A_series_adds_new_connections_up_and_keeps_the_most_established()
    {
        await WriteAsync(
            (0, _mail.Line(0, [(7, 5, 0)])), (1, _mail.Line(2, [(7, 3, 0)])), (2, _mail.Line(2, full: false)),
            (59, _mail.Line(3, [(7, 4, 0)])), (61, _mail.Line(4, [(7, 1, 0)])), (3700, _mail.Line(4)));

        var seconds = await History.SeriesAsync(_mail.Id, Sampled.Noon, Sampled.Noon.AddSeconds(3), TimeSpan.FromSeconds(1), null, default);
        Assert.Equal([(0, 5, 0), (1, 3, 2), (2, null, 0)], Direct(seconds));
        var minutes = await History.SeriesAsync(_mail.Id, Sampled.Noon, Sampled.Noon.AddHours(2), TimeSpan.FromMinutes(1), null, default);
        Assert.Equal([(0, 5, 3), (60, 1, 1), (3660, 0, 0)], Direct(minutes));
        var hours = await History.SeriesAsync(_mail.Id, Sampled.Noon, Sampled.Noon.AddHours(2), TimeSpan.FromHours(1), null, default);
        Assert.Equal([(0, 5, 4), (3600, 0, 0)], Direct(hours));
        var port = await History.SeriesAsync(_mail.Id, Sampled.Noon, Sampled.Noon.AddSeconds(2), TimeSpan.FromSeconds(1), new(25, Core.Servers.Transport.Tcp), default);
        Assert.Equal([(0, 5, null), (1, 3, null)], Direct(port));
        await Assert.ThrowsAsync<InvalidInputException>(() => History.SeriesAsync(_mail.Id, Sampled.Noon, Sampled.Noon.AddDays(1), TimeSpan.FromSeconds(1), null, default));
    }

    [Fact]
    public async Task Samples_sent_twice_count_once()
    {
        var samples = _mail.Samples(_track, (0, _mail.Line(0)), (1, _mail.Line(5, [(7, 2, 0)])));

        await Store.WriteAsync(_lease, samples, default);
        await Store.WriteAsync(_lease, samples, default);

        Assert.Equal([(0, 2, 5)], Direct(await History.SeriesAsync(_mail.Id, Sampled.Noon, Sampled.Noon.AddMinutes(1), TimeSpan.FromMinutes(1), null, default)));
        Assert.Equal(2, Assert.Single((await StragglersAsync()).Rows).Connections);
    }

    [Fact]
    public async Task Who_lost_the_lease_stores_nothing()
    {
        var samples = _mail.Samples(_track, (0, _mail.Line(1)));
        var leases = new SamplerLeases(_database, "here");
        await leases.ReleaseAsync([_lease], default);
        await Assert.ThrowsAsync<LeaseLostException>(() => Store.WriteAsync(_lease, samples, default));
        await leases.TakeAsync([_mail.OldServer], default);

        await Assert.ThrowsAsync<LeaseLostException>(() => Store.WriteAsync(_lease, samples, default));

        Assert.Null((await History.LatestAsync(_mail.Id, default))[Role.Old].At);
    }

    [Fact]
    public async Task Another_node_goes_on_where_the_counters_stood()
    {
        await WriteAsync((0, _mail.Line(10)), (1, _mail.Line(12)));

        _track = new([_mail.Old], await Store.MarksAsync([_mail.Old], default));
        await WriteAsync((300, _mail.Line(17)));

        var gate = await GateAsync(310, minutes: 10);
        Assert.Equal([(1, 2), (300, 5)], gate.NewConnections.Select(item => ((int)(item.At - Sampled.Noon).TotalSeconds, (int)item.New)));
        Assert.Equal(Sampled.Noon, gate.WatchedSince);
    }

    [Fact]
    public async Task A_gate_is_not_met_by_not_looking()
    {
        Assert.Null((await GateAsync(0, minutes: 10)).WatchedSince);
        await WriteAsync((0, _mail.Line(10)), (100, _mail.Line(10)));
        Assert.Equal(Sampled.Noon, (await GateAsync(110, minutes: 10)).WatchedSince);
        // Nobody counts any more.
        Assert.Null((await GateAsync(200, minutes: 10)).WatchedSince);
        // The host was booted meanwhile: what came before it went down is not known.
        await WriteAsync((200, _mail.Line(0, epoch: "other.1.0")));

        Assert.Equal(Sampled.Noon.AddSeconds(200), (await GateAsync(210, minutes: 10)).WatchedSince);
    }

    [Fact]
    public async Task The_gate_of_Drain_opens_when_no_new_direct_connection_came_for_its_time_and_knows_the_last_one()
    {
        await WriteAsync((0, _mail.Line(10)), (60, _mail.Line(11)), (650, _mail.Line(11)));
        var gate = new Gate(MostNew: 0, WithinMinutes: 10);

        var early = await GateAsync(659, minutes: 10);
        Assert.False(gate.Judge(early.NewConnections, early.WatchedSince, null, _time.Now).Open);
        await WriteAsync((700, _mail.Line(11)));
        var late = await GateAsync(705, minutes: 10);
        var state = gate.Judge(late.NewConnections, late.WatchedSince, null, _time.Now);

        Assert.True(state.Open, state.Reason);
        Assert.Equal(Sampled.Noon.AddSeconds(60), state.LastNew);
    }

    [Fact]
    public async Task New_connections_after_the_rules_changed_are_the_tails()
    {
        await WriteAsync((0, _mail.Line(10)), (1, _mail.Line(3, path: "tail", epoch: "boot.2.1")));

        Assert.Empty((await GateAsync(2, minutes: 10)).NewConnections);
        Assert.Equal(3, Assert.Single((await GateAsync(2, minutes: 10, ConnectionPath.Tail)).NewConnections).New);
    }

    [Fact]
    public async Task Stragglers_are_known_from_first_to_last_and_their_connections_counted_at_least()
    {
        await WriteAsync(
            (0, _mail.Line(0, [(7, 2, 0), (8, 1, 0)])),
            (1, _mail.Line(0, [(7, 1, 1), (8, 1, 0)])), // one closes
            (2, _mail.Line(0, [(7, 2, 1), (8, 1, 0)])), // another opens
            (9, _mail.Line(0, [(7, 2, 0)])));

        var (rows, total) = await StragglersAsync(new(Order: StragglerOrder.Connections));

        Assert.Equal(2, total);
        Assert.Equal(new(ConnectionPath.Direct, IPAddress.Parse("198.51.100.7"), new(25, Core.Servers.Transport.Tcp), Sampled.Noon, Sampled.Noon.AddSeconds(9), 3, 2), rows[0]);
        Assert.Equal((IPAddress.Parse("198.51.100.8"), Sampled.Noon.AddSeconds(2), 1, 0), (rows[1].Client, rows[1].LastSeen, rows[1].Connections, rows[1].Current));
    }

    [Fact]
    public async Task A_client_that_a_partial_list_leaves_out_is_not_held_to_be_gone_at_once()
    {
        await WriteAsync((0, _mail.Line(0, [(7, 1, 0)])), (1, _mail.Line(0, [(8, 1, 0)], distinct: 300)));
        Assert.Equal(2, (await StragglersAsync(new(PresentOnly: true))).Total);

        await WriteAsync((400, _mail.Line(0, [(8, 1, 0)], distinct: 300)));

        Assert.Equal(IPAddress.Parse("198.51.100.8"), Assert.Single((await StragglersAsync(new(PresentOnly: true))).Rows).Client);
    }

    [Fact]
    public async Task Stragglers_are_found_by_path_and_network_and_paged()
    {
        await WriteAsync((0, _mail.Line(0, [.. Enumerable.Range(1, 100).Select(client => (client, client, 0))])));

        Assert.Equal(5, (await StragglersAsync(new(Clients: StragglerQuery.ClientsOf("198.51.100.96/27")))).Total); // 96 to 100
        Assert.Equal(1, (await StragglersAsync(new(Clients: StragglerQuery.ClientsOf(" 198.51.100.9 ")))).Total);
        Assert.Equal(0, (await StragglersAsync(new(ConnectionPath.Tail))).Total);
        Assert.Throws<InvalidInputException>(() => StragglerQuery.ClientsOf("'; DROP TABLE straggler"));
        var pages = new List<IPAddress>();
        for (var page = 0; page < 4; page++)
            pages.AddRange((await new StragglerStore(_database).ListAsync(_mail.Id, new(Order: StragglerOrder.Current, Descending: true), page * 30, 30, default)).Rows.Select(row => row.Client));
        Assert.Equal(100, pages.Distinct().Count());
        Assert.Equal(IPAddress.Parse("198.51.100.100"), pages[0]);
    }

    [Fact]
    public async Task The_export_has_a_heading_and_a_line_for_each_straggler()
    {
        await WriteAsync((0, _mail.Line(0, [(7, 2, 0), (8, 1, 0)])));

        var lines = await new StragglerStore(_database).CsvAsync(_mail.Id, new(Order: StragglerOrder.Client, Descending: false), default).ToListAsync();

        Assert.Equal(
            [
                "path,client,port,first_seen,last_seen,connections,current",
                "Direct,198.51.100.7,25/tcp,2026-01-01T12:00:00.000Z,2026-01-01T12:00:00.000Z,2,2",
                "Direct,198.51.100.8,25/tcp,2026-01-01T12:00:00.000Z,2026-01-01T12:00:00.000Z,1,1",
            ], lines);
    }

    [Fact]
    public async Task Seconds_are_forgotten_after_two_days_and_minutes_stay()
    {
        await WriteAsync((0, _mail.Line(0)), (1, _mail.Line(5, [(7, 2, 0)])));
        _time.Now = Sampled.Noon.AddDays(2).AddMinutes(5);

        Assert.True(await Retention.CleanAsync(default) > 0);

        Assert.Empty(await History.SeriesAsync(_mail.Id, Sampled.Noon, Sampled.Noon.AddMinutes(1), TimeSpan.FromSeconds(1), null, default));
        Assert.Equal([(0, 2, 5)], Direct(await History.SeriesAsync(_mail.Id, Sampled.Noon, Sampled.Noon.AddMinutes(1), TimeSpan.FromMinutes(1), null, default)));
        Assert.Equal(Sampled.Noon, (await History.LatestAsync(_mail.Id, default))[ConnectionPath.Direct].LastNew);
        Assert.Equal(0, await Retention.CleanAsync(default));
        _time.Now = Sampled.Noon.AddDays(91);
        await Retention.CleanAsync(default);
        Assert.Equal(0, (await StragglersAsync()).Total);
    }

    [Fact]
    public async Task How_counting_goes_is_told_with_the_hosts_clock_and_troubles()
    {
        await WriteAsync((3, _mail.Line(0)));
        await Store.WriteProblemAsync([_mail.Old], "no route to host", default);

        var status = Assert.Single(await History.StatusAsync(null, default));

        Assert.Equal((Role.Old, "proc", "no route to host", -3), (status.Reporter, status.Reader, status.Error, (int)status.ClockOffset.TotalSeconds));
        Assert.Equal("no route to host", (await History.LatestAsync(_mail.Id, default))[Role.Old].Error);
        await WriteAsync((4, _mail.Line(0)));
        Assert.Null((await History.LatestAsync(_mail.Id, default))[Role.Old].Error);
    }

    private Task WriteAsync(params (double Second, string Line)[] lines) => Store.WriteAsync(_lease, _mail.Samples(_track, lines), default);

    private Task<(IReadOnlyList<Straggler> Rows, long Total)> StragglersAsync(StragglerQuery? query = null) =>
        new StragglerStore(_database).ListAsync(_mail.Id, query ?? new(), 0, 100, default);

    private Task<GateInputs> GateAsync(int second, int minutes, ConnectionPath path = ConnectionPath.Direct)
    {
        _time.Now = Sampled.Noon.AddSeconds(second);
        return History.GateAsync(_mail.Id, path, TimeSpan.FromMinutes(minutes), default);
    }

    private static List<(int Second, int? Established, int? New)> Direct(IEnumerable<SeriesPoint> points) =>
        [.. points.Where(point => point.Path == ConnectionPath.Direct).Select(point => ((int)(point.At - Sampled.Noon).TotalSeconds, (int?)point.Established, (int?)point.New))];
}
