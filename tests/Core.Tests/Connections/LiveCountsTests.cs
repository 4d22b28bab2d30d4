using System.Net.Sockets;
using MigrationDashboard.Core.Connections;
using MigrationDashboard.Core.Stages;
using MigrationDashboard.Core.Tests.HostScripts;
using Xunit;

namespace MigrationDashboard.Core.Tests.Connections;

public sealed class LiveCountsTests
{
    private static readonly Guid Mail = Guid.NewGuid();
    private static readonly DateTimeOffset Noon = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void What_both_hosts_report_is_put_together()
    {
        var counts = LiveCounts.Empty(Mail)
            .With(Sample(Role.Old, 0, new PathSummary(ConnectionPath.Direct, 23, 4, 20, 2), new PathSummary(ConnectionPath.Tail, 0, 0, 0, 0)))
            .With(Sample(Role.New, 1, new PathSummary(ConnectionPath.Forwarded, 412, 0, 300, 9)));

        Assert.Equal((23, 4, 20), (counts[ConnectionPath.Direct].Established, counts[ConnectionPath.Direct].Other, counts[ConnectionPath.Direct].Clients));
        Assert.Equal(412, counts[ConnectionPath.Forwarded].Established);
        Assert.Equal((Noon, Noon.AddSeconds(1)), (counts[Role.Old].At, counts[Role.New].At));
    }

    [Fact]
    public void Between_lists_the_last_number_stands_and_new_ones_are_added()
    {
        var counts = LiveCounts.Empty(Mail)
            .With(Sample(Role.Old, 0, new PathSummary(ConnectionPath.Direct, 23, 0, 20, 2)))
            .With(Sample(Role.Old, 5, new PathSummary(ConnectionPath.Direct, null, null, null, 3)));

        var direct = counts[ConnectionPath.Direct];
        Assert.Equal((23, Noon, Noon.AddSeconds(5)), (direct.Established, direct.CountedAt, direct.LastNew));
        Assert.Equal(5, direct.PerMinute(Noon.AddSeconds(10)));
    }

    [Fact]
    public void The_rate_forgets_what_is_older_than_a_minute()
    {
        var counts = LiveCounts.Empty(Mail);
        for (var second = 0; second < 120; second++)
            counts = counts.With(Sample(Role.Old, second, new PathSummary(ConnectionPath.Direct, 1, 0, 1, 1)));

        Assert.Equal(60, counts[ConnectionPath.Direct].PerMinute(Noon.AddSeconds(119)));
        Assert.Equal(0, counts[ConnectionPath.Direct].PerMinute(Noon.AddSeconds(300)));
        Assert.InRange(counts[ConnectionPath.Direct].Recent.Count, 60, 61);
    }

    [Fact]
    public void Samples_of_other_migrations_and_late_ones_change_nothing()
    {
        var counts = LiveCounts.Empty(Mail).With(Sample(Role.Old, 10, new PathSummary(ConnectionPath.Direct, 5, 0, 5, 0)));

        Assert.Same(counts, counts.With(Sample(Role.Old, 9, new PathSummary(ConnectionPath.Direct, 6, 0, 6, 0))));
        Assert.Same(counts, counts.With(Sample(Role.Old, 11, new PathSummary(ConnectionPath.Direct, 6, 0, 6, 0)) with { Migration = Guid.NewGuid() }));
    }

    [Fact]
    public void A_summary_passes_through_a_notification_unchanged_and_is_small()
    {
        var sample = Sample(Role.Old, 0, new PathSummary(ConnectionPath.Direct, int.MaxValue, int.MaxValue, int.MaxValue, int.MaxValue), new PathSummary(ConnectionPath.Tail, null, null, null, 0)) with { Error = new('x', 200) };

        Assert.Equal(sample, SampleSummary.FromJson(sample.ToJson()));
        Assert.True(sample.ToJson().Length < 1000, sample.ToJson());
    }

    [Fact]
    public void Lines_that_arrive_together_keep_their_order_and_their_counts()
    {
        var end = SampledEnd.Of(Cases.Mail(), Role.Old)!;
        var track = new SampleTrack([end], new Dictionary<(Guid, AddressFamily), CounterMark>());

        var samples = new long[] { 10, 12, 15 }.SelectMany(outside => track.Next(Line(end, outside), Noon)).ToList();

        Assert.Equal([0, 2, 3], samples.Select(sample => sample.New[0].New));
        Assert.Equal(3, samples.Select(sample => sample.At).Distinct().Count());
        Assert.Equal(samples.Select(sample => sample.At).Order(), samples.Select(sample => sample.At));
    }

    private static SampleLine Line(SampledEnd end, long outside)
    {
        var counter = new CounterReading(AddressFamily.InterNetwork, "boot.1.0", ConnectionPath.Direct, outside, 0, 0);
        return new(Noon, TimeSpan.Zero, TimeSpan.Zero, TimeSpan.Zero, 0, 0, false, null, null, [new(end.Allocation.Key, [counter], [], [], false, [])]);
    }

    private static SampleSummary Sample(Role reporter, int second, params PathSummary[] paths) =>
        new(Mail, reporter, Noon.AddSeconds(second), paths.ToValueList(), 0, 100, 1000, null);
}
