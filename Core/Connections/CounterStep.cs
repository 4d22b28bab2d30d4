using System.Net.Sockets;
using MigrationDashboard.Core.Stages;

namespace MigrationDashboard.Core.Connections;

/// <summary>New connections of one family since the reading before.</summary>
/// <param name="Path">The path of <paramref name="New"/>.</param>
/// <param name="Link">New connections that came over the link, counted where they came in too: only good for comparing the two hosts.</param>
/// <param name="Held">Packets dropped by the hold.</param>
public sealed record NewConnections(AddressFamily Family, ConnectionPath Path, long New, long Link, long Held);

/// <summary>A reading of the counters and when it was taken, by the dashboard's clock.</summary>
public sealed record CounterMark(CounterReading Reading, DateTimeOffset At);

/// <summary>From two readings of counters to what happened in between.</summary>
/// <param name="Gapless">False when connections may have been missed, so that nobody may say “no new one since” about a time before.</param>
public sealed record CounterStep(NewConnections New, bool Gapless)
{
    /// <summary>
    /// Rules are replaced in one transaction, but what was counted between the last reading and that moment is lost with them. Readings are a second
    /// apart: a gap no longer than this loses what a busy second holds, which the next readings would show as well.
    /// </summary>
    public static readonly TimeSpan ShortGap = TimeSpan.FromSeconds(10);

    /// <param name="before">The last reading, from whichever node took it; null for the first ever, which counts nothing.</param>
    public static CounterStep Between(CounterMark? before, CounterMark now)
    {
        var (family, epoch, path, outside, link, held) = now.Reading;
        if (before is null)
            return new(new(family, path, 0, 0, 0), false);
        var last = before.Reading;
        // Kept on the host, so even a long gap loses nothing while the counters are the same.
        if (last.Epoch == epoch && outside >= last.Outside && link >= last.Link && held >= last.Held)
            return new(new(family, path, outside - last.Outside, link - last.Link, held - last.Held), true);
        return new(new(family, path, outside, link, held), now.At - before.At <= ShortGap);
    }
}
