namespace MigrationDashboard.Core.Users;

/// <summary>Somebody asked for what their role does not allow.</summary>
public sealed class NotAllowedException(string name, Role needed)
    : Exception($"{name} may not do this: it needs the role {needed.ToString().ToLowerInvariant()} or higher.")
{
    public Role Needed { get; } = needed;
}
