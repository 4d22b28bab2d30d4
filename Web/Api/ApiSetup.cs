using MigrationDashboard.Core;
using MigrationDashboard.Core.Users;
using MigrationDashboard.Web.Security;

namespace MigrationDashboard.Web.Api;

/// <summary>Everything under /api/v1 and the document that describes it. One file of endpoints per aggregate.</summary>
public static class ApiSetup
{
    public static void AddApi(this IServiceCollection services)
    {
        services.AddProblemDetails();
        services.AddExceptionHandler<ApiExceptions>();
        services.ConfigureHttpJsonOptions(o => CoreJson.Configure(o.SerializerOptions));
        // In production too, so that unreadable requests get a body that says what is wrong.
        services.Configure<RouteHandlerOptions>(o => o.ThrowOnBadRequest = true);
        services.AddOpenApi("v1", o => o.AddDocumentTransformer<OpenApiAbout>());
    }

    public static void MapApi(this WebApplication app)
    {
        app.MapOpenApi("/openapi/{documentName}.json").AllowAnonymous();
        var api = app.MapGroup("/api/v1").RequireAuthorization(Policies.View).AddEndpointFilter(RefuseForeignPagesAsync)
            .ProducesProblem(StatusCodes.Status401Unauthorized).ProducesProblem(StatusCodes.Status403Forbidden);
        api.MapMe();
        api.MapUsers();
        api.MapTokens();
        api.MapServers();
        api.MapPairs();
        api.MapMigrations();
        api.MapCounts();
        api.MapHosts();
        api.MapAudit();
        app.MapFallback("/api/{**path}", () => Results.Problem("The document at /openapi/v1.json lists what there is.", null, StatusCodes.Status404NotFound, "Not found"));
    }

    /// <summary>Who calls, for the rules and the audit.</summary>
    public static Actor Actor(this HttpContext context) => new(
        context.User.GetUserId(), context.User.Identity?.Name ?? "", context.User.GetRole(), context.Connection.RemoteIpAddress, "api");

    /// <summary>
    /// With a cookie, changes are taken from our own pages only: browsers say in Sec-Fetch-Site who made the request, and a page elsewhere cannot fake it.
    /// </summary>
    private static ValueTask<object?> RefuseForeignPagesAsync(EndpointFilterInvocationContext invocation, EndpointFilterDelegate next)
    {
        var request = invocation.HttpContext.Request;
        var reading = HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method);
        return reading || BearerTokens.IsUsedBy(request) || request.Headers["Sec-Fetch-Site"] == "same-origin"
            ? next(invocation)
            : ValueTask.FromResult<object?>(Results.Problem("Use an API token for changes from outside the dashboard's pages.", null, StatusCodes.Status403Forbidden, "Not allowed"));
    }
}
