namespace MigrationDashboard.Load.Tests;

public sealed class OpenLoopTests
{
    private static int TakeAll(OpenLoop loop, double seconds)
    {
        var taken = 0;
        while (loop.TryTake(TimeSpan.FromSeconds(seconds), out _))
            taken++;
        return taken;
    }

    [Theory]
    [InlineData(300, 60, 18_000)]
    [InlineData(0.5, 3, 2)]
    [InlineData(3, 0.1, 1)]
    [InlineData(0.1, 10, 1)]
    [InlineData(0, 60, 0)]
    public void A_run_has_as_many_slots_as_are_due_before_its_end(double rate, double seconds, int slots) =>
        Assert.Equal(slots, TakeAll(OpenLoop.For(rate, TimeSpan.FromSeconds(seconds), null), 3600));

    [Fact]
    public void A_count_ends_the_slots_earlier() =>
        Assert.Equal(7, TakeAll(OpenLoop.For(100, TimeSpan.FromSeconds(60), 7), 3600));

    [Fact]
    public void Nothing_is_taken_before_it_is_due()
    {
        var loop = OpenLoop.For(4, TimeSpan.FromSeconds(60), null);
        Assert.Equal(1, TakeAll(loop, 0.2499));
        Assert.Equal(1, TakeAll(loop, 0.25));
    }

    [Fact]
    public void Slots_missed_by_a_late_caller_are_all_made_up_for_and_keep_their_own_due_times()
    {
        var loop = OpenLoop.For(100, TimeSpan.FromSeconds(60), null);
        TakeAll(loop, 0);
        var due = new List<double>();
        while (loop.TryTake(TimeSpan.FromSeconds(0.05), out var time))
            due.Add(time.TotalMilliseconds);
        Assert.Equal([10, 20, 30, 40, 50], due);
    }

    [Fact]
    public void The_schedule_does_not_drift_at_a_rate_that_does_not_divide_the_clock()
    {
        var loop = OpenLoop.For(300, TimeSpan.FromSeconds(3600), null);
        var last = TimeSpan.Zero;
        while (loop.TryTake(TimeSpan.FromSeconds(3600), out var due))
            last = due;
        Assert.Equal(3600 - 1.0 / 300, last.TotalSeconds, 6);
    }
}
