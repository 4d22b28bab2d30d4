using System.Collections.Concurrent;
using System.Diagnostics;
using MigrationDashboard.Infrastructure.Processes;

namespace MigrationDashboard.Infrastructure.Ssh;

/// <summary>One TCP connection to one target: a <c>ssh -N -M</c> child that other ssh processes share (ssh_config(5), ControlMaster).</summary>
internal sealed class SshConnection : IAsyncDisposable
{
    private readonly Process _master;
    private readonly Task<string> _log;
    private readonly Task _ended;

    private SshConnection(Process master, Task<string> log, string socket, int sessions)
    {
        _master = master;
        _log = log;
        _ended = master.WaitForExitAsync();
        Socket = socket;
        Sessions = new(sessions, sessions);
    }

    public string Socket { get; }

    /// <summary>One place for each command at once.</summary>
    public SemaphoreSlim Sessions { get; }

    /// <summary>Scripts that wait on the host: they give way when it has no place for another session.</summary>
    public ConcurrentDictionary<Poised, bool> Waiting { get; } = new();

    public bool IsOpen => !_ended.IsCompleted;

    /// <param name="config">File with what <see cref="SshConfig.Render"/> gives.</param>
    /// <param name="socket">A path nobody has used before.</param>
    /// <exception cref="SshFailure">No connection: unreachable, refused, host key or authentication.</exception>
    public static async Task<SshConnection> OpenAsync(SshTarget target, string config, string socket, SshOptions options, CancellationToken cancellation)
    {
        var master = TiedProcess.Start("TERM", [], "ssh", ["-F", config, "-N", "-T", "-M", "-S", socket, SshConfig.TargetAlias], info =>
        {
            info.RedirectStandardInput = true;
            info.RedirectStandardOutput = true;
            info.RedirectStandardError = true;
            info.Environment["LC_ALL"] = "C";
        });
        master.StandardInput.Close();
        var log = KeepEndAsync(master.StandardError);
        var connection = new SshConnection(master, log, socket, options.SessionsPerConnection);
        try
        {
            // ssh makes the socket once it is signed in. Its own ConnectTimeout does not bound authentication: hence twice that, and some seconds for slow hosts.
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            limit.CancelAfter((2 * options.ConnectTimeout) + TimeSpan.FromSeconds(5));
            while (!File.Exists(socket))
            {
                if (!connection.IsOpen)
                    throw SshDiagnosis.NoConnection(target, await log);
                await Task.Delay(5, limit.Token);
            }

            return connection;
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            await connection.DisposeAsync();
            throw new SshFailure(SshFailureKind.Unreachable, target, $"{target}: it did not finish the SSH handshake in time.");
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    /// <summary>Waits a moment for the master to be seen as ended: a client may notice before the kernel has told us.</summary>
    public async Task<bool> HasEndedAsync()
    {
        await Task.WhenAny(_ended, Task.Delay(TimeSpan.FromMilliseconds(200)));
        return !IsOpen;
    }

    /// <summary>What the master said at its end; empty while it lives.</summary>
    public async Task<string> LastWordsAsync() => IsOpen ? "" : (await _log).Trim();

    public async ValueTask DisposeAsync()
    {
        if (IsOpen)
            _master.Kill();
        await _ended;
        await _log;
        _master.Dispose();
        File.Delete(Socket);
    }

    // A master may live for months: only the end of what it prints is kept.
    private static async Task<string> KeepEndAsync(StreamReader reader)
    {
        var kept = "";
        var buffer = new char[4096];
        while (await reader.ReadAsync(buffer) is var count and > 0)
        {
            kept += new string(buffer, 0, count);
            if (kept.Length > 16_384)
                kept = kept[^8_192..];
        }

        return kept;
    }
}
