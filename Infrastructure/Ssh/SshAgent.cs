using System.Diagnostics;
using System.Globalization;
using System.Text;
using MigrationDashboard.Infrastructure.Processes;

namespace MigrationDashboard.Infrastructure.Ssh;

/// <summary>A private ssh-agent: keys go from memory to its memory and are never in clear in a file.</summary>
/// <remarks>
/// The agent runs as <c>ssh-agent COMMAND</c> with a command that waits for the end of its stdin. When this process dies, even by SIGKILL,
/// the command ends, and the agent follows within ten seconds (ssh-agent(1) looks at its parent that often).
/// The kernel's parent-death signal does not work for it, since Debian installs it set-group-ID.
/// </remarks>
public sealed class SshAgent(ISshKeySource keys, RuntimeDirectory directory, TimeProvider clock) : IAsyncDisposable
{
    /// <summary>How long a key stays in the agent: it is needed while a connection signs in, not afterwards.</summary>
    public static readonly TimeSpan KeyLifetime = TimeSpan.FromMinutes(5);

    // A key about to expire is added again: signing in takes at most the connect timeouts.
    private static readonly TimeSpan Margin = TimeSpan.FromMinutes(1);

    private readonly SemaphoreSlim _gate = new(1, 1);
    private readonly Dictionary<Guid, (string PublicKeyFile, DateTimeOffset Until)> _loaded = [];
    private Process? _holder;
    private int _agentId;

    public string Socket { get; } = directory.File("agent");

    /// <summary>Makes sure that the agent holds the key for the next minute at least.</summary>
    /// <returns>File of the public key, by which ssh picks the private one.</returns>
    /// <exception cref="KeyNotFoundException">There is no such key.</exception>
    public async Task<string> LoadAsync(Guid keyId, CancellationToken cancellation)
    {
        await _gate.WaitAsync(cancellation);
        try
        {
            await EnsureRunningAsync(cancellation);
            if (_loaded.TryGetValue(keyId, out var loaded) && loaded.Until - clock.GetUtcNow() > Margin)
                return loaded.PublicKeyFile;

            using var key = await keys.ReadAsync(keyId, cancellation) ?? throw new KeyNotFoundException($"There is no SSH key {keyId}.");
            var file = await directory.WriteAsync($"{keyId:N}.pub", Encoding.ASCII.GetBytes(key.PublicKey + "\n"), cancellation);
            var until = clock.GetUtcNow() + KeyLifetime;
            string[] arguments = ["-q", "-t", KeyLifetime.TotalSeconds.ToString(CultureInfo.InvariantCulture), "-"];
            var added = await LocalCommand.RunAsync("ssh-add", arguments, key.PrivateKey, new Dictionary<string, string> { ["SSH_AUTH_SOCK"] = Socket }, cancellation);
            if (added.ExitCode != 0)
                throw new InvalidOperationException($"ssh-add refused the key {key.Fingerprint}: {added.ErrorOutput.Trim()}");
            _loaded[keyId] = (file, until);
            return file;
        }
        finally
        {
            _gate.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _gate.Dispose();
    }

    private async Task EnsureRunningAsync(CancellationToken cancellation)
    {
        if (_holder is { HasExited: false } && Runs(_agentId))
            return;
        await StopAsync();
        _loaded.Clear();
        File.Delete(Socket);
        var info = new ProcessStartInfo("setsid", ["ssh-agent", "-a", Socket, "/bin/sh", "-c", "echo \"$SSH_AGENT_PID\"; exec cat >/dev/null"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        _holder = Process.Start(info)!;
        var line = await _holder.StandardOutput.ReadLineAsync(cancellation);
        if (!int.TryParse(line, CultureInfo.InvariantCulture, out _agentId))
            throw new InvalidOperationException("ssh-agent did not start.");
    }

    // The holder never waits for its child, so an agent that was killed stays as a zombie: proc(5), third field of stat.
    private static bool Runs(int processId)
    {
        var stat = $"/proc/{processId}/stat";
        return File.Exists(stat) && File.ReadAllText(stat) is var text && text[text.LastIndexOf(')') + 2] != 'Z';
    }

    private async Task StopAsync()
    {
        if (_holder is null)
            return;
        // The agent first, while its parent still lives and its id cannot have been given to another process.
        if (!_holder.HasExited && _agentId != 0)
        {
            try
            {
                using var agent = Process.GetProcessById(_agentId);
                agent.Kill();
            }
            catch (ArgumentException)
            {
                // It has ended by itself.
            }
        }

        _holder.StandardInput.Close();
        await _holder.WaitForExitAsync();
        _holder.Dispose();
        _holder = null;
        _agentId = 0;
    }
}
