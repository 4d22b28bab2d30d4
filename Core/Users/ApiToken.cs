namespace MigrationDashboard.Core.Users;

/// <summary>A key for programs that act for a person. The secret itself is shown once and never kept.</summary>
public sealed record ApiToken
{
    public required Guid Id { get; init; }

    public required Guid UserId { get; init; }

    public string UserName { get; init; } = "";

    public required string Name { get; init; }

    /// <summary>At most the owner's role when made; when used, at most the owner's role of that moment.</summary>
    public required Role Role { get; init; }

    /// <summary>The owner's role now; only set when the token is used.</summary>
    public Role OwnerRole { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public required DateTimeOffset ExpiresAt { get; init; }

    /// <summary>To the minute; null if never used.</summary>
    public DateTimeOffset? LastUsedAt { get; init; }
}
