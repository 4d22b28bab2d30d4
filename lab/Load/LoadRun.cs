using System.Diagnostics;
using System.Net;
using System.Text.Json;

namespace MigrationDashboard.Load;

/// <summary>This program failed, not the servers: there is no summary that could be trusted.</summary>
internal sealed class LoadFaultException(Exception fault) : Exception("the load generator itself failed", fault);

/// <summary>One run: begins what is due by the clock until its end, then waits for what is under way.</summary>
internal sealed class LoadRun : IDisposable
{
    // Thread.Sleep knows whole milliseconds: this is the lateness a quiet machine shows.
    private static readonly TimeSpan ShortestSleep = TimeSpan.FromMilliseconds(1);

    // With nothing due soon: how late a signal may be noticed.
    private static readonly TimeSpan LongestSleep = TimeSpan.FromMilliseconds(10);

    private static readonly TimeSpan StopFileInterval = TimeSpan.FromMilliseconds(100);

    // Opened as fast as possible, a thousand sessions would overrun a listener's backlog (4,096 by default, Postfix's is 100).
    private const double SessionsOpenedPerSecond = 200;

    // After abort everything ends by itself as soon as it gets a thread.
    private static readonly TimeSpan AbortWait = TimeSpan.FromSeconds(5);

    private readonly LoadOptions _options;
    private readonly TextWriter _progress;
    private readonly Tally _tally;
    private readonly MailLog? _mailLog;
    private readonly CancellationTokenSource _stopSessions = new();
    private readonly CancellationTokenSource _abort = new();
    private readonly Rotation _connectionTargets;
    private readonly Rotation _mailTargets;
    private readonly Rotation _sessionTargets;
    private volatile string? _stopReason;
    private volatile Exception? _fault;
    private int _running;
    private TimeSpan _nextProgress = TimeSpan.FromSeconds(1);
    private TimeSpan _nextLookForStopFile;
    private long _mailNumber;

    /// <param name="options">What to do.</param>
    /// <param name="progress">Gets a line a second when the options ask for it.</param>
    /// <exception cref="IOException">The mail log can't be written.</exception>
    public LoadRun(LoadOptions options, TextWriter progress)
    {
        _options = options;
        _progress = progress;
        _tally = new Tally(options.Targets, TimeProvider.System);
        _connectionTargets = new Rotation(options.Targets, options);
        _mailTargets = new Rotation([.. options.Targets.Where(target => target.Kind == TargetKind.Smtp)], options);
        _sessionTargets = new Rotation([.. options.Targets.Where(target => !target.IsDatagrams)], options);
        _mailLog = options.MailLog is null ? null : new MailLog(options.MailLog);
    }

    /// <summary>Asks for an orderly end; asked again, or while the run is finishing, ends what is under way at once. From any thread.</summary>
    public void Stop(string reason)
    {
        if (_stopReason is not null)
            _abort.Cancel();
        _stopReason ??= reason;
    }

    /// <summary>Does the whole run on the calling thread, which paces it; the dialogs run on the thread pool.</summary>
    /// <exception cref="LoadFaultException">This program itself failed, for one because the disk of the mail log is full.</exception>
    public Summary Execute()
    {
        var started = DateTimeOffset.UtcNow;
        var clock = Stopwatch.StartNew();
        var endedBy = Pace(clock);
        // From here on a signal asks for the second time.
        _stopReason = endedBy;
        _stopSessions.Cancel();
        // Each dialog has deadlines of its own; this one is for the sum of them.
        Drain(clock, clock.Elapsed + _options.ConnectTimeout + _options.Timeout + AbortWait);
        _abort.Cancel();
        Drain(clock, clock.Elapsed + AbortWait);
        if (_fault is not null)
            throw new LoadFaultException(_fault);
        if (Volatile.Read(ref _running) is > 0 and var left)
            throw new LoadFaultException(new TimeoutException($"{left} dialogs did not end {AbortWait.TotalSeconds} s after they were aborted"));
        return _tally.Summary(_options.Run, started, clock.Elapsed, endedBy, Environment.CpuUsage.TotalTime);
    }

