using MigrationDashboard.Core;
using MigrationDashboard.Core.Inventory;
using MigrationDashboard.Core.Servers;
using MigrationDashboard.Infrastructure.Migrations;

namespace MigrationDashboard.Web.Api;

/// <summary>Two servers that a migration could be between: what the wizard offers, for programs.</summary>
internal static class PairsApi
{
    /// <param name="Existing">Networks both servers are on, as their inventories say; the Link stage asks the peer itself.</param>
    /// <param name="Tunnels">A tunnel of each kind with names, networks and ports that collide with nothing on the two.</param>
    /// <param name="Workloads">What runs on the old server and could move.</param>
    public sealed record PairView(Guid Old, Guid New, ValueList<Link> Existing, ValueList<Link> Tunnels, ValueList<WorkloadCandidate> Workloads);

    public static void MapPairs(this RouteGroupBuilder api) => api.MapGroup("/pairs").WithTags("Pairs")
        .MapGet("/{old:guid}/{new:guid}", async (Guid old, Guid @new, ServerStore servers, MigrationStore migrations, CancellationToken cancel) =>
        {
            if (old == @new)
                throw new InvalidInputException("new", "the application cannot move to the server it is on: choose another");
            if (await servers.InventoryAsync(old, cancel) is not { } first || await servers.InventoryAsync(@new, cancel) is not { } second)
                return Problems.NotFound("reading of one of these servers");
            var (from, to) = (CoreJson.Read<HostInventory>(first.Json), CoreJson.Read<HostInventory>(second.Json));
            var taken = (await migrations.ListAsync(new(ActiveOnly: true, Take: 500), cancel)).Items.Select(item => item.Migration.Spec)
                .Where(spec => new[] { old, @new }.Intersect([spec.OldServer, spec.NewServer]).Any()).Select(spec => spec.Link).ToList();
            return Results.Ok(new PairView(old, @new, LinkProposals.Existing(from, to),
                [.. new[] { LinkKind.OpenVpnTap, LinkKind.Vxlan }.Select(kind => LinkProposals.Tunnel(from, to, kind, taken)).OfType<Link>()], Discovery.Workloads(from)));
        })
        .WithSummary("Links two servers could have and workloads that could move, from what was last read of them.").Produces<PairView>().ProducesValidationProblem();
}
