using MigrationDashboard.Core.Connections;
using MigrationDashboard.Core.Migrations;
using MigrationDashboard.Core.Preflight;
using MigrationDashboard.Core.Servers;
using MigrationDashboard.Core.Stages;
using MigrationDashboard.Infrastructure.Migrations;

namespace MigrationDashboard.Web.Live;

/// <summary>A migration as pages show it at one moment. A value: each change gives the next one, the same for all who watch.</summary>
/// <param name="Runs">Newest first, at most <see cref="MostRuns"/>.</param>
/// <param name="Steps">Of <see cref="Shown"/>.</param>
/// <param name="Held">Attempts to connect that the hold of the cutover under way has put off so far; a client tries again after one second, then three.</param>
/// <param name="Gate">Of the path that should be empty; null where the stage has no gate.</param>
public sealed record MigrationSnapshot(
    StoredMigration Stored, Server Old, Server New, IReadOnlyList<CheckResult> Checks, IReadOnlyList<StageRun> Runs, IReadOnlyList<RunStep> Steps, LiveCounts Counts, GateState? Gate, long Held = 0)
{
    /// <summary>More than a migration of usual course has; older ones are in the API.</summary>
    public const int MostRuns = 50;

    public Migration Migration => Stored.Migration;

    public Stage Stage => Stored.Migration.Stage;

    public StageRun? Running => Runs.FirstOrDefault(run => run.State == RunState.Running);

    /// <summary>Those that wait for their time, the next one first.</summary>
    public IEnumerable<StageRun> Planned => Runs.Where(run => run.State == RunState.Planned).OrderBy(run => run.NotBefore ?? run.RequestedAt);

    public StageRun? LastOver => Runs.Where(run => run.IsOver).MaxBy(run => run.FinishedAt ?? run.RequestedAt);

    /// <summary>The run whose steps are shown: the one under way, else the last that ended.</summary>
    public StageRun? Shown => ShownOf(Runs);

    /// <summary>The run under way has told a server to keep its change: a cancel comes too late from then on.</summary>
    public bool IsPastReturn => Running is not null && Steps.Any(step => step.Name is "hand over" or "confirm");

    public Server Server(Role role) => role == Role.Old ? Old : New;

    /// <summary>The path that should be empty at this stage; null where all may be used.</summary>
    public ConnectionPath? ShouldBeEmpty => Stage switch
    {
        Stage.Drain => ConnectionPath.Direct,
        Stage.Tail => ConnectionPath.Tail,
        _ => null,
    };

    internal static StageRun? ShownOf(IReadOnlyList<StageRun> runs) =>
        runs.FirstOrDefault(run => run.State == RunState.Running) ?? runs.Where(run => run.IsOver).MaxBy(run => run.FinishedAt ?? run.RequestedAt);
}
