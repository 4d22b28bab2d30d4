namespace MigrationDashboard.Core.Users;

/// <summary>A person who can sign in. Holds no secret: password hash and second factor stay in the store.</summary>
public sealed record User
{
    public required Guid Id { get; init; }

    /// <summary>The sign-in name; unique without regard to case.</summary>
    public required string Name { get; init; }

    public required Role Role { get; init; }

    /// <summary>Changes whenever every session of the user must end: new password, new role, disabled, second factor reset.</summary>
    public required Guid Stamp { get; init; }

    public bool HasSecondFactor { get; init; }

    /// <summary>Null while the user may sign in.</summary>
    public DateTimeOffset? DisabledAt { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Null before the first sign-in.</summary>
    public DateTimeOffset? LastSignInAt { get; init; }

    public bool MaySignIn => DisabledAt is null;
}
