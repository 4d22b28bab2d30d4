using System.Globalization;
using System.Net.Sockets;
using System.Text;
using MigrationDashboard.Infrastructure.Processes;

namespace MigrationDashboard.Infrastructure.Ssh;

/// <summary>A host key as first seen, with what an operator compares.</summary>
/// <param name="Randomart">OpenSSH's picture of the key, 11 lines.</param>
public sealed record SeenHostKey(SshHostKey Key, string Randomart);

/// <summary>The first look at a server that is not known yet. Nothing is trusted by it: the operator confirms.</summary>
public static class HostKeyScan
{
    /// <summary>Per connection; ssh-keyscan makes one for each type of key, side by side.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(8);

    /// <param name="target">Host and port count; a jump host cannot be used by ssh-keyscan.</param>
    /// <returns>At least one key, the strongest type first.</returns>
    /// <exception cref="SshFailure">Unreachable or refused.</exception>
    public static async Task<IReadOnlyList<SeenHostKey>> LookAsync(SshTarget target, CancellationToken cancellation)
    {
        if (target.Jump is not null)
            throw new NotSupportedException("The keys of a host behind a jump host cannot be looked at from here: paste them from the host itself.");
        await ConnectAsync(target, cancellation);
        string[] arguments =
        [
            "-T", Limit.TotalSeconds.ToString(CultureInfo.InvariantCulture), "-p", target.Port.ToString(CultureInfo.InvariantCulture), "--", target.Host,
        ];
        var scan = await LocalCommand.RunAsync("ssh-keyscan", arguments, cancellation: cancellation);
        var keys = scan.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Where(line => !line.StartsWith('#'))
            .Select(SshHostKey.Parse)
            .Distinct()
            .OrderBy(Rank)
            .ToArray();
        if (keys.Length == 0)
            throw new SshFailure(SshFailureKind.Refused, target, $"{target}: something listens on this port, but it does not show an SSH host key.") { ErrorOutput = scan.ErrorOutput };

        var seen = new List<SeenHostKey>();
        foreach (var key in keys)
            seen.Add(new(key, await RandomartAsync(key, cancellation)));
        return seen;
    }

    private static int Rank(SshHostKey key) => key.Type switch
    {
        "ssh-ed25519" => 0,
        _ when key.Type.StartsWith("ecdsa", StringComparison.Ordinal) => 1,
        _ => 2,
    };

    // ssh-keyscan is silent about refused and unanswered connections.
    private static async Task ConnectAsync(SshTarget target, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(Limit);
        using var client = new TcpClient();
        try
        {
            await client.ConnectAsync(target.Host, target.Port, limit.Token);
        }
        catch (SocketException problem)
        {
            throw SshDiagnosis.NoConnection(target, problem.Message);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw SshDiagnosis.NoConnection(target, "Connection timed out");
        }
    }

    private static async Task<string> RandomartAsync(SshHostKey key, CancellationToken cancellation)
    {
        var result = await LocalCommand.RunAsync("ssh-keygen", ["-l", "-v", "-f", "-"], Encoding.ASCII.GetBytes(key + "\n"), cancellation: cancellation);
        // The first line is the fingerprint, which we compute ourselves.
        return result.ExitCode == 0
            ? string.Join('\n', result.Output.TrimEnd().Split('\n').Skip(1))
            : throw new InvalidOperationException($"ssh-keygen: {result.ErrorOutput.Trim()}");
    }
}
