using System.Net;

namespace MigrationDashboard.Load;

/// <summary>Counts what happens, from all threads, and sums it up. One lock: a few thousand short entries a second.</summary>
/// <param name="targets">All targets, so that one never called shows with zeros.</param>
/// <param name="clock">For the times in examples.</param>
internal sealed class Tally(IReadOnlyList<Target> targets, TimeProvider clock)
{
    private const int MostWrongSourceExamples = 10;
    private const int MostFailureExamples = 20;

    private sealed class Counts
    {
        public long Attempted, Ok, Failed, WrongSource;
        public TimeSpan? SlowestConnect;
        public TargetSummary Target => new(Attempted, Ok, Failed, WrongSource);
    }

    private readonly Lock _lock = new();
    private readonly Counts _all = new();
    private readonly Dictionary<string, Counts> _byTarget = targets.DistinctBy(target => target.Name).ToDictionary(target => target.Name, _ => new Counts());
    private readonly List<Counts> _bySecond = [];
    private readonly long[] _failures = new long[Enum.GetValues<FailureReason>().Length];
    private readonly long[] _mailFailures = new long[Enum.GetValues<FailureReason>().Length];
    private readonly long[] _sessionFailures = new long[Enum.GetValues<FailureReason>().Length];
    private readonly LatencyHistogram _connect = new();
    private readonly LatencyHistogram _total = new();
    private readonly LatencyHistogram _late = new();
    private readonly LatencyHistogram _mailTotal = new();
    private readonly List<WrongSourceExample> _wrongSources = [];
    private readonly List<FailureExample> _examples = [];
    private long _sessionsOpened, _sessionsNotOpened, _sessionsBroken, _sessionsEnded, _sessionChecks, _sessionWrongSource;
    private long _mailAttempted, _mailAccepted, _mailFailed, _mailUncertain, _inFlight, _inFlightMax;

    /// <param name="due">When it was due, since the start of the run.</param>
    /// <param name="now">When it is begun.</param>
    public void ConnectionStarted(Target target, TimeSpan due, TimeSpan now)
    {
        lock (_lock)
        {
            Started(due, now);
            foreach (var counts in Of(target, due))
                counts.Attempted++;
        }
    }

    /// <param name="due">As given to <see cref="ConnectionStarted"/>.</param>
    public void ConnectionEnded(Target target, TimeSpan due, CallResult result)
    {
        lock (_lock)
        {
            _inFlight--;
            foreach (var counts in Of(target, due))
            {
                if (result.WrongSource)
                    counts.WrongSource++;
                else if (result.Failure is null)
                    counts.Ok++;
                else
                    counts.Failed++;
                if (result.Connect > (counts.SlowestConnect ?? TimeSpan.MinValue))
                    counts.SlowestConnect = result.Connect;
            }

            if (result.Connect is { } connect)
                _connect.Record(connect);
            if (result.Failure is null)
                _total.Record(result.Total);
            if (result.WrongSource)
                WrongSource("connection", target, result.Expected!, result.Seen!);
            else if (result.Failure is { } reason)
                Failed(_failures, "connection", target, result.Expected, reason, result.Detail);
        }
    }

    public void MailStarted(TimeSpan due, TimeSpan now)
    {
        lock (_lock)
        {
            Started(due, now);
            _mailAttempted++;
        }
    }

    public void MailEnded(Target target, IPAddress? source, DeliveryResult result)
    {
        lock (_lock)
        {
            _inFlight--;
            if (result.Accepted)
            {
                _mailAccepted++;
                _mailTotal.Record(result.Total);
                return;
            }

            _mailFailed++;
            _mailUncertain += result.Uncertain ? 1 : 0;
            Failed(_mailFailures, "mail", target, source, result.Failure!.Value, result.Detail);
        }
    }

    /// <summary>A session got its banner.</summary>
    public void SessionOpened()
    {
        lock (_lock)
            _sessionsOpened++;
    }

