using Microsoft.AspNetCore.Diagnostics;

namespace MigrationDashboard.Web.Security;

/// <summary>The answers of 401 and 403 to programs: problem details, never a redirect to a page.</summary>
public static class Answers
{
    public static bool IsForPrograms(HttpContext context)
    {
        // While an exception is handled, the request's own path is that of the error page.
        PathString path = context.Features.Get<IExceptionHandlerPathFeature>()?.Path ?? context.Request.Path;
        return path.StartsWithSegments("/api", StringComparison.OrdinalIgnoreCase)
            || path.StartsWithSegments("/metrics", StringComparison.OrdinalIgnoreCase)
            || path.StartsWithSegments("/openapi", StringComparison.OrdinalIgnoreCase);
    }

    public static Task NotSignedInAsync(HttpContext context)
    {
        context.Response.Headers.WWWAuthenticate = "Bearer";
        return Results.Problem("Send a valid API token in the header 'Authorization: Bearer …'.", null, StatusCodes.Status401Unauthorized, "Not signed in").ExecuteAsync(context);
    }

    public static Task NotAllowedAsync(HttpContext context) =>
        Results.Problem("The role of this token or session does not allow that.", null, StatusCodes.Status403Forbidden, "Not allowed").ExecuteAsync(context);
}
