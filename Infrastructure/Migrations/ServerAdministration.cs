using MigrationDashboard.Core;
using MigrationDashboard.Core.Inventory;
using MigrationDashboard.Core.Servers;
using MigrationDashboard.Core.Users;
using MigrationDashboard.Infrastructure.Audit;
using MigrationDashboard.Infrastructure.Hosts;
using MigrationDashboard.Infrastructure.Ssh;
using MigrationDashboard.Infrastructure.Stages;

namespace MigrationDashboard.Infrastructure.Migrations;

/// <summary>What people do with servers and the dashboard's keys. Every method checks the actor's role itself and leaves an audit entry.</summary>
public sealed class ServerAdministration(ServerStore servers, ServerRegistration registration, HostReader reader, SshKeyStore keys, SshKeys pairs, ActionLog log, TimeProvider time)
{
    public const int LongestKeyName = 60;

    /// <exception cref="InvalidInputException">Host or port are none.</exception>
    /// <exception cref="SshFailure">The server cannot be reached.</exception>
    public async Task<IReadOnlyList<SeenHostKey>> LookAsync(Actor actor, string? host, int? port, CancellationToken cancellation)
    {
        actor.Require(Role.Operator);
        var name = (host ?? "").Trim();
        return await RecordedAsync(actor, "server.look", name, async () =>
        {
            var seen = await ServerRegistration.LookAsync(host, port, cancellation);
            return (seen, $"{name} port {port ?? 22} shows {string.Join(", ", seen.Select(one => $"{one.Key.Type} {one.Key.Fingerprint}"))}");
        }, cancellation);
    }

    /// <summary>Signs in as it will be done for everything else, and stores the server when that works.</summary>
    /// <exception cref="InvalidInputException">With every field that is wrong.</exception>
    /// <exception cref="SshFailure">The server was not stored, and why.</exception>
    public async Task<Server> AddAsync(Actor actor, ServerInput input, CancellationToken cancellation)
    {
        actor.Require(Role.Operator);
        return await RecordedAsync(actor, "server.register", (input.Name ?? "").Trim(), async () =>
        {
            var server = await registration.AddAsync(input, cancellation);
            return (server, $"{server.User}@{server.Host} port {server.Port}, pinned {string.Join(", ", server.HostKeys.Select(key => SshHostKey.Parse(key).Fingerprint))}");
        }, cancellation);
    }

    /// <returns>What the server said of itself; null when there is no such server.</returns>
    /// <exception cref="SshFailure">It cannot be used, and why.</exception>
    public async Task<string?> TestAsync(Actor actor, Guid id, CancellationToken cancellation)
    {
        actor.Require(Role.Operator);
        if (await servers.FindAsync(id, cancellation) is not { } server)
            return null;
        return await RecordedAsync(actor, "server.test", server.Name, async () =>
        {
            var said = await registration.TestAsync(RunContext.TargetOf(server), cancellation);
            return (said, said);
        }, cancellation);
    }

    /// <summary>Reads the server and keeps what was read, for pages. Changes nothing on it.</summary>
    /// <returns>Null when there is no such server.</returns>
    /// <exception cref="SshFailure">It cannot be read, and why.</exception>
    public async Task<HostInventory?> ReadAsync(Actor actor, Guid id, CancellationToken cancellation)
    {
        actor.Require(Role.Operator);
        if (await servers.FindAsync(id, cancellation) is not { } server)
            return null;
        return await RecordedAsync(actor, "server.read", server.Name, async () =>
        {
            var inventory = await reader.ReadAsync(RunContext.TargetOf(server), null, cancellation);
            await servers.SaveInventoryAsync(id, CoreJson.Write(inventory), time.GetUtcNow(), cancellation);
            return (inventory, $"{inventory.System.Distribution}, kernel {inventory.System.KernelRelease}");
        }, cancellation);
    }

    /// <exception cref="InvalidInputException">A migration uses the server.</exception>
    public async Task<bool> RemoveAsync(Actor actor, Guid id, CancellationToken cancellation)
    {
        actor.Require(Role.Operator);
        if (await servers.FindAsync(id, cancellation) is not { } server)
            return false;
        return await RecordedAsync(actor, "server.remove", server.Name, async () => (await servers.RemoveAsync(id, cancellation), $"{server.User}@{server.Host} port {server.Port}"), cancellation);
    }

    /// <summary>Makes a key pair, or takes one over.</summary>
    /// <param name="privateKey">Null or empty to make one.</param>
    /// <exception cref="InvalidInputException">The name is taken or none, or this is no key that can be used.</exception>
    public async Task<StoredSshKey> AddKeyAsync(Actor actor, string? name, string? privateKey, CancellationToken cancellation)
    {
        actor.Require(Role.Operator);
        var wanted = (name ?? "").Trim();
        if (wanted.Length is 0 or > LongestKeyName || wanted.Any(char.IsControl))
            throw new InvalidInputException("name", $"give the key a name of at most {LongestKeyName} characters");
        var making = string.IsNullOrWhiteSpace(privateKey);
        try
        {
            using var key = making ? await pairs.GenerateAsync("migration-dashboard", cancellation) : await pairs.ImportAsync(privateKey!, wanted, cancellation);
            var stored = await keys.AddAsync(wanted, key, cancellation);
            await log.DoneAsync(actor, making ? "key.make" : "key.import", $"{wanted}, {stored.Fingerprint}", cancellation);
            return stored;
        }
        catch (ArgumentException error)
        {
            throw new InvalidInputException(making || error.Message.Contains("named", StringComparison.Ordinal) ? "name" : "privateKey", error.Message);
        }
    }

    private async Task<T> RecordedAsync<T>(Actor actor, string action, string host, Func<Task<(T Result, string Detail)>> work, CancellationToken cancellation)
    {
        try
        {
            var (result, detail) = await work();
            await log.DoneAsync(actor, action, detail, cancellation, host: host);
            return result;
        }
        catch (SshFailure failure)
        {
            await log.FailedAsync(actor, action, $"{failure.Kind}: {failure.Message}", cancellation, host: host.Length == 0 ? null : host);
            throw;
        }
        catch (InvalidInputException refused)
        {
            await log.RefusedAsync(actor, action, refused.Message, cancellation, host: host.Length == 0 ? null : host);
            throw;
        }
    }
}
