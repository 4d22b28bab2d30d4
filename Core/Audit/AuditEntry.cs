namespace MigrationDashboard.Core.Audit;

public enum AuditOutcome
{
    Ok,

    /// <summary>It was tried and did not succeed.</summary>
    Failed,

    /// <summary>It was not tried: the person may not, or the input or the moment was wrong.</summary>
    Refused,
}

/// <summary>Something that somebody, or the dashboard itself, did or was refused to do.</summary>
public record AuditEvent
{
    /// <summary>When it ended. Kept to the microsecond, as the database does.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>The user's name; <c>system</c> for what the dashboard does by itself.</summary>
    public required string Actor { get; init; }

    /// <summary>Where the user's request came from; null for the dashboard itself.</summary>
    public string? FromAddress { get; init; }

    /// <summary>A dotted term, from the general to the particular: <c>stage.apply</c>, <c>user.sign-in</c>.</summary>
    public required string Action { get; init; }

    public Guid? MigrationId { get; init; }

    /// <summary>The host it was done on; null for the dashboard itself.</summary>
    public string? Host { get; init; }

    /// <summary>What was run on the host, in full; null when nothing was.</summary>
    public string? Command { get; init; }

    public int? ExitCode { get; init; }

    /// <summary>Milliseconds.</summary>
    public long? DurationMs { get; init; }

    public required AuditOutcome Outcome { get; init; }

    /// <summary>What came back, or what a person should know of it.</summary>
    public string Detail { get; init; } = "";
}

/// <summary>An event in its place in the log. The hash covers every field and the hash of the entry before.</summary>
public sealed record AuditEntry : AuditEvent
{
    /// <summary>1 for the first entry, and one more for each, without gaps.</summary>
    public required long Sequence { get; init; }

    /// <summary>SHA-256 in hexadecimal; <see cref="AuditChain.Genesis"/> for the first entry.</summary>
    public required string PreviousHash { get; init; }

    /// <summary>SHA-256 in hexadecimal.</summary>
    public required string Hash { get; init; }
}
