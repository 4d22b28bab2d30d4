using System.Globalization;
using MigrationDashboard.Infrastructure.Processes;
using MigrationDashboard.Infrastructure.Postgres;
using MigrationDashboard.Infrastructure.Ssh;
using Npgsql;

namespace MigrationDashboard.Infrastructure.Tests;

/// <summary>What <see cref="ChildProcess"/> can play.</summary>
internal static class Roles
{
    /// <returns>The line that tells the test it is ready.</returns>
    public static Task<string> PlayAsync(string role, string[] arguments) => role switch
    {
        "ssh" => HoldConnectionAsync(arguments),
        "postgres" => RunPostgresAsync(arguments[0]),
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

    // Data folder. Answers with the server's process id.
    private static async Task<string> RunPostgresAsync(string folder)
    {
        var postgres = await EmbeddedPostgres.StartAsync(folder, default);
        await using var source = NpgsqlDataSource.Create(postgres.ConnectionString);
        await using var command = source.CreateCommand("CREATE TABLE role AS SELECT 'committed' AS value");
        await command.ExecuteNonQueryAsync();
        return postgres.ProcessId.ToString(CultureInfo.InvariantCulture);
    }

    private sealed class OneKey(string pem, SshKeys keys) : ISshKeySource
    {
        public async Task<SshPrivateKey?> ReadAsync(Guid id, CancellationToken cancellation) => await keys.ImportAsync(pem, "child", cancellation);
    }
}
