using System.Text.Json;
using MigrationDashboard.Core.Connections;
using MigrationDashboard.Infrastructure.Connections;
using MigrationDashboard.Infrastructure.Migrations;
using MigrationDashboard.Infrastructure.Postgres;

namespace MigrationDashboard.Web.Live;

/// <summary>
/// Migrations as they change, for any number of pages: what is watched is read once a change, not once a page.
/// </summary>
public sealed class MigrationFeeds(Notifications notifications, MigrationReader reader, TimeProvider time, ILogger<MigrationFeeds> logger) : IAsyncDisposable
{
    /// <summary>How long a migration that nobody watches is kept: from the page's first drawing by the server to its live one, and over a reload.</summary>
    private static readonly TimeSpan Linger = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private readonly Dictionary<Guid, MigrationFeed> _feeds = [];
    private readonly CancellationTokenSource _stopping = new();
    private Task? _listening;

    /// <summary>Raised when any migration changed, also one that nobody watches; not for counts. From any thread, and often.</summary>
    public event Action? AnyChanged;

    /// <param name="changed">Called from any thread, at most four times a second.</param>
    public MigrationWatch Watch(Guid migration, Action changed)
    {
        lock (_lock)
        {
            _listening ??= Task.WhenAll(ListenAsync(MigrationStore.Channel, HearChange), ListenAsync(SampleStore.Channel, HearCounts));
            if (!_feeds.TryGetValue(migration, out var feed))
                _feeds[migration] = feed = new(migration, reader, time, logger, _stopping.Token);
            feed.Watchers++;
            feed.Changed += changed;
            return new(feed, () => Leave(migration, feed, changed));
        }
    }

    /// <summary>Makes sure that <see cref="AnyChanged"/> is raised, also while nothing is watched.</summary>
    public void Listen()
    {
        lock (_lock)
            _listening ??= Task.WhenAll(ListenAsync(MigrationStore.Channel, HearChange), ListenAsync(SampleStore.Channel, HearCounts));
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        if (_listening is { } listening)
            await listening;
        _stopping.Dispose();
    }

    private void Leave(Guid migration, MigrationFeed feed, Action changed)
    {
        lock (_lock)
        {
            feed.Changed -= changed;
            if (--feed.Watchers > 0)
                return;
        }

        _ = Task.Delay(Linger, time).ContinueWith(_ =>
        {
            lock (_lock)
            {
                if (feed.Watchers > 0 || !_feeds.TryGetValue(migration, out var current) || current != feed)
                    return;
                _feeds.Remove(migration);
            }

            feed.Stop();
        }, TaskScheduler.Default);
    }

    private async Task ListenAsync(string channel, Action<Notification> hear)
    {
        try
        {
            await foreach (var notification in notifications.SubscribeAsync(channel, _stopping.Token))
                hear(notification);
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            // The dashboard stops.
        }
    }

    private void HearChange(Notification notification)
    {
        if (notification.IsResync)
            ForAll(feed => feed.Invalidate());
        else if (Guid.TryParse(notification.Payload, out var id))
            Find(id)?.Invalidate();
        AnyChanged?.Invoke();
    }

    private void HearCounts(Notification notification)
    {
        if (notification.IsResync)
            ForAll(feed => feed.Invalidate());
        else
            try
            {
                var sample = SampleSummary.FromJson(notification.Payload);
                Find(sample.Migration)?.Add(sample);
            }
            catch (JsonException problem)
            {
                logger.LogWarning("A count that is none of ours: {Reason}", problem.Message);
            }
    }

    private MigrationFeed? Find(Guid id)
    {
        lock (_lock)
            return _feeds.GetValueOrDefault(id);
    }

    private void ForAll(Action<MigrationFeed> what)
    {
        List<MigrationFeed> all;
        lock (_lock)
            all = [.. _feeds.Values];
        all.ForEach(what);
    }
}

/// <summary>One page's look at a migration; disposed with the page.</summary>
public sealed class MigrationWatch(MigrationFeed feed, Action leave) : IDisposable
{
    private Action? _leave = leave;

    /// <summary>Null until the first read, and when there is no such migration.</summary>
    public MigrationSnapshot? Current => feed.Current;

    /// <returns>Null when there is no such migration.</returns>
    public Task<MigrationSnapshot?> FirstAsync(CancellationToken cancellation) => feed.FirstAsync(cancellation);

    public void Dispose() => Interlocked.Exchange(ref _leave, null)?.Invoke();
}
