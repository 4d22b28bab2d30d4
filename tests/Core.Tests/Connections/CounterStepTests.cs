using System.Net.Sockets;
using MigrationDashboard.Core.Connections;
using MigrationDashboard.Core.Stages;
using Xunit;

namespace MigrationDashboard.Core.Tests.Connections;

public sealed class CounterStepTests
{
    private static readonly DateTimeOffset Noon = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void New_connections_are_the_growth_of_the_counter()
    {
        var step = CounterStep.Between(Mark(0, outside: 10, link: 5, held: 2), Mark(1, outside: 13, link: 5, held: 4));

        Assert.Equal(new NewConnections(AddressFamily.InterNetwork, ConnectionPath.Direct, 3, 0, 2), step.New);
        Assert.True(step.Gapless);
    }

    [Fact]
    public void The_first_reading_ever_counts_nothing_and_begins_the_watch()
    {
        var step = CounterStep.Between(null, Mark(0, outside: 10));

        Assert.Equal(0, step.New.New);
        Assert.False(step.Gapless);
    }

    [Fact]
    public void After_new_rules_all_the_counter_shows_is_new()
    {
        var step = CounterStep.Between(Mark(0, outside: 10), Mark(1, outside: 12, epoch: "boot.2.1", path: ConnectionPath.Tail));

        Assert.Equal((12, ConnectionPath.Tail), (step.New.New, step.New.Path));
        Assert.True(step.Gapless);
    }

    [Fact]
    public void A_counter_that_went_back_began_again_even_when_nothing_else_tells()
    {
        Assert.Equal(4, CounterStep.Between(Mark(0, outside: 10), Mark(1, outside: 4)).New.New);
        Assert.Equal(10, CounterStep.Between(Mark(0, outside: 10, link: 9), Mark(1, outside: 10, link: 0)).New.New);
    }

    [Fact]
    public void A_long_silence_loses_nothing_while_the_host_goes_on_counting()
    {
        var step = CounterStep.Between(Mark(0, outside: 10), Mark(3600, outside: 17));

        Assert.Equal(7, step.New.New);
        Assert.True(step.Gapless);
    }

    [Fact]
    public void A_long_silence_in_which_the_counters_began_again_breaks_the_watch() =>
        Assert.False(CounterStep.Between(Mark(0, outside: 10), Mark(60, outside: 11, epoch: "other.1.0")).Gapless);

    private static CounterMark Mark(int second, long outside, long link = 0, long held = 0, string epoch = "boot.1.0", ConnectionPath path = ConnectionPath.Direct) =>
        new(new(AddressFamily.InterNetwork, epoch, path, outside, link, held), Noon.AddSeconds(second));
}
