using Microsoft.AspNetCore.Authorization;
using MigrationDashboard.Core.Users;

namespace MigrationDashboard.Web.Security;

/// <summary>Names of the authorization policies; one for each role, met by that role and every higher one.</summary>
public static class Policies
{
    public const string View = nameof(Role.Viewer);
    public const string Operate = nameof(Role.Operator);
    public const string Approve = nameof(Role.Approver);
    public const string Administer = nameof(Role.Administrator);

    public static void AddTo(AuthorizationBuilder authorization)
    {
        foreach (var role in Enum.GetValues<Role>())
            authorization.AddPolicy(role.ToString(), policy => policy.RequireAuthenticatedUser().RequireAssertion(c => c.User.GetRole() >= role));
        // Whatever names no policy needs a user: a forgotten attribute must not open a page.
        authorization.SetFallbackPolicy(new AuthorizationPolicyBuilder().RequireAuthenticatedUser().Build());
    }
}
