namespace MigrationDashboard.Core.Users;

/// <summary>What a person or a token may do. Each role includes the ones before it.</summary>
public enum Role
{
    /// <summary>Sees everything but secrets, changes nothing.</summary>
    Viewer = 1,

    /// <summary>Prepares and runs migrations.</summary>
    Operator = 2,

    /// <summary>Approves what an operator proposes: cutovers and overrides of a gate.</summary>
    Approver = 3,

    /// <summary>Users, tokens of others, settings.</summary>
    Administrator = 4,
}
