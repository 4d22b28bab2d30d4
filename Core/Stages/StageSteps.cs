using MigrationDashboard.Core.Migrations;
using MigrationDashboard.Core.Servers;

namespace MigrationDashboard.Core.Stages;

/// <summary>One thing a run does. What it takes to do it is in Infrastructure; which ones, and in what order, is here.</summary>
public abstract record Step
{
    /// <summary>Both servers are read in one round trip each, facts are stored and the checks are judged.</summary>
    public sealed record Read(bool Snapshot) : Step;

    /// <summary>A check that fails ends the run before anything is changed.</summary>
    public sealed record RequireChecks : Step;

    /// <summary>The gate of the stage must be open, or be overridden with a reason.</summary>
    /// <param name="AtOpening">Judged when the window opens, by a run that began before it; without, by a run that did not.</param>
    public sealed record RequireGate(bool AtOpening = false) : Step;

    /// <summary>Watched DNS names must resolve to <c>new</c>, or be overridden with a reason.</summary>
    public sealed record RequireDns : Step;

    /// <summary>The hosts make their own keys for the link; fingerprints become facts.</summary>
    public sealed record LinkKeys : Step;

    /// <summary>The hosts get the configurations of a stage, in this order; within a cutover the one that must be first, and the other once that is certain.</summary>
    /// <param name="Arm">Arms the dead man's switch with this many seconds; null keeps the one that is armed.</param>
    /// <param name="Commit">The armed switch ends with this change: it stays.</param>
    public sealed record Apply(Stage Stage, bool Held, ValueList<Role> Order, int? Arm, bool Commit = false) : Step;

    /// <summary>Inside the hold: the host the workload has left never starts it by itself again. Its hold goes on.</summary>
    public sealed record HandOver(Role From) : Step;

    /// <summary>The link's ends answer each other on the link itself; its MTU becomes a fact.</summary>
    public sealed record ProbeLink : Step;

    /// <summary>A connection to the public address of this server is answered by the workload, which sees the tester's own address.</summary>
    public sealed record ProbePath(Role Via) : Step;

    /// <summary>Over a connection of its own to each host: the change stays.</summary>
    public sealed record Confirm : Step;

    /// <summary>The hosts read back equal to their snapshots.</summary>
    public sealed record Compare : Step;

    /// <summary>The workload's definition is read where it runs and made ready, not started, where it goes; data is copied while it still runs.</summary>
    public sealed record Prepare(Role From, Role To) : Step;

    /// <summary>What changes meanwhile is copied again and again until the window opens; nothing to wait for is no wait.</summary>
    public sealed record AwaitWindow(Role From) : Step;

    /// <summary>The number of connections that are open at the workload is told, before anything is done to them.</summary>
    public sealed record CountSessions(Role Role) : Step;

    /// <summary>No connection is open any more at the workload on this server, or a reason is given to cut those that are.</summary>
    public sealed record RequireNoSessions(Role Role) : Step;

    /// <summary>Inside the hold, in one go: established connections get their time to finish, the workload stops, what has changed since is copied and proved.</summary>
    public sealed record Leave(Role From, Role To) : Step;

    /// <summary>Inside the hold: started and healthy, seen on the server itself; on both servers conntrack forgets what would go on to the old place.</summary>
    public sealed record Arrive(Role From, Role To) : Step;

    /// <summary>Started beside the other one and healthy, seen on the server itself.</summary>
    public sealed record StartWorkload(Role Role) : Step;

    public sealed record StopWorkload(Role Role) : Step;

    /// <summary>The ports' UDP entries leave conntrack on both hosts, so that their next packet is decided anew: a flow never is while it flows.</summary>
    public sealed record DropUdpFlows : Step;

    /// <summary>It stays stopped on the server it has left when our files leave that server.</summary>
    public sealed record RetireWorkload(Role Role) : Step;

    /// <summary>What was made on this server to be able to keep the workload down is taken away, where it is in service.</summary>
    public sealed record UnreadyWorkload(Role Role) : Step;

    /// <summary>The one-run key, its sshd and their folders are gone from both hosts.</summary>
    public sealed record CloseSync : Step;

    /// <summary>What the cutover will take was measured, and fits the hold's limit, or the operator says in writing why it is done all the same.</summary>
    public sealed record RequireBudget : Step;

    /// <summary>The workload is tried where it will go, from a copy of its data and without network; what that takes becomes the budget.</summary>
    public sealed record Rehearse(Role From, Role To) : Step;

    /// <summary>What was prepared on this server and is not used is taken away.</summary>
    public sealed record RemoveWorkload(Role Role) : Step;
}

/// <summary>The steps that lead from one stage to another: a pure function, shown in the preview and followed by the run.</summary>
public static class StageSteps
{
    /// <summary>
    /// How long after the hold's own limit a host waits on the other when both go back: where the workload was going it has stopped before
    /// it starts again where it came from. Seconds.
    /// </summary>
    public const int RevertLead = 1;

    /// <summary>
    /// How long connections may go on at a workload that runs beside the other and is to stop, when nobody gave a reason to cut them: longer than a
    /// request or a mail takes, and still within what somebody watches. Seconds.
    /// </summary>
    public const int LongestGoodbye = 30;

