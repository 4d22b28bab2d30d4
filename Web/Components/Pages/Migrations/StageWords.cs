using MigrationDashboard.Core.Migrations;
using MigrationDashboard.Core.Stages;

namespace MigrationDashboard.Web.Components.Pages.Migrations;

/// <summary>How pages speak of stages and of what leads to them.</summary>
public static class StageWords
{
    public static int Count { get; } = Enum.GetValues<Stage>().Length;

    public static string Name(this Stage stage) => stage == Stage.Dns ? "DNS" : stage.ToString();

    /// <summary><c>5 of 8 · Drain</c></summary>
    public static string Place(this Stage stage) => $"{(int)stage + 1} of {Count} · {stage.Name()}";

    /// <summary>What the stage means, in the operator's words.</summary>
    public static string Means(this Stage stage) => stage switch
    {
        Stage.Preflight => "Both servers are read and checked. Nothing is changed.",
        Stage.Link => "The link between the two servers is up and tried.",
        Stage.Forward => "New forwards the ports to old over the link; clients keep their own addresses.",
        Stage.Dns => "You change the DNS records to new; what resolvers answer is watched.",
        Stage.Drain => "Those who still call old directly are counted, until nobody does.",
        Stage.Cutover => "New connections are held for a moment while the application moves.",
        Stage.Tail => "The application runs on new; old forwards those who still call it.",
        Stage.Decommission => "Everything that was set up is taken off both servers.",
        _ => "",
    };

    /// <summary>The words of the button that does it.</summary>
    public static string Action(Stage target, Direction direction) => (direction, target) switch
    {
        (Direction.Rehearse, _) => "Rehearse the cutover",
        (Direction.Advance, Stage.Preflight) => "Run the checks",
        (Direction.Advance, Stage.Cutover) => "Cut over",
        (Direction.Advance, Stage.Decommission) => "Decommission",
        (Direction.Advance, _) => $"Go on to {target.Name()}",
        _ => $"Roll back to {target.Name()}",
    };

    public static string Action(this StageRun run) => Action(run.Target, run.Direction);

    /// <summary>What it is called while it goes on or when it is over.</summary>
    public static string Title(this StageRun run) => (run.Direction, run.Target) switch
    {
        (Direction.Rehearse, _) => "Rehearsal",
        (Direction.Advance, Stage.Preflight) => "Checks",
        (Direction.Advance, Stage.Cutover) => "Cutover",
        (Direction.Advance, Stage.Decommission) => "Decommission",
        (Direction.Advance, _) => $"To {run.Target.Name()}",
        _ => $"Roll back to {run.Target.Name()}",
    };

    /// <summary>The application itself moves, or moves back.</summary>
    public static bool IsCutover(this StageRun run) => StageRights.IsCutover(run.Target, run.Direction);

    /// <summary>What will be felt, said before it is done.</summary>
    public static string Consequences(Migration migration, Stage target, Direction direction)
    {
        var hold = migration.Spec.Mode == CutoverMode.Exclusive
            ? $"New connections are held for at most {migration.Spec.HoldLimitSeconds} s while {migration.Spec.Workload.Label} moves. Past that limit, or if a step fails, both servers go back by themselves."
            : "Established connections end where they are; new ones go to the other server.";
        return (direction, target) switch
        {
            (Direction.Rehearse, _) => $"{migration.Spec.Workload.Label} is tried on new from a copy of its data. It goes on undisturbed on old, and no client notices.",
            (Direction.Advance, Stage.Preflight) => "Both servers are read again and judged. Nothing is changed on them.",
            (Direction.Advance, Stage.Cutover) => hold,
            (Direction.Rollback, Stage.Drain) => $"{hold} What was written on new since the cutover is carried back to old first.",
            (Direction.Advance, Stage.Decommission) => "Everything this migration set up is taken off both servers. Whoever still calls old then reaches nothing. This cannot be rolled back.",
            (Direction.Advance, Stage.Dns or Stage.Drain) or (Direction.Rollback, Stage.Dns or Stage.Forward) => "Nothing is changed on the servers.",
            _ => $"Each server takes the change back by itself after {migration.Spec.CheckpointSeconds} s unless it is confirmed over a new connection.",
        };
    }

    /// <summary>Before it was ever done on these servers.</summary>
    public static string HowLong(Migration migration, Stage target) => target switch
    {
        Stage.Cutover when migration.Spec.Mode == CutoverMode.Exclusive =>
            $"Image and data are copied first, while it still runs: as long as the link takes. Then the hold: {migration.Spec.QuietSeconds:0.#} s for open connections, the stop, what has changed since, the start; never more than {migration.Spec.HoldLimitSeconds} s.",
        Stage.Cutover => "Image and data are copied first, while it runs: as long as the link takes. Nothing is held.",
        Stage.Dns or Stage.Drain => "A second or two.",
        Stage.Link when migration.Spec.Link.Kind == Core.Servers.LinkKind.OpenVpnTap => "Ten to twenty seconds: keys are made on both servers.",
        _ => "A few seconds: a round trip to apply and one to confirm.",
    };

    /// <summary>How it is undone once it was done.</summary>
    public static string WayBack(Stage target) => target switch
    {
        Stage.Preflight => "Nothing is changed, so there is nothing to undo.",
        Stage.Cutover => "“Roll back to Drain” moves it back the same way: with a hold, and with what was written on new meanwhile.",
        Stage.Decommission => "None: this is the end. Only a new migration brings it back.",
        Stage.Dns or Stage.Drain => $"“Roll back to {(target - 1).Name()}”, at any time. DNS records are yours to change back.",
        _ => $"“Roll back to {(target - 1).Name()}”, at any time, with nothing left behind.",
    };

    public static string Of(RunState state) => state switch
    {
        RunState.Reverted => "Taken back",
        RunState.Succeeded => "Done",
        _ => state.ToString(),
    };

    /// <summary>The badge's colour.</summary>
    public static string Tone(RunState state) => state switch
    {
        RunState.Succeeded => "good",
        RunState.Failed => "bad",
        RunState.Reverted or RunState.Expired => "warn",
        _ => "",
    };

    public static string Duration(TimeSpan time) => time switch
    {
        { TotalMilliseconds: < 1000 } => $"{time.TotalMilliseconds:0} ms",
        { TotalSeconds: < 60 } => $"{time.TotalSeconds:0.0} s",
        { TotalMinutes: < 60 } => $"{(int)time.TotalMinutes} min {time.Seconds:00} s",
        _ => $"{(int)time.TotalHours} h {time.Minutes:00} min",
    };

    /// <summary><c>14 s ago</c>; a number that goes on while one looks.</summary>
    public static string Ago(DateTimeOffset at, DateTimeOffset now)
    {
        var age = now - at;
        return age.TotalSeconds < 1.5 ? "now" : age.TotalSeconds < 90 ? $"{age.TotalSeconds:0} s ago" : age.TotalMinutes < 90 ? $"{age.TotalMinutes:0} min ago" : age.TotalHours < 36 ? $"{age.TotalHours:0} h ago" : $"{age.TotalDays:0} days ago";
    }
}
