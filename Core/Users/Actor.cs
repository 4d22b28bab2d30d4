using System.Net;

namespace MigrationDashboard.Core.Users;

/// <summary>Who does something, from where and how: what every change is checked against and what the audit keeps.</summary>
/// <param name="UserId">The person, also when a token of theirs is used.</param>
/// <param name="Name">The person's sign-in name.</param>
/// <param name="Role">The role in force: of the person, or the lower one of the token.</param>
/// <param name="Address">Where the request came from; null when there is none, as at start.</param>
/// <param name="Via">"page", "api" or "start".</param>
public sealed record Actor(Guid UserId, string Name, Role Role, IPAddress? Address, string Via)
{
    public bool IsAtLeast(Role role) => Role >= role;

    /// <summary>Stops whoever may not do this, whatever the browser showed.</summary>
    /// <exception cref="NotAllowedException">The actor's role is below <paramref name="role"/>.</exception>
    public void Require(Role role)
    {
        if (!IsAtLeast(role)) throw new NotAllowedException(Name, role);
    }
}
