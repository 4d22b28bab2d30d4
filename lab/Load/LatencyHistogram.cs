using System.Numerics;

namespace MigrationDashboard.Load;

/// <summary>
/// Counts durations in microseconds in fixed memory (about 170 kB). Below 2,048 µs each microsecond has its own bucket; above, each power of
/// two is cut into 1,024 buckets, so a percentile is never too low and at most 0.1 % too high. The largest value is kept exactly.
/// </summary>
internal sealed class LatencyHistogram
{
    // 2^10 buckets for each power of two: 1/1024 is the 0.1 % promised above.
    private const int SubBits = 10;
    private const int Sub = 1 << SubBits;

    // 2^31 µs is 36 minutes, above every timeout the command line takes.
    private const long Largest = (1L << 31) - 1;
    private readonly long[] _counts = new long[Index(Largest) + 1];
    private long _max;

    /// <summary>How many durations were recorded.</summary>
    public long Count { get; private set; }

    public void Record(TimeSpan duration)
    {
        var micros = Math.Max(0, (long)duration.TotalMicroseconds);
        _counts[Index(Math.Min(micros, Largest))]++;
        _max = Math.Max(_max, micros);
        Count++;
    }

    /// <summary>The value that the given share of all durations do not pass (nearest rank); zero without durations.</summary>
    /// <param name="share">Over 0, up to 1.</param>
    public TimeSpan Percentile(double share)
    {
        if (Count == 0)
            return TimeSpan.Zero;
        var rank = Math.Max(1, (long)Math.Ceiling(share * Count));
        long seen = 0;
        var index = 0;
        while ((seen += _counts[index]) < rank)
            index++;
        return TimeSpan.FromMicroseconds(Math.Min(UpperEnd(index), _max));
    }

    /// <summary>The largest duration recorded; zero without durations.</summary>
    public TimeSpan Max => TimeSpan.FromMicroseconds(_max);

    private static int Index(long micros)
    {
        if (micros < 2 * Sub)
            return (int)micros;
        var shift = BitOperations.Log2((ulong)micros) - SubBits;
        return (int)((micros >> shift) + ((long)shift << SubBits));
    }

    private static long UpperEnd(int index)
    {
        if (index < 2 * Sub)
            return index;
        var shift = (index >> SubBits) - 1;
        var lower = (long)(index - (shift << SubBits)) << shift;
        return lower + (1L << shift) - 1;
    }
}