    public static ValueList<Step> Of(Migration migration, Stage target, Direction direction)
    {
        var spec = migration.Spec;
        var checkpoint = spec.CheckpointSeconds;
        return (direction, target) switch
        {
            (Direction.Advance, Stage.Preflight) => [new Step.Read(Snapshot: true)],
            (Direction.Advance, Stage.Link) =>
            [
                new Step.Read(Snapshot: true), new Step.RequireChecks(), .. LinkKeys(migration), new Step.Apply(Stage.Link, false, [Role.New, Role.Old], checkpoint), new Step.ProbeLink(), new Step.Confirm(),
            ],
            (Direction.Advance, Stage.Forward) =>
            [
                // The return path first: forwarding without it would lose connections.
                new Step.Apply(Stage.Forward, false, [Role.Old, Role.New], checkpoint), new Step.ProbePath(Role.New), new Step.Confirm(),
            ],
            (Direction.Advance, Stage.Dns) => [new Step.ProbePath(Role.New)],
            (Direction.Advance, Stage.Drain) => [new Step.RequireDns()],
            (Direction.Advance, Stage.Cutover) => spec.Mode == CutoverMode.Exclusive ? [new Step.RequireGate(), new Step.RequireBudget(), .. Exclusive(migration, Role.Old, Role.New, Stage.Drain, Stage.Tail)] : [new Step.RequireGate(), .. Parallel(checkpoint)],
            (Direction.Advance, Stage.Decommission) =>
            [
                new Step.RequireGate(), .. spec.Mode == CutoverMode.Parallel ? [new Step.RequireNoSessions(Role.Old), new Step.StopWorkload(Role.Old)] : ValueList<Step>.Empty,
                new Step.RetireWorkload(Role.Old), new Step.RetireWorkload(Role.New),
                new Step.Apply(Stage.Decommission, false, [Role.Old, Role.New], checkpoint), new Step.Confirm(), new Step.Compare(),
            ],

            (Direction.Rehearse, Stage.Cutover) => [new Step.Prepare(Role.Old, Role.New), new Step.Rehearse(Role.Old, Role.New), new Step.CloseSync(), new Step.RemoveWorkload(Role.New)],

            (Direction.Rollback, Stage.Drain) => spec.Mode == CutoverMode.Exclusive
                ? [.. Exclusive(migration, Role.New, Role.Old, Stage.Tail, Stage.Drain), new Step.RemoveWorkload(Role.New), new Step.UnreadyWorkload(Role.Old)]
                :
                [
                    // old first: while it still sends its clients to new, new must be able to answer them.
                    new Step.Apply(Stage.Drain, false, [Role.Old, Role.New], checkpoint), new Step.DropUdpFlows(), new Step.ProbePath(Role.New), new Step.ProbePath(Role.Old), new Step.Confirm(),
                    new Step.CountSessions(Role.New), new Step.StopWorkload(Role.New), new Step.RemoveWorkload(Role.New), new Step.UnreadyWorkload(Role.Old),
                ],
            (Direction.Rollback, Stage.Dns or Stage.Forward) => [new Step.ProbePath(Role.New)],
            (Direction.Rollback, Stage.Link) => [new Step.Apply(Stage.Link, false, [Role.New, Role.Old], checkpoint), new Step.ProbeLink(), new Step.Confirm()],
            (Direction.Rollback, Stage.Preflight) => [new Step.RemoveWorkload(Role.New), new Step.UnreadyWorkload(Role.Old), new Step.Apply(Stage.Preflight, false, [Role.New, Role.Old], checkpoint), new Step.Confirm(), new Step.Compare()],
            _ => throw new InvalidInputException("target", $"there is no way from {migration.Stage} to {target} by {direction}"),
        };
    }

    /// <summary>What is left to do once the change was made to stay, for whoever takes such a run over.</summary>
    public static IEnumerable<Step> AfterCommit(Migration migration, Stage target, Direction direction)
    {
        var all = Of(migration, target, direction).ToList();
        var last = all.FindLastIndex(step => step is Step.Confirm or Step.Apply { Commit: true });
        return all.Skip(last + 1);
    }

    /// <summary>How long before its window a run begins: an exclusive cutover copies while it waits.</summary>
    public static TimeSpan BeginsAhead(MigrationSpec spec, StageRun run) =>
        run is { Direction: Direction.Advance, Target: Stage.Cutover } && spec.Mode == CutoverMode.Exclusive ? TimeSpan.FromMinutes(spec.CopyAheadMinutes) : TimeSpan.Zero;

    private static ValueList<Step> LinkKeys(Migration migration) => migration.Spec.Link.Kind == LinkKind.OpenVpnTap ? [new Step.LinkKeys()] : [];

    /// <summary>Hold on both (the one that serves first, docs/decisions/043), let the short ones finish, stop, last sync, start, healthy, the next configuration, release (DESIGN §6).</summary>
    private static ValueList<Step> Exclusive(Migration migration, Role from, Role to, Stage now, Stage next) =>
    [
        new Step.Prepare(from, to),
        new Step.AwaitWindow(from),
        new Step.RequireGate(AtOpening: true),
        new Step.CountSessions(from),
        new Step.Apply(now, true, [Role.New, Role.Old], migration.Spec.HoldLimitSeconds),
        new Step.Leave(from, to),
        new Step.Arrive(from, to),

        // First the one it has left, for good: from then on it never starts there by itself. Only then does the other let clients in, so that
        // nothing they write is ever left behind on a server that goes back.
        new Step.HandOver(from),
        new Step.Apply(next, false, [Role.New, Role.Old], null, Commit: true),
        new Step.CloseSync(),
        new Step.ProbePath(Role.New),
        new Step.ProbePath(Role.Old),
    ];

    /// <summary>Started beside the other; then new connections go there, established ones end where they are.</summary>
    private static ValueList<Step> Parallel(int checkpoint) =>
    [
        new Step.Prepare(Role.Old, Role.New),
        new Step.StartWorkload(Role.New),
        new Step.CountSessions(Role.Old),
        new Step.Apply(Stage.Tail, false, [Role.New, Role.Old], checkpoint),
        new Step.DropUdpFlows(),
        new Step.ProbePath(Role.New),
        new Step.ProbePath(Role.Old),
        new Step.Confirm(),
        new Step.CloseSync(),
    ];
}
