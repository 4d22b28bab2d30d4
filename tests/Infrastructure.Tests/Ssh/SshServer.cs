using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using MigrationDashboard.Infrastructure.Processes;
using MigrationDashboard.Infrastructure.Ssh;

[assembly: AssemblyFixture(typeof(MigrationDashboard.Infrastructure.Tests.Ssh.SshServer))]

namespace MigrationDashboard.Infrastructure.Tests.Ssh;

/// <summary>
/// A real sshd on loopback with host keys of its own, and two accounts made for the tests: one that may run the dashboard's shell by sudo, one that may not.
/// Needs root, openssh-server and sudo.
/// </summary>
public sealed class SshServer : IAsyncLifetime
{
    private const string UserPrefix = "migdash-t";

    private readonly string _directory = Directory.CreateTempSubdirectory("migdash-sshd-").FullName;
    private readonly ConcurrentQueue<string> _log = new();
    private Process? _sshd;

    public ushort Port { get; private set; }

    public SshHostKey HostKey { get; private set; } = null!;

    public SshPrivateKey Key { get; private set; } = null!;

    public RuntimeDirectory Runtime { get; } = new();

    /// <summary>May run exactly the dashboard's shell as root.</summary>
    public string Sudoer { get; } = $"{UserPrefix}s{Environment.ProcessId}";

    /// <summary>May sign in and nothing else.</summary>
    public string Plain { get; } = $"{UserPrefix}p{Environment.ProcessId}";

    private string SudoersFile => $"/etc/sudoers.d/{Sudoer}";

    public async ValueTask InitializeAsync()
    {
        foreach (var needed in new[] { "/usr/sbin/sshd", "/usr/bin/sudo", "/usr/sbin/useradd" })
            Assert.True(File.Exists(needed), $"These tests need {needed}: apt-get install openssh-server sudo passwd");
        Assert.True(Environment.IsPrivilegedProcess, "These tests start sshd and make accounts: run them as root.");
        RemoveLeftoverUsers();

        File.SetUnixFileMode(_directory, (UnixFileMode)0x1ED); // 0755: sshd reads authorized_keys as the account
        Key = await new SshKeys(Runtime).GenerateAsync("test", default);
        await MakeHostKeyAsync("ed25519");
        await MakeHostKeyAsync("ecdsa");
        HostKey = SshHostKey.Parse(await File.ReadAllTextAsync($"{_directory}/ed25519.pub"));
        await File.WriteAllTextAsync($"{_directory}/authorized_keys", Key.PublicKey + "\n");
        foreach (var user in new[] { Sudoer, Plain })
            await RunAsync("useradd", "--system", "--home-dir", "/", "--no-create-home", "--shell", "/bin/sh", "--password", "*", user);
        await File.WriteAllTextAsync(SudoersFile, $"{Sudoer} ALL=(root) NOPASSWD: {SshCommand.ShellCommandLine}\n");
        File.SetUnixFileMode(SudoersFile, (UnixFileMode)0x120); // 0440, as sudo asks for
        Port = FreePort();
        Start();
        await WaitForPortAsync();
    }

    public async ValueTask DisposeAsync()
    {
        _sshd?.Kill();
        File.Delete(SudoersFile);
        foreach (var user in new[] { Sudoer, Plain })
            await LocalCommand.RunAsync("userdel", [user]);
        Directory.Delete(_directory, recursive: true);
        Key?.Dispose();
        Runtime.Dispose();
    }

