namespace MigrationDashboard.Core.Stages;

public enum RunState
{
    /// <summary>Waits for its time.</summary>
    Planned,
    Running,
    Succeeded,

    /// <summary>It did not succeed, and what it had changed was taken back.</summary>
    Reverted,

    /// <summary>It did not succeed, and what it had changed could not be taken back whole: somebody must look.</summary>
    Failed,
    Cancelled,

    /// <summary>Its window closed before it could start.</summary>
    Expired,
}

public enum Direction
{
    Advance,
    Rollback,

    /// <summary>The next cutover is tried and measured; the migration stays where it is.</summary>
    Rehearse,
}

/// <summary>One attempt to take a migration from a stage to the next, or back.</summary>
/// <param name="Target">The stage that is wanted. Preflight means: read both servers and check, changing nothing.</param>
/// <param name="NotBefore">When it may start, null for at once.</param>
/// <param name="NotAfter">After this it is not started any more; null for no closing time.</param>
/// <param name="TimeZone">IANA name of the zone the operator chose the times in, for showing them.</param>
/// <param name="OverrideReason">Why a gate or a budget may be passed although it is not met; null when none is overridden.</param>
/// <param name="Node">The node of the dashboard that runs it.</param>
/// <param name="Token">Names its checkpoints on the hosts.</param>
public sealed record StageRun
{
    public required Guid Id { get; init; }

    public required Guid MigrationId { get; init; }

    public required Direction Direction { get; init; }

    public required Stage From { get; init; }

    public required Stage Target { get; init; }

    public required RunState State { get; init; }

    public required string RequestedBy { get; init; }

    public DateTimeOffset RequestedAt { get; init; }

    public DateTimeOffset? NotBefore { get; init; }

    public DateTimeOffset? NotAfter { get; init; }

    public string TimeZone { get; init; } = "UTC";

    public string? OverrideReason { get; init; }

    public DateTimeOffset? StartedAt { get; init; }

    public DateTimeOffset? FinishedAt { get; init; }

    /// <summary>What went wrong, in words for the operator.</summary>
    public string? Error { get; init; }

    public string? Node { get; init; }

    public bool CancelRequested { get; init; }

    /// <summary>It was asked to stop when both servers had been told to keep their change, and was carried through.</summary>
    public bool CancelledTooLate => CancelRequested && State == RunState.Succeeded;

    /// <summary>Milliseconds during which new connections were held; null when none were.</summary>
    public int? HoldMs { get; init; }

    /// <summary>The name of its checkpoints on the hosts.</summary>
    public string Token => Id.ToString("N")[..12];

    public bool IsOver => State is not (RunState.Planned or RunState.Running);
}

public enum StepState
{
    Running,
    Succeeded,
    Failed,
}

/// <summary>One step of a run, as it happened.</summary>
/// <param name="Number">1 and up, in the order of their starts.</param>
/// <param name="Output">What the host or the dashboard said; secrets taken out.</param>
public sealed record RunStep(Guid RunId, int Number, string Name, string? Host, StepState State, DateTimeOffset StartedAt, int? DurationMs, int? ExitCode, string Output);
