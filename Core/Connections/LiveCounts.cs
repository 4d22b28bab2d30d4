using System.Text.Json;
using System.Text.Json.Serialization;
using MigrationDashboard.Core.Stages;

namespace MigrationDashboard.Core.Connections;

/// <summary>One path's totals in one sample.</summary>
/// <param name="Established">Null in samples that hold counters only: then the last known number still stands.</param>
/// <param name="Clients">Different addresses.</param>
/// <param name="New">New connections since the sample before.</param>
public sealed record PathSummary(ConnectionPath Path, long? Established, long? Other, long? Clients, long New);

/// <summary>What pages are told of a sample, by NOTIFY; also small enough for it: a few hundred bytes of the 8,000 PostgreSQL allows.</summary>
/// <param name="Held">Packets dropped by the hold since the sample before.</param>
/// <param name="ConntrackMost">0 where the host tracks no connections.</param>
/// <param name="Error">Why the host could not list connections; null when it could.</param>
public sealed record SampleSummary(
    Guid Migration,
    Role Reporter,
    DateTimeOffset At,
    ValueList<PathSummary> Paths,
    long Held,
    long ConntrackEntries,
    long ConntrackMost,
    string? Error)
{
    private static readonly JsonSerializerOptions Format = new(JsonSerializerDefaults.Web)
    {
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    public string ToJson() => JsonSerializer.Serialize(this, Format);

    /// <exception cref="JsonException">Not one of ours.</exception>
    public static SampleSummary FromJson(string text) => JsonSerializer.Deserialize<SampleSummary>(text, Format) ?? throw new JsonException("There is no sample.");
}

/// <summary>One path as a page shows it.</summary>
/// <param name="CountedAt">When <see cref="Established"/> was counted; null before the first time.</param>
/// <param name="LastNew">When the last new connection was seen; null if none was.</param>
/// <param name="Recent">New connections within <see cref="LiveCounts.RateWindow"/>, oldest first.</param>
public sealed record PathState(
    ConnectionPath Path,
    long Established,
    long Other,
    long Clients,
    DateTimeOffset? CountedAt,
    DateTimeOffset? LastNew,
    ValueList<(DateTimeOffset At, long New)> Recent)
{
    /// <summary>New connections in the last minute.</summary>
    public long PerMinute(DateTimeOffset now) => Recent.Where(item => item.At > now - LiveCounts.RateWindow).Sum(item => item.New);
}

/// <param name="At">Of the host's last sample; null before the first.</param>
public sealed record ReporterState(Role Reporter, DateTimeOffset? At, long ConntrackEntries, long ConntrackMost, string? Error)
{
    /// <summary>How full the host's table of connections is, 0 to 1; null where it has none.</summary>
    public double? ConntrackFill => ConntrackMost > 0 ? (double)ConntrackEntries / ConntrackMost : null;
}

/// <summary>The four paths of a migration now, put together from what both hosts report. A value: each sample gives the next one.</summary>
public sealed record LiveCounts(Guid Migration, ValueList<PathState> Paths, ValueList<ReporterState> Reporters)
{
    /// <summary>Rates are per minute, the unit in which people say how busy a mail server is.</summary>
    public static readonly TimeSpan RateWindow = TimeSpan.FromMinutes(1);

    /// <summary>DESIGN §5: alert on conntrack above 70 % of its maximum.</summary>
    public const double ConntrackAlert = 0.7;

    public static LiveCounts Empty(Guid migration) => new(
        migration,
        Enum.GetValues<ConnectionPath>().Select(path => new PathState(path, 0, 0, 0, null, null, [])).ToValueList(),
        Enum.GetValues<Role>().Select(role => new ReporterState(role, null, 0, 0, null)).ToValueList());

    public PathState this[ConnectionPath path] => Paths.First(state => state.Path == path);

    public ReporterState this[Role reporter] => Reporters.First(state => state.Reporter == reporter);

    /// <returns>This, unchanged, for a sample of another migration or one older than the reporter's last.</returns>
    public LiveCounts With(SampleSummary sample) =>
        sample.Migration != Migration || sample.At < this[sample.Reporter].At
            ? this
            : this with
            {
                Paths = Paths.Select(path => sample.Paths.FirstOrDefault(item => item.Path == path.Path) is { } item ? Next(path, item, sample.At) : path).ToValueList(),
                Reporters = Reporters.Select(state => state.Reporter == sample.Reporter
                    ? new(state.Reporter, sample.At, sample.ConntrackEntries, sample.ConntrackMost, sample.Error) : state).ToValueList(),
            };

    private static PathState Next(PathState path, PathSummary sample, DateTimeOffset at)
    {
        var recent = path.Recent.Where(item => item.At > at - RateWindow);
        if (sample.New > 0)
            recent = recent.Append((at, sample.New));
        return path with
        {
            Established = sample.Established ?? path.Established,
            Other = sample.Other ?? path.Other,
            Clients = sample.Clients ?? path.Clients,
            CountedAt = sample.Established is null ? path.CountedAt : at,
            LastNew = sample.New > 0 ? at : path.LastNew,
            Recent = recent.ToValueList(),
        };
    }
}
