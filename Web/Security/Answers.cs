namespace MigrationDashboard.Web.Security;

/// <summary>The answers of 401 and 403 to programs: problem details, never a redirect to a page.</summary>
public static class Answers
{
    public static bool IsForPrograms(HttpContext context) =>
        context.Request.Path.StartsWithSegments("/api", StringComparison.OrdinalIgnoreCase)
        || context.Request.Path.StartsWithSegments("/metrics", StringComparison.OrdinalIgnoreCase)
        || context.Request.Path.StartsWithSegments("/openapi", StringComparison.OrdinalIgnoreCase);

    public static Task NotSignedInAsync(HttpContext context)
    {
        context.Response.Headers.WWWAuthenticate = "Bearer";
        return Results.Problem("Send a valid API token in the header 'Authorization: Bearer …'.", null, StatusCodes.Status401Unauthorized, "Not signed in").ExecuteAsync(context);
    }

    public static Task NotAllowedAsync(HttpContext context) =>
        Results.Problem("The role of this token or session does not allow that.", null, StatusCodes.Status403Forbidden, "Not allowed").ExecuteAsync(context);
}
