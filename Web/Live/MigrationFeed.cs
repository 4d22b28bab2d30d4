using System.Threading.Channels;
using MigrationDashboard.Core.Connections;
using MigrationDashboard.Core.Stages;

namespace MigrationDashboard.Web.Live;

/// <summary>One migration, read anew when something is told of it, and handed to all who watch.</summary>
public sealed class MigrationFeed
{
    /// <summary>Pages are drawn at most four times a second: faster than that nobody reads.</summary>
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(250);

    /// <summary>Without news: so that "14 s ago" goes on, and a host that is silent is seen to be. The gate, which opens by time alone, is judged as often.</summary>
    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan PauseAfterError = TimeSpan.FromSeconds(1);

    private readonly Guid _id;
    private readonly MigrationReader _reader;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stopping;
    private readonly Lock _lock = new();
    private readonly List<SampleSummary> _samples = [];
    private readonly Channel<bool> _news = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly TaskCompletionSource _first = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _stale = true;
    private DateTimeOffset _judged;

    internal MigrationFeed(Guid id, MigrationReader reader, TimeProvider time, ILogger logger, CancellationToken stopping)
    {
        _id = id;
        _reader = reader;
        _time = time;
        _logger = logger;
        _stopping = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        _ = Task.Run(() => RunAsync(_stopping.Token), CancellationToken.None);
    }

    internal event Action? Changed;

    internal int Watchers { get; set; }

    public MigrationSnapshot? Current { get; private set; }

    public async Task<MigrationSnapshot?> FirstAsync(CancellationToken cancellation)
    {
        await _first.Task.WaitAsync(cancellation);
        return Current;
    }

    internal void Invalidate()
    {
        lock (_lock)
            _stale = true;
        _news.Writer.TryWrite(true);
    }

    internal void Add(SampleSummary sample)
    {
        lock (_lock)
            _samples.Add(sample);
        _news.Writer.TryWrite(true);
    }

    internal void Stop() => _stopping.Cancel();

    private async Task RunAsync(CancellationToken stopping)
    {
        try
        {
            while (true)
            {
                await StepAsync(stopping);
                await Task.Delay(Pace, _time, stopping);
                using var beat = CancellationTokenSource.CreateLinkedTokenSource(stopping);
                beat.CancelAfter(Heartbeat);
                try
                {
                    await _news.Reader.ReadAsync(beat.Token);
                }
                catch (OperationCanceledException) when (!stopping.IsCancellationRequested)
                {
                    // No news: time alone went on.
                }
            }
        }
        catch (OperationCanceledException)
        {
            _first.TrySetCanceled(CancellationToken.None);
        }
    }

    /// <summary>Counted from the beginning of the run on; what is told later of it is added.</summary>
    private long HeldBy(StageRun? run, List<SampleSummary> samples) =>
        run is null || !StageRights.IsCutover(run.Target, run.Direction) ? 0
        : (Current?.Running?.Id == run.Id ? Current.Held : 0) + samples.Where(sample => sample.At >= run.StartedAt).Sum(sample => sample.Held);

    private async Task StepAsync(CancellationToken stopping)
    {
        bool stale;
        List<SampleSummary> samples;
        lock (_lock)
        {
            (stale, _stale) = (_stale, false);
            samples = [.. _samples];
            _samples.Clear();
        }

        try
        {
            var next = stale ? await _reader.ReadAsync(_id, stopping) : Current;
            if (next is not null)
            {
                next = next with { Counts = samples.Aggregate(next.Counts, (counts, sample) => counts.With(sample)), Held = HeldBy(next.Running, samples) };
                if (stale || _time.GetUtcNow() - _judged >= Heartbeat)
                {
                    next = next with { Gate = await _reader.JudgeAsync(next, stopping) };
                    _judged = _time.GetUtcNow();
                }
            }

            Current = next;
            _first.TrySetResult();
            Changed?.Invoke();
        }
        catch (Exception problem) when (problem is not OperationCanceledException)
        {
            // The database is away for a moment, say: what is shown stays, and is read again.
            _logger.LogWarning("Migration {Migration} cannot be read for its pages, trying again: {Reason}", _id, problem.Message);
            await Task.Delay(PauseAfterError, _time, stopping);
            Invalidate();
        }
    }
}
