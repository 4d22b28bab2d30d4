using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace MigrationDashboard.Infrastructure.Postgres;

/// <summary>What a subscriber is told: that something changed, or that it must look at everything again.</summary>
/// <param name="Payload">As given to NOTIFY; empty for a resync.</param>
/// <param name="IsResync">
/// Read all you show anew. Comes first of all, once the subscription holds, and whenever notifications may have been missed: after the database was
/// away, or when the subscriber was too slow. What changes after that read is told.
/// </param>
public readonly record struct Notification(string Payload, bool IsResync);

/// <summary>Hands PostgreSQL's notifications to any number of subscribers in this process over one connection.</summary>
public sealed class Notifications(NpgsqlDataSource database, ILogger<Notifications> logger) : IAsyncDisposable
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(100);

    /// <summary>Between attempts while the database is away: pages are at most this late when it is back.</summary>
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(2);

    private readonly Lock _lock = new();
    private readonly Dictionary<string, HashSet<Subscription>> _subscriptions = [];
    private readonly HashSet<string> _listening = [];
    private readonly CancellationTokenSource _stopping = new();
    private CancellationTokenSource _wake = new();
    private Task? _running;

    /// <summary>Everything on the channel until the enumeration ends. The same payload waiting twice is given once.</summary>
    /// <param name="channel">Lower-case letters, digits and underscores.</param>
    public async IAsyncEnumerable<Notification> SubscribeAsync(string channel, [EnumeratorCancellation] CancellationToken cancellation)
    {
        if (channel.Length is 0 or > 63 || !channel.All(character => char.IsAsciiLetterLower(character) || char.IsAsciiDigit(character) || character == '_'))
            throw new ArgumentException($"“{channel}” is not a channel.");
        var subscription = new Subscription();
        Add(channel, subscription);
        try
        {
            while (true)
            {
                await subscription.WaitAsync(cancellation);
                while (subscription.Take() is { } notification)
                    yield return notification;
            }
        }
        finally
        {
            lock (_lock)
                _subscriptions[channel].Remove(subscription);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        if (_running is not null)
            await _running;
        _stopping.Dispose();
        _wake.Dispose();
    }

    private void Add(string channel, Subscription subscription)
    {
        lock (_lock)
        {
            if (!_subscriptions.TryGetValue(channel, out var others))
                _subscriptions[channel] = others = [];
            others.Add(subscription);
            _running ??= Task.Run(RunAsync);
            if (_listening.Contains(channel))
                subscription.Resync();
            else
                _ = _wake.CancelAsync(); // To listen to one more channel.
        }
    }

    private async Task RunAsync()
    {
        var pause = FirstPause;
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                await using var connection = await database.OpenConnectionAsync(_stopping.Token);
                connection.Notification += (_, told) => Tell(told.Channel, told.Payload);
                pause = FirstPause;
                await ListenAsync(connection);
            }
            catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
            {
                return;
            }
            catch (Exception problem)
            {
                lock (_lock)
                    _listening.Clear();
                logger.LogWarning("No notifications from the database, trying again: {Reason}", problem.Message);
                await Task.Delay(pause, _stopping.Token).ContinueWith(_ => { }, TaskScheduler.Default);
                pause = TimeSpan.FromTicks(Math.Min(LongestPause.Ticks, pause.Ticks * 2));
            }
        }
    }

    private async Task ListenAsync(NpgsqlConnection connection)
    {
        while (true)
        {
            string[] more;
            CancellationToken wake;
            lock (_lock)
            {
                if (_wake.IsCancellationRequested)
                {
                    _wake.Dispose();
                    _wake = new();
                }

                wake = _wake.Token;
                more = [.. _subscriptions.Keys.Except(_listening)];
            }

            foreach (var channel in more)
            {
                await using (var listen = new NpgsqlCommand($"LISTEN {channel}", connection))
                    await listen.ExecuteNonQueryAsync(_stopping.Token);
                lock (_lock)
                {
                    // Only now: what a subscriber reads from here on, and what is told from here on, leave no gap.
                    _listening.Add(channel);
                    foreach (var subscription in _subscriptions[channel])
                        subscription.Resync();
                }
            }

            using var wait = CancellationTokenSource.CreateLinkedTokenSource(wake, _stopping.Token);
            try
            {
                await connection.WaitAsync(wait.Token);
            }
            catch (OperationCanceledException) when (!_stopping.IsCancellationRequested)
            {
                // A channel more to listen to.
            }
        }
    }

    private void Tell(string channel, string payload)
    {
        lock (_lock)
        {
            if (!_subscriptions.TryGetValue(channel, out var subscriptions))
                return;
            foreach (var subscription in subscriptions)
                subscription.Offer(payload);
        }
    }

    /// <summary>What waits for one subscriber. Bounded: one that falls behind is told to read everything anew instead.</summary>
    private sealed class Subscription
    {
        // A page that shows fewer things than this never needs more.
        private const int Most = 256;

        private readonly Lock _lock = new();
        private readonly Queue<string> _order = new();
        private readonly HashSet<string> _waiting = [];
        private readonly Channel<bool> _signal = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
        private bool _resync;

        public void Resync()
        {
            lock (_lock)
            {
                _order.Clear();
                _waiting.Clear();
                _resync = true;
                Signal();
            }
        }

        public void Offer(string payload)
        {
            lock (_lock)
            {
                // Before a resync is taken nothing needs to be told: the read that follows it shows this too.
                if (_resync || !_waiting.Add(payload))
                    return;
                if (_order.Count == Most)
                {
                    Resync();
                    return;
                }

                _order.Enqueue(payload);
                Signal();
            }
        }

        public ValueTask<bool> WaitAsync(CancellationToken cancellation) => _signal.Reader.ReadAsync(cancellation);

        public Notification? Take()
        {
            lock (_lock)
            {
                if (_resync)
                {
                    _resync = false;
                    return new("", true);
                }

                if (!_order.TryDequeue(out var payload))
                    return null;
                _waiting.Remove(payload);
                return new(payload, false);
            }
        }

        private void Signal() => _signal.Writer.TryWrite(true);
    }
}
