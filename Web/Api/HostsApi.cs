using MigrationDashboard.Infrastructure.Drifts;
using MigrationDashboard.Web.Security;

namespace MigrationDashboard.Web.Api;

/// <summary>What hosts really have, beside what the migration says.</summary>
internal static class HostsApi
{
    public static void MapHosts(this RouteGroupBuilder api)
    {
        var hosts = api.MapGroup("/migrations/{id:guid}").WithTags("Hosts");
        hosts.MapGet("/hosts", async (Guid id, HostAgreement agreement, CancellationToken cancel) => await agreement.AskAsync(id, cancel) is { } found ? Results.Ok(found) : Problems.NotFound("migration"))
            .WithSummary("Asks both servers, now, whether they have what the stage asks for.").Produces<IReadOnlyList<HostFound>>();
        hosts.MapGet("/drift", async (Guid id, DriftStore drifts, CancellationToken cancel) => await drifts.OfMigrationAsync(id, cancel))
            .WithSummary("What somebody else has changed on the servers, as last seen; empty when nothing.").Produces<IReadOnlyList<HostDrift>>();
        hosts.MapPost("/reapply", async (Guid id, HttpContext context, HostAgreement agreement, CancellationToken cancel) => await agreement.ReapplyAsync(context.Actor(), id, cancel) ? Results.NoContent() : Problems.NotFound("migration"))
            .RequireAuthorization(Policies.Operate).WithSummary("Sets servers that are not as they should be to the stage's configuration again.");
    }
}
