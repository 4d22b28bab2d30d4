namespace MigrationDashboard.Infrastructure.Ssh;

/// <summary>The one place that reads OpenSSH's messages.</summary>
internal static class SshDiagnosis
{
    /// <summary>
    /// Without a usable master, ssh would quietly make a connection of its own. An IPv4 address that it may only use by IPv6 makes that impossible,
    /// and makes it say so in the same words every time (a ProxyCommand that fails says different things, or nothing, by who is faster).
    /// </summary>
    public static readonly string[] NoConnectionOfItsOwn = ["-o", "AddressFamily=inet6", "-o", "HostName=127.0.0.1"];

    private const string FellBack = "Could not resolve hostname 127.0.0.1";

    /// <summary>Why no connection came about.</summary>
    /// <param name="log">All that ssh printed.</param>
    public static SshFailure NoConnection(SshTarget target, string log)
    {
        var (kind, what) = log switch
        {
            _ when Has("REMOTE HOST IDENTIFICATION HAS CHANGED") => Changed(),
            _ when Has("host key is known for") => (Has($"host key is known for {SshConfig.JumpAlias}") ? target.Jump!.HostKeys : target.HostKeys).Count == 0
                ? (SshFailureKind.HostKeyUnknown, "no host key is pinned for it yet: look at the key it shows and confirm it first")
                : Changed(),
            _ when Has("Host key verification failed") => Changed(),
            _ when Has("no matching host key type found") => Changed(),
            _ when Has("Permission denied") || Has("Too many authentication failures") =>
                (SshFailureKind.AuthenticationFailed, $"it does not take the dashboard's key for the account {target.User}: add the public key to that account's authorized_keys"),
            _ when Has("Connection refused") => (SshFailureKind.Refused, "it answered, but nothing listens for SSH on this port"),
            _ when Has("Could not resolve hostname") || Has("Name or service not known") => (SshFailureKind.Unreachable, "its name does not resolve"),
            _ when Has("No route to host") || Has("Network is unreachable") => (SshFailureKind.Unreachable, "there is no route to it"),
            _ when Has("timed out") => (SshFailureKind.Unreachable, "it did not answer in time"),
            _ when Has("Connection reset") || Has("Connection closed") => (SshFailureKind.Refused, "it closed the connection before signing in (too many connections, or an access rule)"),
            _ => (SshFailureKind.Unreachable, "ssh could not connect"),
        };
        return new(kind, target, $"{target}: {what}. {LastLine(log)}".TrimEnd()) { ErrorOutput = log };

        bool Has(string text) => log.Contains(text, StringComparison.Ordinal);

        static (SshFailureKind, string) Changed() =>
            (SshFailureKind.HostKeyChanged, "it shows another host key than the pinned one. Either it was installed anew, or somebody is in between: nothing was sent");
    }

    /// <summary>True when the client of a multiplexed connection never got a session, so nothing was run.</summary>
    public static bool NeverStarted(string clientLog) => clientLog.Contains(FellBack, StringComparison.Ordinal);

    /// <summary>True when the server takes no more sessions on this connection (its MaxSessions is lower than ours).</summary>
    public static bool SessionRefused(string clientLog) => clientLog.Contains("refused by peer", StringComparison.Ordinal);

    public static bool MasterEnded(string clientLog) => clientLog.Contains("terminated unexpectedly", StringComparison.Ordinal);

    private static string LastLine(string log) => log.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).LastOrDefault() ?? "";
}
