using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;
using System.Threading.Channels;
using MigrationDashboard.Infrastructure.Processes;

namespace MigrationDashboard.Infrastructure.Ssh;

/// <summary>Runs commands on hosts with the OpenSSH client. One connection per target is kept open and shared.</summary>
public sealed class OpenSsh(SshAgent agent, RuntimeDirectory directory, SshOptions options) : IAsyncDisposable
{
    /// <summary>Places of a connection that scripts which only wait never take.</summary>
    private const int LeftToOthers = 3;

    private readonly ConcurrentDictionary<SshTarget, Lane> _lanes = new();
    private readonly ConcurrentDictionary<(SshTarget Target, string Script), Poised> _poised = new();
    private readonly ConcurrentDictionary<(string Host, string Command), long> _sent = new();
    private readonly CancellationTokenSource _stopping = new();
    private int _files;

    /// <summary>Runs the command to its end and keeps what it prints.</summary>
    /// <exception cref="SshFailure">No connection, no result, or (unless <see cref="SshCommand.AnyExitCode"/>) an exit code other than 0.</exception>
    public Task<SshResult> RunAsync(SshTarget target, SshCommand command, CancellationToken cancellation) =>
        SendAsync(target, command, null, cancellation);

    /// <summary>Runs the command and calls <paramref name="onLine"/> with each line as it comes, for long steps with live output. The result's texts are empty.</summary>
    /// <param name="onLine">Called from two readers at once, one for each output; a slow one slows the command.</param>
    public Task<SshResult> RunAsync(SshTarget target, SshCommand command, Func<SshLine, ValueTask> onLine, CancellationToken cancellation) =>
        SendAsync(target, command, onLine, cancellation);

    /// <summary>The lines of a command that may run for hours, as they come. Leaving the loop closes the command's outputs: its next print ends it.</summary>
    /// <exception cref="SshFailure">After the last line, when the command ended other than with exit code 0.</exception>
    public async IAsyncEnumerable<SshLine> StreamAsync(SshTarget target, SshCommand command, [EnumeratorCancellation] CancellationToken cancellation)
    {
        // Bounded: a reader that cannot keep up slows the host's script down instead of filling memory here.
        var lines = Channel.CreateBounded<SshLine>(1024);
        using var leaving = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var running = FillAsync();
        try
        {
            await foreach (var line in lines.Reader.ReadAllAsync(cancellation))
                yield return line;
        }
        finally
        {
            await leaving.CancelAsync();
            await running;
        }

        async Task FillAsync()
        {
            try
            {
                await SendAsync(target, command, line => lines.Writer.WriteAsync(line, leaving.Token), leaving.Token);
                lines.Writer.Complete();
            }
            catch (Exception problem)
            {
                lines.Writer.Complete(problem);
            }
        }
    }

    /// <summary>
    /// Has hosts read scripts that they will soon be asked to run with live output, over connections that are open: then they begin at once. Where that
    /// cannot be done nothing is lost but the time. Those that were not asked for when the result is disposed have done nothing.
    /// </summary>
    public IDisposable Poise(IEnumerable<(SshTarget Target, SshCommand Command)> commands)
    {
        var mine = new List<Poised>();
        foreach (var (target, command) in commands)
        {
            var poised = new Poised(target, command);
            poised.Result = PoiseAsync(poised);
            mine.Add(poised);
            _poised.TryAdd(poised.Key, poised);
        }

        return new Undo(() =>
        {
            foreach (var poised in mine)
            {
                _poised.TryRemove(new(poised.Key, poised));
                poised.GiveUp();
            }
        });
    }

    /// <summary>How many commands were sent to the target since the start of this process.</summary>
    public long RoundTrips(SshTarget target) => _lanes.TryGetValue(target, out var lane) ? Interlocked.Read(ref lane.RoundTrips) : 0;

    /// <summary>The same of all targets, by what the commands were for.</summary>
    public IReadOnlyList<(string Host, string Command, long Count)> Sent => [.. _sent.Select(pair => (pair.Key.Host, pair.Key.Command, pair.Value)).Order()];

