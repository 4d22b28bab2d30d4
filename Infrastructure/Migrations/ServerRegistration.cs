using MigrationDashboard.Core;
using MigrationDashboard.Core.Servers;
using MigrationDashboard.Infrastructure.Ssh;

namespace MigrationDashboard.Infrastructure.Migrations;

/// <summary>A server as somebody types it.</summary>
/// <param name="HostKeys">The keys the operator has seen and accepted, as <see cref="SshHostKey"/> writes them; at least one.</param>
public sealed record ServerInput(string? Name, string? Host, int? Port, string? User, IReadOnlyList<string>? HostKeys, Guid? KeyId);

/// <summary>Registers servers: looks at host keys, pins them, signs in once before anything is stored.</summary>
public sealed class ServerRegistration(ServerStore servers, SshKeyStore keys, OpenSsh ssh, TimeProvider time)
{
    /// <summary>Reads who we are and whether sudo works; changes nothing.</summary>
    private const string WhoScript = "printf '%s %s\\n' \"$(id -un)\" \"$(uname -sr)\"";

    public const int LongestName = 60;

    /// <exception cref="InvalidInputException">Host or port are none.</exception>
    /// <exception cref="SshFailure">The server cannot be reached.</exception>
    public static Task<IReadOnlyList<SeenHostKey>> LookAsync(string? host, int? port, CancellationToken cancellation) =>
        HostKeyScan.LookAsync(Target(host, port, "nobody", [], Guid.Empty), cancellation);

    /// <summary>Signs in as it will be done for everything else, and stores the server when that works.</summary>
    /// <exception cref="InvalidInputException">With every field that is wrong.</exception>
    /// <exception cref="SshFailure">The server was not stored: it cannot be reached, shows another key, refuses ours or has no sudo.</exception>
    public async Task<Server> AddAsync(ServerInput input, CancellationToken cancellation)
    {
        var errors = new List<FieldError>();
        var name = (input.Name ?? "").Trim();
        if (name.Length is 0 or > LongestName || name.Any(char.IsControl))
            errors.Add(new("name", name.Length == 0 ? "give the server a name" : $"a name has at most {LongestName} characters and no control characters"));
        var hostKeys = new List<SshHostKey>();
        foreach (var line in input.HostKeys ?? [])
            try
            {
                hostKeys.Add(SshHostKey.Parse(line));
            }
            catch (ArgumentException error)
            {
                errors.Add(new("hostKeys", error.Message));
            }

        if (hostKeys.Count == 0 && errors.TrueForAll(error => error.Field != "hostKeys"))
            errors.Add(new("hostKeys", "compare the server's host key and accept it: without a pinned key nobody knows who answers"));
        var key = input.KeyId is { } id ? await keys.FindAsync(id, cancellation) : null;
        if (key is null)
            errors.Add(new("keyId", input.KeyId is null ? "choose the key the dashboard signs in with" : "there is no such key"));
        SshTarget? target = null;
        try
        {
            target = Target(input.Host, input.Port, string.IsNullOrWhiteSpace(input.User) ? "root" : input.User.Trim(), hostKeys, input.KeyId ?? Guid.Empty);
        }
        catch (InvalidInputException error)
        {
            errors.AddRange(error.Errors);
        }

        if (errors.Count > 0)
            throw new InvalidInputException(errors);
        await TestAsync(target!, cancellation);
        var server = new Server(Guid.NewGuid(), name, target!.Host, target.Port, target.User, hostKeys.Select(line => line.ToString()).ToValueList(), key!.Id, time.GetUtcNow());
        await servers.AddAsync(server, cancellation);
        return server;
    }

    /// <returns>What the server said of itself: account and kernel.</returns>
    /// <exception cref="SshFailure">It cannot be used, and why.</exception>
    public async Task<string> TestAsync(SshTarget target, CancellationToken cancellation) =>
        (await ssh.RunAsync(target, new SshCommand(WhoScript) { Name = "test connection", Limit = TimeSpan.FromSeconds(20), NewConnection = true }, cancellation)).Output.Trim();

    private static SshTarget Target(string? host, int? port, string user, IEnumerable<SshHostKey> hostKeys, Guid key)
    {
        if (port is < 1 or > 65535)
            throw new InvalidInputException("port", "ports go from 1 to 65535");
        try
        {
            return new((host ?? "").Trim(), (ushort)(port ?? 22), user, hostKeys, key);
        }
        catch (ArgumentException error)
        {
            throw new InvalidInputException(error.ParamName ?? "host", error.Message.Split(" (Parameter", 2)[0]);
        }
    }
}