    /// <summary>A session's question was answered.</summary>
    public void SessionChecked(Target target, IPAddress expected, IPAddress seen)
    {
        lock (_lock)
        {
            _sessionChecks++;
            if (SmtpReply.SameAddress(expected, seen))
                return;
            _sessionWrongSource++;
            WrongSource("session", target, expected, seen);
        }
    }

    /// <param name="failure">Null for a session that ended because it was told to.</param>
    public void SessionEnded(Target target, IPAddress? source, bool opened, (FailureReason Reason, string Detail)? failure)
    {
        lock (_lock)
        {
            _sessionsEnded += opened ? 1 : 0;
            if (failure is not { } why)
                return;
            _sessionsBroken += opened ? 1 : 0;
            _sessionsNotOpened += opened ? 0 : 1;
            Failed(_sessionFailures, "session", target, source, why.Reason, why.Detail);
        }
    }

    public Progress Progress(TimeSpan elapsed)
    {
        lock (_lock)
        {
            return new Progress(
                (long)elapsed.TotalSeconds, _all.Attempted, _all.Ok, _all.Failed, _all.WrongSource, _inFlight,
                _sessionsOpened - _sessionsEnded, _sessionsBroken, _mailAttempted, _mailAccepted, _mailFailed);
        }
    }

    /// <param name="started">Start of the run.</param>
    /// <param name="cpu">Processor time used.</param>
    public Summary Summary(string run, DateTimeOffset started, TimeSpan elapsed, string endedBy, TimeSpan cpu)
    {
        lock (_lock)
        {
            return new Summary(
                run, Iso(started), elapsed.TotalSeconds, endedBy, cpu.TotalMilliseconds, _inFlightMax,
                _all.Attempted, _all.Ok, _all.Failed, ByReason(_failures), _all.WrongSource, [.. _wrongSources],
                new SortedDictionary<string, TargetSummary>(_byTarget.ToDictionary(pair => pair.Key, pair => pair.Value.Target), StringComparer.Ordinal),
                Latencies.Of(_connect), Latencies.Of(_total), Latencies.Of(_late),
                new SessionSummary(
                    _sessionsOpened, _sessionsNotOpened, _sessionsBroken, _sessionChecks, _sessionWrongSource, ByReason(_sessionFailures)),
                new MailSummary(_mailAttempted, _mailAccepted, _mailFailed, _mailUncertain, ByReason(_mailFailures), Latencies.Of(_mailTotal)),
                [.. _bySecond.Select((second, t) => new SecondSummary(
                    t, second.Attempted, second.Ok, second.Failed, second.WrongSource, second.SlowestConnect?.TotalMilliseconds))],
                [.. _examples]);
        }
    }

    private void Started(TimeSpan due, TimeSpan now)
    {
        _late.Record(now - due);
        _inFlightMax = Math.Max(_inFlightMax, ++_inFlight);
    }

    private ReadOnlySpan<Counts> Of(Target target, TimeSpan due)
    {
        var second = (int)due.TotalSeconds;
        while (_bySecond.Count <= second)
            _bySecond.Add(new Counts());
        return new[] { _all, _byTarget[target.Name], _bySecond[second] };
    }

    private void WrongSource(string kind, Target target, IPAddress expected, IPAddress seen)
    {
        if (_wrongSources.Count < MostWrongSourceExamples)
            _wrongSources.Add(new WrongSourceExample(kind, expected.ToString(), seen.ToString(), target.Name, Iso(clock.GetUtcNow())));
    }

    private void Failed(long[] counts, string kind, Target target, IPAddress? source, FailureReason reason, string detail)
    {
        counts[(int)reason]++;
        if (_examples.Count < MostFailureExamples)
            _examples.Add(new FailureExample(kind, Iso(clock.GetUtcNow()), target.Name, source?.ToString(), reason.Key(), detail));
    }

    private static SortedDictionary<string, long> ByReason(long[] counts)
    {
        var byReason = new SortedDictionary<string, long>(StringComparer.Ordinal);
        foreach (var reason in Enum.GetValues<FailureReason>())
            byReason[reason.Key()] = counts[(int)reason];
        return byReason;
    }

    private static string Iso(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", System.Globalization.CultureInfo.InvariantCulture);
}
