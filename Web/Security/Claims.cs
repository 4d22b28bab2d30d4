using System.Security.Claims;
using MigrationDashboard.Core.Users;

namespace MigrationDashboard.Web.Security;

/// <summary>What a signed-in principal carries: user id, name, role and the stamp that must still be the user's.</summary>
public static class Claims
{
    private const string Stamp = "stamp";

    public static ClaimsPrincipal Principal(User user, string scheme) => Principal(user.Id, user.Name, user.Role, user.Stamp, scheme);

    public static ClaimsPrincipal Principal(Guid id, string name, Role role, Guid stamp, string scheme) => new(new ClaimsIdentity(
        [
            new Claim(ClaimTypes.NameIdentifier, id.ToString()),
            new Claim(ClaimTypes.Name, name),
            new Claim(ClaimTypes.Role, role.ToString()),
            new Claim(Stamp, stamp.ToString()),
        ], scheme));

    public static Guid GetUserId(this ClaimsPrincipal principal) =>
        Guid.TryParse(principal.FindFirstValue(ClaimTypes.NameIdentifier), out var id) ? id : Guid.Empty;

    public static Guid GetStamp(this ClaimsPrincipal principal) => Guid.TryParse(principal.FindFirstValue(Stamp), out var stamp) ? stamp : Guid.Empty;

    /// <summary>Below every role for whoever is not signed in.</summary>
    public static Role GetRole(this ClaimsPrincipal principal) => Enum.TryParse<Role>(principal.FindFirstValue(ClaimTypes.Role), out var role) ? role : 0;
}