    public void Dispose()
    {
        _mailLog?.Dispose();
        _stopSessions.Dispose();
        _abort.Dispose();
    }

    private string Pace(Stopwatch clock)
    {
        var connections = OpenLoop.For(_options.Rate, _options.Duration, _options.Count);
        var mails = OpenLoop.For(_options.MailRate, _options.Duration, _options.Count);
        var sessions = new OpenLoop(SessionsOpenedPerSecond, _options.Sessions);
        while (true)
        {
            if (_stopReason is { } reason)
                return reason;
            if (_fault is not null)
                return "fault";
            var elapsed = clock.Elapsed;
            while (sessions.TryTake(elapsed, out _))
                StartSession();
            while (connections.TryTake(elapsed, out var due))
                StartConnection(due, clock.Elapsed);
            while (mails.TryTake(elapsed, out var due))
                StartMail(due, clock.Elapsed);
            if (_options.Count is not null && connections.Exhausted && mails.Exhausted && sessions.Exhausted)
                return "count";
            if (elapsed >= _options.Duration)
                return "duration";
            Report(elapsed);
            LookForStopFile(elapsed);
            Thread.Sleep(SleepUntilNext(clock.Elapsed, connections, mails, sessions));
        }
    }

    private static TimeSpan SleepUntilNext(TimeSpan elapsed, params ReadOnlySpan<OpenLoop> loops)
    {
        var sleep = LongestSleep;
        foreach (var loop in loops)
        {
            if (loop.NextDue is { } due && due - elapsed < sleep)
                sleep = due - elapsed;
        }

        return sleep > ShortestSleep ? sleep : ShortestSleep;
    }

    private void Drain(Stopwatch clock, TimeSpan until)
    {
        while (Volatile.Read(ref _running) > 0 && clock.Elapsed < until)
        {
            Report(clock.Elapsed);
            Thread.Sleep(LongestSleep);
        }
    }

    private void StartConnection(TimeSpan due, TimeSpan now)
    {
        var (target, source) = _connectionTargets.Next();
        _tally.ConnectionStarted(target, due, now);
        Watch(ConnectionAsync());

        async Task ConnectionAsync() => _tally.ConnectionEnded(target, due, await Whoami.CallAsync(target, source, _options, _abort.Token));
    }

    private void StartMail(TimeSpan due, TimeSpan now)
    {
        var (target, source) = _mailTargets.Next();
        var id = $"{_options.Run}-{++_mailNumber}";
        _tally.MailStarted(due, now);
        Watch(MailAsync());

        async Task MailAsync()
        {
            var result = await Delivery.DeliverAsync(target, source, id, accepted => _mailLog?.Write(accepted), _options, _abort.Token);
            _tally.MailEnded(target, source, result);
        }
    }

    private void StartSession()
    {
        var (target, source) = _sessionTargets.Next();
        Watch(LongSession.RunAsync(target, source, _options, _tally, _stopSessions.Token, _abort.Token));
    }

    /// <summary>What goes wrong on the network is counted inside; an exception that comes here is this program's own.</summary>
    private void Watch(Task task)
    {
        Interlocked.Increment(ref _running);
        task.ContinueWith(
            ended =>
            {
                _fault ??= ended.Exception;
                Interlocked.Decrement(ref _running);
            },
            CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    private void Report(TimeSpan elapsed)
    {
        if (!_options.Progress || elapsed < _nextProgress)
            return;
        _progress.WriteLine(JsonSerializer.Serialize(_tally.Progress(elapsed), SummaryJson.Default.Progress));
        _nextProgress = TimeSpan.FromSeconds(Math.Floor(elapsed.TotalSeconds) + 1);
    }

    private void LookForStopFile(TimeSpan elapsed)
    {
        if (_options.StopFile is null || elapsed < _nextLookForStopFile)
            return;
        _nextLookForStopFile = elapsed + StopFileInterval;
        if (File.Exists(_options.StopFile))
            _stopReason ??= "stop-file";
    }
}
