namespace MigrationDashboard.Core.Stages;

/// <summary>The eight stages of a migration, in order (DESIGN §2).</summary>
public enum Stage
{
    /// <summary>Both servers are read and checked; nothing is changed.</summary>
    Preflight,

    /// <summary>The layer-2 link is up and both ends answer.</summary>
    Link,

    /// <summary><c>new</c> forwards the ports to <c>old</c>; replies find their way back.</summary>
    Forward,

    /// <summary>DNS records are being changed; they are watched.</summary>
    Dns,

    /// <summary>Those who still call <c>old</c> directly are counted.</summary>
    Drain,

    /// <summary>The workload moves. A migration is never at rest here: it ends in Tail or back in Drain.</summary>
    Cutover,

    /// <summary>The workload runs on <c>new</c>; <c>old</c> forwards stragglers there.</summary>
    Tail,

    /// <summary>All that was set up is taken away.</summary>
    Decommission,
}

public enum Role
{
    Old,
    New,
}

/// <summary>How a connection travels: one word for code, database, API and pages.</summary>
public enum ConnectionPath
{
    /// <summary>client → old, served there.</summary>
    Direct,

    /// <summary>client → new → old.</summary>
    Forwarded,

    /// <summary>client → new, served there.</summary>
    Local,

    /// <summary>client → old → new.</summary>
    Tail,
}

public static class StageOrder
{
    /// <summary>The stage that follows, or null after the last.</summary>
    public static Stage? After(Stage stage) => stage == Stage.Decommission ? null : stage == Stage.Drain ? Stage.Cutover : stage == Stage.Cutover ? Stage.Tail : stage + 1;

    /// <summary>Where a rollback from this stage leads, or null where there is nothing to roll back.</summary>
    public static Stage? Before(Stage stage) => stage switch
    {
        Stage.Preflight or Stage.Decommission => null,
        Stage.Tail => Stage.Drain,
        _ => stage - 1,
    };

    /// <summary>The stage a migration must be at for a run to this target.</summary>
    public static Stage Required(Stage target, Direction direction) => (direction, target) switch
    {
        (Direction.Advance, Stage.Preflight) => Stage.Preflight,
        (Direction.Advance, Stage.Decommission) => Stage.Tail,
        (Direction.Advance, Stage.Tail) => throw new InvalidInputException("target", "Tail is reached by a cutover: ask for Cutover"),
        (Direction.Advance, _) => target - 1,
        (Direction.Rollback, Stage.Drain) => Stage.Tail,
        (Direction.Rollback, Stage.Preflight or Stage.Link or Stage.Forward or Stage.Dns) => target + 1,
        _ => throw new InvalidInputException("target", $"nothing rolls back to {target}"),
    };

    /// <exception cref="InvalidInputException">The migration is not where such a run starts.</exception>
    public static void Require(Stage now, Stage target, Direction direction)
    {
        if (direction == Direction.Rehearse)
        {
            if (target != Stage.Cutover || now is not (Stage.Link or Stage.Forward or Stage.Dns or Stage.Drain))
                throw new InvalidInputException("target", $"a cutover is rehearsed once the link is up and before it is done, but the migration is at {now}");
            return;
        }

        var required = Required(target, direction);
        if (now != required)
            throw new InvalidInputException("target", $"{target} by {(direction == Direction.Advance ? "going on" : "rolling back")} starts at {required}, but the migration is at {now}");
    }
}
