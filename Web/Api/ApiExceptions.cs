using Microsoft.AspNetCore.Diagnostics;
using MigrationDashboard.Core;
using MigrationDashboard.Core.Users;
using MigrationDashboard.Infrastructure.Ssh;
using MigrationDashboard.Web.Security;

namespace MigrationDashboard.Web.Api;

/// <summary>Turns exceptions of API requests into problem details; pages have an error page of their own.</summary>
public sealed class ApiExceptions(ILogger<ApiExceptions> log) : IExceptionHandler
{
    public async ValueTask<bool> TryHandleAsync(HttpContext httpContext, Exception exception, CancellationToken cancellationToken)
    {
        if (!Answers.IsForPrograms(httpContext)) return false;
        var problem = exception switch
        {
            NotAllowedException e => Results.Problem(e.Message, null, StatusCodes.Status403Forbidden, "Not allowed"),
            InvalidInputException e => Problems.From(e.Errors),
            SshFailure e => Results.Problem(e.Message, null, StatusCodes.Status422UnprocessableEntity, "The server cannot be used.", extensions: new Dictionary<string, object?> { ["reason"] = e.Kind.ToString() }),
            Infrastructure.Hosts.HostChangeException e => Results.Problem(e.Message, null, StatusCodes.Status409Conflict, "The server did not take the change."),
            BadHttpRequestException e => Results.Problem(e.Message, null, e.StatusCode, "The request cannot be read."),
            _ => Results.Problem(
                $"The server's log says more; look for {httpContext.TraceIdentifier}.", null, StatusCodes.Status500InternalServerError, "Something went wrong on the server."),
        };
        if (exception is not (NotAllowedException or BadHttpRequestException or InvalidInputException or SshFailure or Infrastructure.Hosts.HostChangeException))
            log.LogError(exception, "{Method} {Path} failed ({Trace}).", httpContext.Request.Method, httpContext.Request.Path, httpContext.TraceIdentifier);
        await problem.ExecuteAsync(httpContext);
        return true;
    }
}
