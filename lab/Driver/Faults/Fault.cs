namespace MigrationDashboard.Driver.Faults;

/// <summary>One thing that goes wrong.</summary>
/// <param name="Name">As it is called on the command line and in the report.</param>
/// <param name="Moment">When in the run (<see cref="Move.Moments"/>), or <c>before</c> it, or <c>at once</c> as it is asked for.</param>
/// <param name="StrikeAsync">Does it, and puts right what a passing trouble puts right by itself.</param>
public sealed record Fault(string Name, string Moment, Func<World, Task> StrikeAsync)
{
    /// <summary>Puts right, after the run's end, what would last for ever; null when nothing does.</summary>
    public Func<World, Task>? MendAsync { get; init; }

    /// <summary>Why clients may notice it whatever the dashboard does; null when they must not. Given whether it happens where the workload is served.</summary>
    public Func<Move, string?> Loss { get; init; } = _ => null;

    /// <summary>Whether it makes sense in a run.</summary>
    public Func<Move, bool> Fits { get; init; } = _ => true;

    /// <summary>Asks for the run in its own way; null for one request.</summary>
    public Func<World, Move, Task<Guid>>? AskAsync { get; init; }
}

/// <param name="Outcome"><c>completed</c>, <c>reverted</c>, or <c>neither</c> when page and hosts are at no end of the run.</param>
/// <param name="Failed">Connections that failed or were seen from a wrong address.</param>
/// <param name="LossReason">Why some may fail; null when none may.</param>
/// <param name="SshOk">Both servers take a new SSH connection afterwards.</param>
/// <param name="StateAgrees">Both servers have what the page's stage says, unchanged and confirmed, and the workload runs exactly once, where it says.</param>
/// <param name="Seconds">From the request to the agreement.</param>
/// <param name="Said">The run's state and error, for whoever reads the report.</param>
public sealed record FaultResult(string Stage, string Fault, string Outcome, long Failed, string? LossReason, bool SshOk, bool StateAgrees, double Seconds, long Connections, string Said)
{
    public bool LossExpected => LossReason is not null;

    /// <summary>All that the product promises.</summary>
    public bool Holds => Outcome is "completed" or "reverted" && (Failed == 0 || LossExpected) && SshOk && StateAgrees && Connections > 0;
}
