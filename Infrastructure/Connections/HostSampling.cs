using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using MigrationDashboard.Core.Connections;
using MigrationDashboard.Core.HostScripts;
using MigrationDashboard.Infrastructure.Ssh;
using Npgsql;

namespace MigrationDashboard.Infrastructure.Connections;

/// <summary>Counts on one host for as long as the lease is ours: reads the sampler's lines, starts it again when it ends, and stores what it says.</summary>
internal sealed class HostSampling : IAsyncDisposable
{
    /// <summary>An hour without a database, some 50 MB with a hundred clients in each line; what is counted after that pushes the oldest out.</summary>
    private const int MostKept = 3600;

    /// <summary>One transaction's worth: a backlog is written in portions.</summary>
    private const int MostAtOnce = 50;

    /// <summary>The first line lists connections, which may take long on an old kernel without the conntrack tool.</summary>
    private static readonly TimeSpan FirstLine = TimeSpan.FromMinutes(2);

    /// <summary>Lines come every second; besides, a pass may take three times as long as the one before.</summary>
    private static readonly TimeSpan LinesStop = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan LongestBackOff = TimeSpan.FromSeconds(30);

    private readonly IHostLines _hosts;
    private readonly SampleStore _store;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Channel<ConnectionSample> _samples = Channel.CreateBounded<ConnectionSample>(new BoundedChannelOptions(MostKept) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true });
    private readonly Task _run;

    public HostSampling(SampledHost host, SamplerLease lease, IHostLines hosts, SampleStore store, TimeProvider time, ILogger logger)
    {
        (Host, Lease, _hosts, _store, _time, _logger) = (host, lease, hosts, store, time, logger);
        _run = Task.Run(RunAsync);
    }

    public SampledHost Host { get; }

    public SamplerLease Lease { get; }

    /// <summary>False once another node has taken over.</summary>
    public bool IsRunning => !_run.IsCompleted;

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _run;
        _stopping.Dispose();
    }

    private async Task RunAsync()
    {
        try
        {
            var marks = await RetryAsync(() => _store.MarksAsync(Host.Ends, _stopping.Token));
            var (reading, writing) = (ReadAsync(new SampleTrack(Host.Ends, marks)), WriteAsync());
            await Task.WhenAny(reading, writing);
            await _stopping.CancelAsync();
            await Task.WhenAll(reading, writing);
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            // The way a stop is told.
        }
        catch (LeaseLostException problem)
        {
            _logger.LogInformation("{Reason}", problem.Message);
        }
        catch (Exception problem)
        {
            // The next round starts it again.
            _logger.LogError(problem, "Counting connections on server {Server} ended.", Host.Server);
        }
    }

    private async Task ReadAsync(SampleTrack track)
    {
        var script = SampleScript.Render(Host.Ends, TimeSpan.FromHours(1));
        var backOff = TimeSpan.FromSeconds(1);
        while (true)
        {
            var lines = 0;
            string problem;
            try
            {
                await foreach (var sample in LinesAsync(script, track))
                {
                    lines++;
                    await _samples.Writer.WriteAsync(sample, _stopping.Token);
                }

                problem = "the sampler ended";
            }
            catch (Exception failed) when (failed is SshFailure or TimeoutException or InvalidDataException or KeyNotFoundException or IOException or NpgsqlException)
            {
                problem = failed.Message;
            }

            // After a good while it is a new trouble, or just the end of its hour.
            backOff = lines > 30 ? TimeSpan.FromSeconds(1) : backOff;
            _logger.LogWarning("Connections on server {Server} are not counted: {Problem}. Again in {Seconds} s.", Host.Server, problem, backOff.TotalSeconds);
            await ReportAsync(problem);
            await Task.Delay(backOff, _time, _stopping.Token);
            backOff = backOff * 2 < LongestBackOff ? backOff * 2 : LongestBackOff;
        }
    }

    private async IAsyncEnumerable<ConnectionSample> LinesAsync(string script, SampleTrack track)
    {
        using var silence = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token);
        silence.CancelAfter(FirstLine);
        var bad = 0;
        await using var lines = _hosts.RunAsync(Host.Server, script, silence.Token).GetAsyncEnumerator(silence.Token);
        while (await MovesAsync(lines))
        {
            var (line, error) = SampleLineReader.Read(lines.Current, track.Ends);
            if (line is null)
            {
                _logger.LogWarning("A line of server {Server}'s sampler was thrown away: {Error}.", Host.Server, error);
                if (++bad == 20)
                    throw new InvalidDataException($"the host does not print what the sampler should: {error}");
                continue;
            }

            bad = 0;
            silence.CancelAfter(LinesStop + (line.Pass * 3));
            foreach (var sample in track.Next(line, _time.GetUtcNow()))
                yield return sample;
        }

        async Task<bool> MovesAsync(IAsyncEnumerator<string> from)
        {
            try
            {
                return await from.MoveNextAsync();
            }
            catch (OperationCanceledException) when (!_stopping.IsCancellationRequested)
            {
                throw new TimeoutException("the host has gone silent");
            }
        }
    }

    private async Task WriteAsync()
    {
        while (await _samples.Reader.WaitToReadAsync(_stopping.Token))
        {
            var portion = new List<ConnectionSample>();
            while (portion.Count < MostAtOnce && _samples.Reader.TryRead(out var sample))
                portion.Add(sample);
            await RetryAsync(async () =>
            {
                try
                {
                    await _store.WriteAsync(Lease, portion, _stopping.Token);
                }
                catch (PostgresException problem) when (!problem.IsTransient && problem.SqlState.StartsWith("23", StringComparison.Ordinal))
                {
                    // Integrity: the migration was deleted meanwhile. The next round no longer counts it.
                    _logger.LogInformation("Samples of server {Server} were thrown away: {Reason}.", Host.Server, problem.MessageText);
                }

                return true;
            });
        }
    }

    /// <summary>A problem is good to know and no more: it is not worth waiting for the database.</summary>
    private async Task ReportAsync(string problem)
    {
        try
        {
            await _store.WriteProblemAsync(Host.Ends, problem, _stopping.Token);
        }
        catch (NpgsqlException failed)
        {
            _logger.LogInformation("The problem was not stored: {Reason}", failed.Message);
        }
    }

    /// <summary>Again every second until the database is back.</summary>
    private async Task<T> RetryAsync<T>(Func<Task<T>> work)
    {
        while (true)
        {
            try
            {
                return await work();
            }
            catch (Exception problem) when (problem is NpgsqlException or TimeoutException or IOException)
            {
                _logger.LogInformation("The database does not answer: {Reason}", problem.Message);
                await Task.Delay(TimeSpan.FromSeconds(1), _time, _stopping.Token);
            }
        }
    }
}
