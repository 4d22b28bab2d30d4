using MigrationDashboard.Core;
using MigrationDashboard.Core.Servers;
using MigrationDashboard.Infrastructure.Migrations;
using MigrationDashboard.Infrastructure.Ssh;
using MigrationDashboard.Infrastructure.Stages;
using MigrationDashboard.Web.Security;

namespace MigrationDashboard.Web.Api;

internal static class ServersApi
{
    public sealed record LookRequest(string? Host, int? Port);

    public sealed record HostKeyView(string Key, string Type, string Fingerprint, string Randomart);

    public sealed record KeyRequest(string? Name, string? PrivateKey);

    public static void MapServers(this RouteGroupBuilder api)
    {
        var servers = api.MapGroup("/servers").WithTags("Servers");
        servers.MapGet("/", async (ServerStore store, CancellationToken cancel) => await store.ListAsync(cancel)).WithSummary("Registered servers.");
        servers.MapGet("/{id:guid}", async (Guid id, ServerStore store, CancellationToken cancel) =>
            await store.FindAsync(id, cancel) is { } server ? Results.Ok(server) : Problems.NotFound("server")).WithSummary("One server.").Produces<Server>();
        servers.MapPost("/look", async (LookRequest body, CancellationToken cancel) =>
                (await ServerRegistration.LookAsync(body.Host, body.Port, cancel)).Select(seen => new HostKeyView(seen.Key.ToString(), seen.Key.Type, seen.Key.Fingerprint, seen.Randomart)))
            .RequireAuthorization(Policies.Operate).WithSummary("Look at the host keys a server shows, before it is registered.");
        servers.MapPost("/", async (ServerInput body, ServerRegistration registration, CancellationToken cancel) =>
            {
                var server = await registration.AddAsync(body, cancel);
                return Results.Created($"/api/v1/servers/{server.Id}", server);
            })
            .RequireAuthorization(Policies.Operate).WithSummary("Register a server: signs in with the pinned host keys first.").Produces<Server>(StatusCodes.Status201Created).ProducesValidationProblem();
        servers.MapPost("/{id:guid}/test", async (Guid id, ServerStore store, ServerRegistration registration, CancellationToken cancel) =>
                await store.FindAsync(id, cancel) is { } server ? Results.Ok(new { said = await registration.TestAsync(RunContext.TargetOf(server), cancel) }) : Problems.NotFound("server"))
            .RequireAuthorization(Policies.Operate).WithSummary("Sign in anew and see that sudo works.");
        servers.MapDelete("/{id:guid}", async (Guid id, ServerStore store, CancellationToken cancel) => await store.RemoveAsync(id, cancel) ? Results.NoContent() : Problems.NotFound("server"))
            .RequireAuthorization(Policies.Operate).WithSummary("Forget a server that no migration uses.");

        var keys = api.MapGroup("/keys").WithTags("SSH keys");
        keys.MapGet("/", async (SshKeyStore store, CancellationToken cancel) => await store.ListAsync(cancel)).WithSummary("The dashboard's own keys; never the private parts.");
        keys.MapPost("/", AddKeyAsync).RequireAuthorization(Policies.Operate).WithSummary("Make a key, or take one over when privateKey is given.").Produces<StoredSshKey>(StatusCodes.Status201Created);
    }

    private static async Task<IResult> AddKeyAsync(KeyRequest body, SshKeys keys, SshKeyStore store, CancellationToken cancel)
    {
        var name = (body.Name ?? "").Trim();
        if (name.Length is 0 or > 60 || name.Any(char.IsControl))
            throw new InvalidInputException("name", "give the key a name of at most 60 characters");
        try
        {
            using var key = string.IsNullOrWhiteSpace(body.PrivateKey) ? await keys.GenerateAsync("migration-dashboard", cancel) : await keys.ImportAsync(body.PrivateKey, name, cancel);
            var stored = await store.AddAsync(name, key, cancel);
            return Results.Created($"/api/v1/keys/{stored.Id}", stored);
        }
        catch (ArgumentException error)
        {
            throw new InvalidInputException("privateKey", error.Message);
        }
    }
}
