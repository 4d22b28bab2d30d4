namespace MigrationDashboard.Core.Stages;

/// <summary>Who may ask for which run: said here once, for pages and API alike.</summary>
public static class StageRights
{
    /// <summary>The application itself moves, or moves back.</summary>
    public static bool IsCutover(Stage target, Direction direction) => (direction, target) is (Direction.Advance, Stage.Cutover) or (Direction.Rollback, Stage.Drain);

    /// <summary>
    /// The lowest role that may ask for it. A cutover takes the application out of service for a moment, in either direction; and whoever
    /// passes a closed gate answers for those who still call. Everything else can be taken back without anybody noticing.
    /// </summary>
    /// <param name="overrides">A reason is given to pass a gate that is closed.</param>
    public static Users.Role Needed(Stage target, Direction direction, bool overrides) =>
        overrides || IsCutover(target, direction) ? Users.Role.Approver : Users.Role.Operator;
}
