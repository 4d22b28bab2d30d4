using System.Text.Json.Serialization;

namespace MigrationDashboard.Load;

/// <summary>The result of a run, as printed. Names become snake_case.</summary>
/// <param name="Started">UTC, ISO 8601; second 0 of <paramref name="BySecond"/>.</param>
/// <param name="EndedBy">duration, count, stop-file or signal.</param>
/// <param name="CpuMs">Processor time of this process, user and system, start-up included.</param>
/// <param name="InFlightMax">Most connections and deliveries under way at once: during a hold, those held.</param>
/// <param name="ByTarget">Connections by target; deliveries and sessions are not in it.</param>
/// <param name="ConnectMs">Of connections that were established, TCP only.</param>
/// <param name="TotalMs">Of complete dialogs, from connect to 221.</param>
/// <param name="LateMs">How long after its due time each connection and delivery was begun.</param>
internal sealed record Summary(
    string Run, string Started, double ElapsedS, string EndedBy, double CpuMs, long InFlightMax,
    long Attempted, long Ok, long Failed, SortedDictionary<string, long> FailedByReason,
    long WrongSource, IReadOnlyList<WrongSourceExample> WrongSourceExamples,
    SortedDictionary<string, TargetSummary> ByTarget,
    Latencies ConnectMs, Latencies TotalMs, Latencies LateMs,
    SessionSummary Sessions, MailSummary Mail,
    IReadOnlyList<SecondSummary> BySecond, IReadOnlyList<FailureExample> FirstFailures);

internal sealed record TargetSummary(long Attempted, long Ok, long Failed, long WrongSource);

/// <summary>Milliseconds; null without any.</summary>
internal sealed record Latencies(double? P50, double? P99, double? Max)
{
    public static Latencies Of(LatencyHistogram histogram) => histogram.Count == 0
        ? new Latencies(null, null, null)
        : new Latencies(
            histogram.Percentile(0.50).TotalMilliseconds, histogram.Percentile(0.99).TotalMilliseconds, histogram.Max.TotalMilliseconds);
}

/// <param name="Opened">Sessions that got their banner.</param>
/// <param name="NotOpened">Sessions that did not.</param>
/// <param name="Broken">Opened sessions that ended before they were told to.</param>
/// <param name="Checks">Answers to WHOAMI.</param>
/// <param name="WrongSource">Checks that showed another address than the client's.</param>
/// <param name="BrokenByReason">Reasons of <paramref name="Broken"/> and <paramref name="NotOpened"/> together.</param>
internal sealed record SessionSummary(
    long Opened, long NotOpened, long Broken, long Checks, long WrongSource, SortedDictionary<string, long> BrokenByReason);

/// <param name="Accepted">The 250 after the message arrived.</param>
/// <param name="Uncertain">Of the failed: the whole message had been sent, so it may have been kept.</param>
/// <param name="TotalMs">From connect to that 250.</param>
internal sealed record MailSummary(
    long Attempted, long Accepted, long Failed, long Uncertain, SortedDictionary<string, long> FailedByReason, Latencies TotalMs);

/// <summary>Connections due in one second of the run, whenever they ended.</summary>
/// <param name="T">The second, 0 for the first.</param>
/// <param name="ConnectMaxMs">The slowest that was established; null when none was.</param>
internal sealed record SecondSummary(long T, long Attempted, long Ok, long Failed, long WrongSource, double? ConnectMaxMs);

/// <param name="Kind">connection or session.</param>
/// <param name="At">When it was noticed, UTC.</param>
internal sealed record WrongSourceExample(string Kind, string Expected, string Seen, string Target, string At);

/// <param name="Kind">connection, mail or session.</param>
/// <param name="At">When it was noticed, UTC.</param>
/// <param name="Source">null when the kernel chose it.</param>
internal sealed record FailureExample(string Kind, string At, string Target, string? Source, string Reason, string Detail);

/// <summary>One line of <c>--progress</c>: totals so far, T seconds after the start.</summary>
internal sealed record Progress(
    long T, long Attempted, long Ok, long Failed, long WrongSource, long InFlight,
    long SessionsOpen, long SessionsBroken, long MailAttempted, long MailAccepted, long MailFailed);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(Summary))]
[JsonSerializable(typeof(Progress))]
internal sealed partial class SummaryJson : JsonSerializerContext;
