using System.Collections.Concurrent;
using MigrationDashboard.Infrastructure.Connections;

namespace MigrationDashboard.Web.Live;

/// <summary>What a chart shows: how long a time, and in what stretches.</summary>
/// <param name="Fresh">How old what is drawn may be.</param>
/// <param name="Carry">For how long the last number stands where connections were not listed anew.</param>
public sealed record ChartSpan(string Name, TimeSpan Length, TimeSpan Resolution, TimeSpan Fresh, TimeSpan Carry)
{
    public static ChartSpan TenMinutes { get; } = new("10 minutes", TimeSpan.FromMinutes(10), TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(60));

    public static ChartSpan Hours { get; } = new("6 hours", TimeSpan.FromHours(6), TimeSpan.FromMinutes(1), TimeSpan.FromSeconds(30), TimeSpan.FromMinutes(2));

    public static ChartSpan Days { get; } = new("7 days", TimeSpan.FromDays(7), TimeSpan.FromMinutes(30), TimeSpan.FromMinutes(2), TimeSpan.FromMinutes(30));

    public static IReadOnlyList<ChartSpan> All { get; } = [TenMinutes, Hours, Days];

    /// <summary>From the beginning on, in whole hours, so that pages opened at different times share one drawing.</summary>
    public static ChartSpan Whole(DateTimeOffset since, DateTimeOffset now)
    {
        var length = TimeSpan.FromHours(Math.Max(1, Math.Ceiling((now - since).TotalHours)));
        var stretch = TimeSpan.FromMinutes(Math.Max(1, Math.Ceiling(length.TotalMinutes / 300)));
        return new("Whole migration", length, stretch, TimeSpan.FromMinutes(1), stretch * 2);
    }
}

/// <summary>Charts' lines, read and drawn once for all pages that show the same.</summary>
public sealed class ChartSeries(ConnectionHistory history, TimeProvider time)
{
    private readonly ConcurrentDictionary<(Guid Migration, ChartSpan Span), (DateTimeOffset At, Task<ChartLines> Lines)> _read = new();

    public Task<ChartLines> LinesAsync(Guid migration, ChartSpan span)
    {
        var now = time.GetUtcNow();
        foreach (var (key, value) in _read)
            if (now - value.At > key.Span.Fresh * 10)
                _read.TryRemove(key, out _);
        return _read.AddOrUpdate((migration, span), _ => (now, ReadAsync(migration, span, now)),
            (_, known) => now - known.At >= span.Fresh || known.Lines.IsFaulted ? (now, ReadAsync(migration, span, now)) : known).Lines;
    }

    private async Task<ChartLines> ReadAsync(Guid migration, ChartSpan span, DateTimeOffset now) =>
        ChartLines.Of(await history.SeriesAsync(migration, now - span.Length - span.Carry, now, span.Resolution, null, CancellationToken.None), now, span);
}