    public static ushort FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return (ushort)((IPEndPoint)listener.LocalEndpoint).Port;
    }

    public string Log => string.Join('\n', _log);

    public SshTarget Target(string user = "root", int? port = null, SshHostKey? hostKey = null, Guid? keyId = null, bool pinned = true) =>
        new("127.0.0.1", (ushort)(port ?? Port), user, pinned ? [hostKey ?? HostKey] : [], keyId ?? TestKeys.Known);

    private void Start()
    {
        var config = $"{_directory}/sshd_config";
        File.WriteAllText(config, $"""
            Port {Port}
            ListenAddress 127.0.0.1
            HostKey {_directory}/ed25519
            HostKey {_directory}/ecdsa
            PidFile none
            UsePAM no
            StrictModes no
            AuthorizedKeysFile {_directory}/authorized_keys
            PasswordAuthentication no
            KbdInteractiveAuthentication no
            PermitRootLogin prohibit-password
            MaxStartups 200
            LogLevel VERBOSE
            Match User {Plain}
              MaxSessions 2

            """);
        Directory.CreateDirectory("/run/sshd");
        _sshd = TiedProcess.Start("KILL", [], "/usr/sbin/sshd", ["-D", "-e", "-f", config], info => info.RedirectStandardError = true);
        _sshd.ErrorDataReceived += (_, line) => _log.Enqueue(line.Data ?? "");
        _sshd.BeginErrorReadLine();
    }

    private async Task WaitForPortAsync()
    {
        for (var deadline = DateTime.UtcNow.AddSeconds(10); ;)
        {
            try
            {
                using var client = new TcpClient();
                await client.ConnectAsync(IPAddress.Loopback, Port);
                return;
            }
            catch (SocketException) when (DateTime.UtcNow < deadline && !_sshd!.HasExited)
            {
                await Task.Delay(20);
            }
            catch (SocketException)
            {
                Assert.Fail($"sshd did not start:\n{Log}");
            }
        }
    }

    private async Task MakeHostKeyAsync(string type) => await RunAsync("ssh-keygen", "-q", "-t", type, "-N", "", "-f", $"{_directory}/{type}");

    private static async Task RunAsync(string program, params string[] arguments)
    {
        var result = await LocalCommand.RunAsync(program, arguments);
        Assert.True(result.ExitCode == 0, $"{program}: {result.ErrorOutput}");
    }

    // Of test runs that were killed.
    private static void RemoveLeftoverUsers()
    {
        foreach (var name in File.ReadLines("/etc/passwd").Select(line => line.Split(':')[0]).Where(name => name.StartsWith(UserPrefix, StringComparison.Ordinal)).ToArray())
        {
            if (Directory.Exists($"/proc/{name[(UserPrefix.Length + 1)..]}"))
                continue;
            File.Delete($"/etc/sudoers.d/{name}");
            Process.Start("userdel", [name]).WaitForExit();
        }
    }
}

/// <summary>Keys in memory, for the agent.</summary>
public sealed class TestKeys(SshServer server) : ISshKeySource
{
    public static readonly Guid Known = Guid.Parse("11111111-1111-1111-1111-111111111111");
    public static readonly Guid Stranger = Guid.Parse("22222222-2222-2222-2222-222222222222");

    public int Reads { get; private set; }

    public async Task<SshPrivateKey?> ReadAsync(Guid id, CancellationToken cancellation)
    {
        Reads++;
        return id == Known ? new(server.Key.PublicKey, server.Key.PrivateKey.ToArray())
            : id == Stranger ? await new SshKeys(server.Runtime).GenerateAsync("stranger", cancellation)
            : null;
    }
}

/// <summary>What a test needs to run commands; everything is ended at its disposal.</summary>
public sealed class SshRig : IAsyncDisposable
{
    public SshRig(SshServer server, SshOptions? options = null)
    {
        Keys = new(server);
        Agent = new(Keys, Directory, TimeProvider.System);
        Ssh = new(Agent, Directory, options ?? new SshOptions { ConnectTimeout = TimeSpan.FromSeconds(3) });
    }

    public RuntimeDirectory Directory { get; } = new();

    public TestKeys Keys { get; }

    public SshAgent Agent { get; }

    public OpenSsh Ssh { get; }

    public async ValueTask DisposeAsync()
    {
        await Ssh.DisposeAsync();
        await Agent.DisposeAsync();
        Directory.Dispose();
    }
}
