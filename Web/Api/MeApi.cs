using MigrationDashboard.Core.Users;

namespace MigrationDashboard.Web.Api;

internal static class MeApi
{
    /// <summary>Who the token or session acts for, and with which role.</summary>
    public sealed record Me(Guid Id, string Name, Role Role);

    public static void MapMe(this RouteGroupBuilder api) =>
        api.MapGet("/me", (HttpContext context) => new Me(context.Actor().UserId, context.Actor().Name, context.Actor().Role))
            .WithTags("Users").WithSummary("Who the token acts for, and with which role.");
}
