namespace MigrationDashboard.Core.Stages;

/// <summary>When Drain and Tail count as over: few enough new direct connections for long enough (DESIGN §7).</summary>
/// <param name="MostNew">At most this many new connections by the path that should be empty …</param>
/// <param name="WithinMinutes">… in the last so many minutes. 0 waits for no connections; with no minutes after the TTL besides, the gate is always open.</param>
/// <param name="MinutesAfterTtl">And so many minutes since the old record's TTL ran out, where DNS is watched.</param>
public sealed record Gate(int MostNew = 0, int WithinMinutes = 10, int MinutesAfterTtl = 0)
{
    /// <param name="newConnections">New connections by the path that should be empty, with the time each sample was taken.</param>
    /// <param name="watchedSince">Since when there are samples: a gate cannot be met by not looking.</param>
    /// <param name="ttlOver">When the old record's TTL has run out everywhere; null when no record was seen to change.</param>
    public GateState Judge(IEnumerable<(DateTimeOffset At, long New)> newConnections, DateTimeOffset? watchedSince, DateTimeOffset? ttlOver, DateTimeOffset now)
    {
        var from = now - TimeSpan.FromMinutes(WithinMinutes);
        long count = 0;
        DateTimeOffset? last = null;
        foreach (var (at, @new) in newConnections)
        {
            if (@new <= 0)
                continue;
            if (at > from)
                count += @new;
            if (last is null || at > last)
                last = at;
        }

        if (WithinMinutes == 0 && MinutesAfterTtl == 0)
            return new(true, count, last, "it is set to wait for nobody");
        if (WithinMinutes > 0 && (watchedSince is null || watchedSince > from))
            return new(false, count, last, watchedSince is null ? "nothing has been counted yet" : $"counted for less than {WithinMinutes} minutes so far");
        if (count > MostNew)
            return new(false, count, last, $"{count} new in the last {WithinMinutes} minutes, at most {MostNew} wanted");
        if (ttlOver > now)
            return new(false, count, last, $"the old DNS record may be cached for {Remaining(ttlOver.Value - now)} more");
        if (ttlOver + TimeSpan.FromMinutes(MinutesAfterTtl) > now)
            return new(false, count, last, $"the old DNS record ran out less than {MinutesAfterTtl} {(MinutesAfterTtl == 1 ? "minute" : "minutes")} ago");
        return new(true, count, last, "no one to wait for");
    }

    /// <summary>A time to wait, in words, never too short.</summary>
    public static string Remaining(TimeSpan time) => time.TotalSeconds <= 90 ? $"{Math.Ceiling(time.TotalSeconds)} s" : $"{Math.Ceiling(time.TotalMinutes)} minutes";
}

/// <param name="New">New connections counted within the gate's time.</param>
/// <param name="LastNew">When the last new one came, null if none was seen.</param>
public sealed record GateState(bool Open, long New, DateTimeOffset? LastNew, string Reason);