    /// <summary>Ends the target's connection, with all that runs over it. The next command makes a new one.</summary>
    public Task CloseAsync(SshTarget target) => _lanes.TryGetValue(target, out var lane) ? lane.CloseAsync() : Task.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        foreach (var lane in _lanes.Values)
            await lane.CloseAsync();
        _stopping.Dispose();
    }

    private async Task<SshResult> SendAsync(SshTarget target, SshCommand command, Func<SshLine, ValueTask>? onLine, CancellationToken cancellation)
    {
        var lane = _lanes.GetOrAdd(target, _ => new Lane());
        if (onLine is not null && !command.NewConnection && _poised.TryRemove((target, command.Script), out var poised)
            && await poised.BeginAsync(new(command, onLine), cancellation) is { } answer)
            return answer;
        if (command.NewConnection)
        {
            await using var fresh = await ConnectAsync(target, cancellation);
            if (await OverAsync(fresh, lane, target, command, onLine, cancellation) is { } result)
                return result;
        }
        else
        {
            // A kept connection may have ended unnoticed. Then nothing was sent: once more, on a new one.
            for (var attempt = 1; attempt <= 2; attempt++)
            {
                var connection = await lane.OpenAsync(() => ConnectAsync(target, _stopping.Token), cancellation);
                if (await OverAsync(connection, lane, target, command, onLine, cancellation) is { } result)
                    return result;
            }
        }

        throw new SshFailure(SshFailureKind.Refused, target, $"{target}: it ends the connection right after signing in.");
    }

    /// <returns>Null when the connection had ended before the command was sent.</returns>
    private async Task<SshResult?> OverAsync(
        SshConnection connection, Lane lane, SshTarget target, SshCommand command, Func<SshLine, ValueTask>? onLine, CancellationToken cancellation)
    {
        await connection.Sessions.WaitAsync(cancellation);
        try
        {
            // A server whose MaxSessions is below our own limit: wait for a place, about as long as for a connection.
            for (var wait = 20; wait < 2 * options.ConnectTimeout.TotalMilliseconds; wait *= 2)
            {
                var session = new SshSession(connection, target, command, directory.File($"log{Interlocked.Increment(ref _files)}"), onLine);
                try
                {
                    if (await session.RunAsync(cancellation) is { } result)
                        return result;
                }
                finally
                {
                    if (session.WasSent)
                        Count(lane, target, command);
                }

                if (!session.WasRefused)
                    return null;
                foreach (var poised in connection.Waiting.Keys)
                    poised.GiveUp();
                await Task.Delay(wait, cancellation);
            }

            throw new SshFailure(SshFailureKind.Refused, target, $"{target}: the server takes no more sessions on one connection (MaxSessions in its sshd_config).");
        }
        finally
        {
            connection.Sessions.Release();
        }
    }

    private void Count(Lane lane, SshTarget target, SshCommand command)
    {
        Interlocked.Increment(ref lane.RoundTrips);
        _sent.AddOrUpdate((target.Host, command.Name), 1, (_, count) => count + 1);
    }

    private async Task<SshResult?> PoiseAsync(Poised poised)
    {
        var target = poised.Key.Target;
        if (!_lanes.TryGetValue(target, out var lane) || lane.Open is not { } connection || connection.Sessions.CurrentCount <= LeftToOthers || !await connection.Sessions.WaitAsync(0))
            return null;
        connection.Waiting.TryAdd(poised, true);
        var session = new SshSession(connection, target, poised.Command, directory.File($"log{Interlocked.Increment(ref _files)}"), null, poised.Spoken);
        using var end = new CancellationTokenSource();
        try
        {
            var running = session.RunAsync(end.Token);
            if (await Task.WhenAny(running, poised.Over) != running)
                await end.CancelAsync();
            return await running;
        }
        catch (OperationCanceledException) when (!poised.Spoken.IsCompleted)
        {
            return null;
        }
        finally
        {
            if (session.WasSent && poised.Spoken.IsCompletedSuccessfully)
                Count(lane, target, (await poised.Spoken).As);
            connection.Waiting.TryRemove(poised, out _);
            connection.Sessions.Release();
        }
    }

    private async Task<SshConnection> ConnectAsync(SshTarget target, CancellationToken cancellation)
    {
        try
        {
            var key = await agent.LoadAsync(target.KeyId, cancellation);
            var jumpKey = target.Jump is null ? null : await agent.LoadAsync(target.Jump.KeyId, cancellation);
            var knownHosts = SshConfig.KnownHosts(target);
            var hostsFile = await directory.WriteAsync(Name("hosts", knownHosts), Encoding.ASCII.GetBytes(knownHosts), cancellation);
            var config = SshConfig.Render(target, new(agent.Socket, hostsFile, key, jumpKey), options);
            var configFile = await directory.WriteAsync(Name("conf", config), Encoding.ASCII.GetBytes(config), cancellation);
            return await SshConnection.OpenAsync(target, configFile, directory.File($"s{Interlocked.Increment(ref _files)}"), options, cancellation);
        }
        catch (KeyNotFoundException problem)
        {
            throw new SshFailure(SshFailureKind.AuthenticationFailed, target, $"{target}: the key to sign in with is not in the dashboard's key store.", problem);
        }

        // By content: writing the same file twice changes nothing, and no other target has it.
        static string Name(string kind, string content) => $"{Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(content)))[..16]}.{kind}";
    }

    private sealed class Undo(Action action) : IDisposable
    {
        public void Dispose() => action();
    }

    /// <summary>The kept connection of one target. Callers that come while it is being made wait for the same attempt, and share its failure.</summary>
    private sealed class Lane
    {
        public long RoundTrips;

        private readonly Lock _lock = new();
        private Task<SshConnection>? _connection;

        /// <summary>Null when there is none just now.</summary>
        public SshConnection? Open => _connection is { IsCompletedSuccessfully: true, Result: { IsOpen: true } connection } ? connection : null;

        public Task<SshConnection> OpenAsync(Func<Task<SshConnection>> connect, CancellationToken cancellation)
        {
            lock (_lock)
            {
                if (_connection is null or { IsFaulted: true } or { IsCanceled: true } || _connection is { IsCompletedSuccessfully: true, Result.IsOpen: false })
                {
                    var ended = _connection;
                    _connection = ReplaceAsync(ended, connect);
                }

                return _connection.WaitAsync(cancellation);
            }
        }

        public async Task CloseAsync()
        {
            Task<SshConnection>? closing;
            lock (_lock)
                (closing, _connection) = (_connection, null);
            if (closing is null)
                return;
            await closing.ContinueWith(_ => { }, TaskScheduler.Default);
            if (closing.IsCompletedSuccessfully)
                await closing.Result.DisposeAsync();
        }

        private static async Task<SshConnection> ReplaceAsync(Task<SshConnection>? ended, Func<Task<SshConnection>> connect)
        {
            // Not within the lock.
            await Task.Yield();
            if (ended is { IsCompletedSuccessfully: true })
                await ended.Result.DisposeAsync();
            return await connect();
        }
    }
}
