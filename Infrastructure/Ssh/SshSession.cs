using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using MigrationDashboard.Infrastructure.Processes;

namespace MigrationDashboard.Infrastructure.Ssh;

/// <summary>One command over an open connection.</summary>
/// <param name="logFile">A path nobody has used before, for what the ssh client itself has to say.</param>
/// <param name="onLine">Given each line as it comes; null to collect the output instead.</param>
/// <param name="word">The script begins with this, as the command it names; null at once.</param>
internal sealed class SshSession(SshConnection connection, SshTarget target, SshCommand command, string logFile, Func<SshLine, ValueTask>? onLine, Task<Poised.Word>? word = null)
{
    // A plan or a read-back is far below 1 MB; output beyond this is a runaway, and would fill this process's memory.
    private const int MostOutput = 64 * 1024 * 1024;

    // Of a stream's error output, for the message of a failure.
    private const int LastErrorLines = 50;

    private readonly string _marker = "migration-dashboard-start-" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));
    private SshOutput _output = null!;
    private SshOutput _errors = null!;
    private SshCommand _command = command;
    private bool _begun = word is null;

    /// <summary>False when it is certain that the host never got the command.</summary>
    public bool WasSent { get; private set; }

    /// <summary>The server takes no more sessions on this connection for now.</summary>
    public bool WasRefused { get; private set; }

    /// <returns>Null when nothing was sent: no session was given, or the connection had ended before.</returns>
    /// <exception cref="SshFailure">Any kind that a command can end with.</exception>
    public async Task<SshResult?> RunAsync(CancellationToken cancellation)
    {
        var sink = word is null ? onLine : async line => await (await word).OnLine(line);
        _output = new(_marker, isError: false, sink, 0, MostOutput);
        _errors = new(_marker, isError: true, sink, LastErrorLines, MostOutput);
        var input = _command.Input(_marker, poised: word is not null);
        var clock = Stopwatch.StartNew();
        WasSent = true;
        try
        {
            using var client = StartClient();
            await WaitAsync(client, input, clock, cancellation);
            if (!_begun)
            {
                WasSent = false;
                return null;
            }

            var log = client.ExitCode == 255 && File.Exists(logFile) ? await File.ReadAllTextAsync(logFile, cancellation) : "";
            if (!_output.Started && SshDiagnosis.NeverStarted(log))
            {
                WasSent = false;
                WasRefused = SshDiagnosis.SessionRefused(log);
                return null;
            }

            await ThrowIfFailedAsync(client.ExitCode, log);
            return new(client.ExitCode, _output.Text, _errors.Text, clock.Elapsed);
        }
        finally
        {
            // The arguments may hold secrets.
            CryptographicOperations.ZeroMemory(input);
            File.Delete(logFile);
        }
    }

    private async Task WaitAsync(Process client, byte[] input, Stopwatch clock, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        if (word is null)
            limit.CancelAfter(_command.Limit);
        // The readers end with the pipes and not with the token, so that what came before a timeout is kept.
        var readers = Task.WhenAll(StopAllOnFault(_output.ReadAsync(client.StandardOutput)), StopAllOnFault(_errors.ReadAsync(client.StandardError)));
        try
        {
            var feed = word is null ? LocalCommand.FeedAsync(client, input, limit.Token) : FeedAsync(client, input, word, clock, limit);
            await readers.WaitAsync(limit.Token);
            await client.WaitForExitAsync(limit.Token);
            // What it still waits for is of no use to a script that has ended.
            if (word is not null)
                await limit.CancelAsync();
            await feed;
        }
        catch (Exception problem)
        {
            client.Kill();
            // The master closes the pipes as soon as it sees its client gone; it is not waited for if it hangs.
            await Task.WhenAny(readers, Task.Delay(TimeSpan.FromSeconds(2), CancellationToken.None));
            cancellation.ThrowIfCancellationRequested();
            if (readers.Exception?.InnerException is { } fault)
                throw fault is InvalidDataException ? Failure(SshFailureKind.CommandFailed, $"“{_command.Name}”: {fault.Message}", null) : fault;
            if (problem is not OperationCanceledException)
                throw;
            throw Failure(SshFailureKind.TimedOut, $"“{_command.Name}” did not end within {_command.Limit.TotalSeconds:0.#} s; it may still be running there.", null);
        }

        async Task StopAllOnFault(Task reader)
        {
            try
            {
                await reader;
            }
            catch
            {
                await limit.CancelAsync();
                throw;
            }
        }
    }

    /// <summary>The go is not sent before the host has read the script: its shell would take it for more of that.</summary>
    private async Task FeedAsync(Process client, byte[] input, Task<Poised.Word> word, Stopwatch clock, CancellationTokenSource limit)
    {
        try
        {
            var stream = client.StandardInput.BaseStream;
            await stream.WriteAsync(input, limit.Token);
            await stream.FlushAsync(limit.Token);
            await _output.Start.WaitAsync(limit.Token);
            _command = (await word.WaitAsync(limit.Token)).As;
            _begun = true;
            clock.Restart();
            limit.CancelAfter(_command.Limit);
            await stream.WriteAsync(SshCommand.GoLine.ToArray(), limit.Token);
            await stream.FlushAsync(limit.Token);
        }
        catch (Exception problem) when (problem is IOException or ObjectDisposedException || limit.IsCancellationRequested)
        {
            // The client is gone, or not wanted any more: the script sees the end of its input, and its own end tells.
        }
        finally
        {
            client.StandardInput.Close();
        }
    }

    private async Task ThrowIfFailedAsync(int code, string log)
    {
        if (code == 255 && (SshDiagnosis.MasterEnded(log) || await connection.HasEndedAsync()))
            throw Failure(SshFailureKind.ConnectionLost, $"the connection was lost while “{_command.Name}” ran; whether it ended is not known. {await connection.LastWordsAsync()}", null);
        if (_output.Started)
        {
            if (code != 0 && !_command.AnyExitCode)
                throw Failure(SshFailureKind.CommandFailed, $"“{_command.Name}” ended with exit code {code}. {Tail(_errors.Text)}", code);
            return;
        }

        var said = $"{_errors.Text}\n{_output.BeforeStart}".Trim();
        throw _command.CommandLine(target.User) == SshCommand.SudoCommandLine && said.Contains("sudo", StringComparison.Ordinal)
            ? Failure(SshFailureKind.NoSudo, $"the account {target.User} may not run “{SshCommand.ShellCommandLine}” as root without a password. {Tail(said)}", code)
            : Failure(SshFailureKind.CommandFailed, $"“{_command.Name}” could not be started (exit code {code}). {Tail($"{said}\n{log}")}", code);
    }

    private SshFailure Failure(SshFailureKind kind, string what, int? exitCode) => new(kind, target, $"{target}: {what.TrimEnd()}")
    {
        Command = _command.Name,
        ExitCode = exitCode,
        Output = _output.Started ? _output.Text : _output.BeforeStart,
        ErrorOutput = _errors.Text,
        Started = _output.Started || _errors.Started,
    };

    private Process StartClient()
    {
        // In a session of its own: Ctrl-C in the dashboard's terminal must not end a command half-way.
        string[] arguments =
        [
            "ssh", "-F", "none", "-S", connection.Socket, "-T", "-E", logFile,
            .. SshDiagnosis.NoConnectionOfItsOwn, "-o", "BatchMode=yes", "-o", "LogLevel=ERROR", SshConfig.TargetAlias, _command.CommandLine(target.User),
        ];
        var info = new ProcessStartInfo("setsid", arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.UTF8,
            StandardErrorEncoding = Encoding.UTF8,
        };
        info.Environment["LC_ALL"] = "C";
        return Process.Start(info)!;
    }

    private static string Tail(string text)
    {
        var trimmed = text.Trim();
        return trimmed.Length > 600 ? "…" + trimmed[^600..] : trimmed;
    }
}
