using System.Globalization;
using MigrationDashboard.Infrastructure.Processes;
using MigrationDashboard.Infrastructure.Ssh;

namespace MigrationDashboard.Infrastructure.Tests;

/// <summary>What <see cref="ChildProcess"/> can play.</summary>
internal static class Roles
{
    /// <returns>The line that tells the test it is ready.</returns>
    public static Task<string> PlayAsync(string role, string[] arguments) => role switch
    {
        "ssh" => HoldConnectionAsync(arguments),
        _ => throw new ArgumentException($"No role {role}."),
    };

    // Port, host key, file of the private key. Answers with the runtime directory.
    private static async Task<string> HoldConnectionAsync(string[] arguments)
    {
        var directory = new RuntimeDirectory();
        var keys = new OneKey(await File.ReadAllTextAsync(arguments[2]), new SshKeys(directory));
        var ssh = new OpenSsh(new SshAgent(keys, directory, TimeProvider.System), directory, new SshOptions());
        var target = new SshTarget("127.0.0.1", ushort.Parse(arguments[0], CultureInfo.InvariantCulture), "root", [SshHostKey.Parse(arguments[1])], Guid.Empty);
        await ssh.RunAsync(target, new("true"), default);
        GC.KeepAlive(ssh);
        return directory.Path;
    }

    private sealed class OneKey(string pem, SshKeys keys) : ISshKeySource
    {
        public async Task<SshPrivateKey?> ReadAsync(Guid id, CancellationToken cancellation) => await keys.ImportAsync(pem, "child", cancellation);
    }
}
