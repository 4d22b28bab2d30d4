using System.Collections.Concurrent;
using System.Diagnostics;

namespace MigrationDashboard.Bench.Viewing;

/// <summary>A page of which the big number is read from what the server sends it.</summary>
internal sealed class WatchedPage : IAsyncDisposable
{
    private readonly ConcurrentDictionary<long, DateTimeOffset> _seen = new();
    private LightPage? _page;

    /// <summary>The highest so far.</summary>
    public long Shown { get; private set; }

    public long Batches => _page!.Batches;

    public long Bytes => _page!.Bytes;

    public Exception? Failure => _page!.Failure;

    public static async Task<WatchedPage> OpenAsync(Visitor visitor, string path)
    {
        var watched = new WatchedPage { _page = await LightPage.OpenAsync(visitor, path) };
        watched._page.Drawn += watched.Read;
        return watched;
    }

    /// <returns>When this number or a higher one was first shown; null if it was not until then.</returns>
    public async Task<DateTimeOffset?> WhenAsync(long number, DateTimeOffset latest)
    {
        while (Shown < number && DateTimeOffset.UtcNow < latest)
            await Task.Delay(20);
        return _seen.Where(pair => pair.Key >= number).Select(pair => (DateTimeOffset?)pair.Value).Min();
    }

    public ValueTask DisposeAsync() => _page!.DisposeAsync();

    /// <summary>Strings of a batch have their length in front: five characters, a digit, a comma and three digits are the number with its thousands.</summary>
    private void Read(long arrived, ReadOnlyMemory<byte> batch)
    {
        var bytes = batch.Span;
        for (var at = 0; at + 6 <= bytes.Length; at++)
        {
            if (bytes[at] != 5 || bytes[at + 2] != ',' || !Digit(bytes[at + 1]) || !Digit(bytes[at + 3]) || !Digit(bytes[at + 4]) || !Digit(bytes[at + 5]))
                continue;
            var number = ((bytes[at + 1] - '0') * 1000L) + ((bytes[at + 3] - '0') * 100) + ((bytes[at + 4] - '0') * 10) + (bytes[at + 5] - '0');
            if (number <= Shown)
                continue;
            _seen.TryAdd(number, DateTimeOffset.UtcNow - Stopwatch.GetElapsedTime(arrived));
            Shown = number;
        }

        static bool Digit(byte one) => one is >= (byte)'0' and <= (byte)'9';
    }
}
