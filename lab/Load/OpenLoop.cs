namespace MigrationDashboard.Load;

/// <summary>
/// A schedule fixed beforehand: slot k is due k/rate seconds after the start, whatever the servers do. A closed loop, which waits for
/// answers, would send less just when the servers are slow, and so hide the very seconds a cutover is judged by.
/// </summary>
/// <param name="perSecond">Slots a second; 0 for none.</param>
/// <param name="limit">How many slots there are in all.</param>
internal sealed class OpenLoop(double perSecond, long limit)
{
    private readonly long _limit = perSecond > 0 ? limit : 0;

    /// <summary>How many slots were taken so far.</summary>
    public long Taken { get; private set; }

    /// <summary>True when every slot was taken.</summary>
    public bool Exhausted => Taken >= _limit;

    /// <summary>The slots of a run of this length: those due before its end. A count bounds it further.</summary>
    public static OpenLoop For(double perSecond, TimeSpan duration, long? count)
    {
        var slots = (long)Math.Ceiling(Math.Round(perSecond * duration.TotalSeconds, 6));
        return new OpenLoop(perSecond, Math.Min(slots, count ?? long.MaxValue));
    }

    /// <summary>When the next slot is due, since the start of the run; null when there is none.</summary>
    public TimeSpan? NextDue => Exhausted ? null : TimeSpan.FromTicks((long)(Taken * TimeSpan.TicksPerSecond / perSecond));

    /// <summary>Takes the next slot if it is due. A caller that comes late takes all the slots it missed, one by one.</summary>
    /// <param name="elapsed">Time since the start of the run.</param>
    /// <param name="due">When the slot is, or was, due, since the start of the run.</param>
    public bool TryTake(TimeSpan elapsed, out TimeSpan due)
    {
        due = NextDue ?? TimeSpan.MaxValue;
        if (due > elapsed)
            return false;
        Taken++;
        return true;
    }
}
