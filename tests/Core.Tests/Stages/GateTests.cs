using MigrationDashboard.Core.Dns;
using MigrationDashboard.Core.Stages;
using Xunit;

namespace MigrationDashboard.Core.Tests.Stages;

public sealed class GateTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData(30, false, "the old DNS record may be cached for 30 s more")]
    [InlineData(600, false, "the old DNS record may be cached for 10 minutes more")]
    [InlineData(-1, false, "the old DNS record ran out less than 5 minutes ago")]
    [InlineData(-300, true, "no one to wait for")]
    public void The_old_record_must_have_run_out_and_some_minutes_ago(int seconds, bool open, string reason)
    {
        var state = new Gate(WithinMinutes: 10, MinutesAfterTtl: 5).Judge([], Now.AddHours(-1), Now.AddSeconds(seconds), Now);
        Assert.Equal((open, reason), (state.Open, state.Reason));
    }

    [Fact]
    public void Without_a_record_that_changed_nothing_is_cached() => Assert.True(new Gate(WithinMinutes: 10, MinutesAfterTtl: 5).Judge([], Now.AddHours(-1), null, Now).Open);

    [Fact]
    public void A_gate_set_to_wait_for_nobody_does_not_say_that_nobody_calls()
    {
        var state = new Gate(0, 0, 0).Judge([(Now.AddSeconds(-1), 700)], null, Now.AddHours(1), Now);
        Assert.Equal((true, "it is set to wait for nobody"), (state.Open, state.Reason));
    }

    [Fact]
    public void Old_records_end_their_longest_TTL_after_the_first_resolver_told_of_the_change()
    {
        // The first one was asked at its source; the second had kept the record, and tells a shorter rest of its time.
        var mail = new[] { Watched("mail", "a", true, 0, 300), Watched("mail", "b", true, 290, 17), Watched("mail", "c", false, 5, 280) };
        Assert.Equal(Now.AddSeconds(300), WatchedName.OldRecordsEnd(mail));
        Assert.Equal(Now.AddSeconds(630), WatchedName.OldRecordsEnd([.. mail, Watched("www", "a", true, 600, 30)]));
    }

    [Fact]
    public void What_has_not_changed_and_what_was_never_elsewhere_does_not_make_anybody_wait()
    {
        Assert.Null(WatchedName.OldRecordsEnd([]));
        Assert.Null(WatchedName.OldRecordsEnd([Watched("mail", "a", false, 0, 300)]));
        Assert.Equal(Now, WatchedName.OldRecordsEnd([Watched("mail", "a", true, 0, null)]));
    }

    private static WatchedName Watched(string name, string resolver, bool leads, int since, int? oldTtl) => new(name, resolver, "203.0.113.20", 300, leads, Now.AddSeconds(since), oldTtl, Now);
}
