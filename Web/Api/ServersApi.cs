using MigrationDashboard.Core;
using MigrationDashboard.Core.Inventory;
using MigrationDashboard.Core.Servers;
using MigrationDashboard.Infrastructure.Migrations;
using MigrationDashboard.Infrastructure.Ssh;
using MigrationDashboard.Web.Security;

namespace MigrationDashboard.Web.Api;

internal static class ServersApi
{
    public sealed record LookRequest(string? Host, int? Port);

    public sealed record HostKeyView(string Key, string Type, string Fingerprint, string Randomart);

    public sealed record InventoryView(DateTimeOffset At, HostInventory Inventory);

    public sealed record KeyRequest(string? Name, string? PrivateKey);

    public static void MapServers(this RouteGroupBuilder api)
    {
        var servers = api.MapGroup("/servers").WithTags("Servers");
        servers.MapGet("/", async (ServerStore store, CancellationToken cancel) => await store.ListAsync(cancel)).WithSummary("Registered servers.");
        servers.MapGet("/{id:guid}", async (Guid id, ServerStore store, CancellationToken cancel) =>
            await store.FindAsync(id, cancel) is { } server ? Results.Ok(server) : Problems.NotFound("server")).WithSummary("One server.").Produces<Server>();
        servers.MapPost("/look", async (LookRequest body, HttpContext context, ServerAdministration administration, CancellationToken cancel) =>
                (await administration.LookAsync(context.Actor(), body.Host, body.Port, cancel)).Select(seen => new HostKeyView(seen.Key.ToString(), seen.Key.Type, seen.Key.Fingerprint, seen.Randomart)))
            .RequireAuthorization(Policies.Operate).WithSummary("Look at the host keys a server shows, before it is registered.");
        servers.MapPost("/", async (ServerInput body, HttpContext context, ServerAdministration administration, CancellationToken cancel) =>
            {
                var server = await administration.AddAsync(context.Actor(), body, cancel);
                return Results.Created($"/api/v1/servers/{server.Id}", server);
            })
            .RequireAuthorization(Policies.Operate).WithSummary("Register a server: signs in with the pinned host keys first.").Produces<Server>(StatusCodes.Status201Created).ProducesValidationProblem();
        servers.MapPost("/{id:guid}/test", async (Guid id, HttpContext context, ServerAdministration administration, CancellationToken cancel) =>
                await administration.TestAsync(context.Actor(), id, cancel) is { } said ? Results.Ok(new { said }) : Problems.NotFound("server"))
            .RequireAuthorization(Policies.Operate).WithSummary("Sign in anew and see that sudo works.");
        servers.MapGet("/{id:guid}/inventory", async (Guid id, ServerStore store, CancellationToken cancel) =>
                await store.InventoryAsync(id, cancel) is { } read ? Results.Ok(new InventoryView(read.At, CoreJson.Read<HostInventory>(read.Json))) : Problems.NotFound("reading of this server"))
            .WithSummary("What was last read from the server.").Produces<InventoryView>();
        servers.MapPost("/{id:guid}/inventory", async (Guid id, HttpContext context, ServerAdministration administration, CancellationToken cancel) =>
                await administration.ReadAsync(context.Actor(), id, cancel) is { } inventory ? Results.Ok(inventory) : Problems.NotFound("server"))
            .RequireAuthorization(Policies.Operate).WithSummary("Read the server; changes nothing on it.").Produces<HostInventory>();
        servers.MapDelete("/{id:guid}", async (Guid id, HttpContext context, ServerAdministration administration, CancellationToken cancel) =>
                await administration.RemoveAsync(context.Actor(), id, cancel) ? Results.NoContent() : Problems.NotFound("server"))
            .RequireAuthorization(Policies.Operate).WithSummary("Forget a server that no migration uses.");

        var keys = api.MapGroup("/keys").WithTags("SSH keys");
        keys.MapGet("/", async (SshKeyStore store, CancellationToken cancel) => await store.ListAsync(cancel)).WithSummary("The dashboard's own keys; never the private parts.");
        keys.MapPost("/", async (KeyRequest body, HttpContext context, ServerAdministration administration, CancellationToken cancel) =>
            {
                var stored = await administration.AddKeyAsync(context.Actor(), body.Name, body.PrivateKey, cancel);
                return Results.Created($"/api/v1/keys/{stored.Id}", stored);
            })
            .RequireAuthorization(Policies.Operate).WithSummary("Make a key, or take one over when privateKey is given.").Produces<StoredSshKey>(StatusCodes.Status201Created).ProducesValidationProblem();
    }
}
