using System.Net.Sockets;

namespace MigrationDashboard.Load;

/// <summary>Why a connection, delivery or session did not do what it should. The names, in kebab case, are keys of the summary.</summary>
internal enum FailureReason
{
    /// <summary>A reset (or, for UDP, port unreachable) answered the first packet.</summary>
    ConnectRefused,

    /// <summary>No answer to any SYN within <c>--connect-timeout</c>.</summary>
    ConnectTimeout,

    /// <summary>A router or the own kernel said that the network, host or port cannot be reached.</summary>
    Unreachable,

    /// <summary>A reset on an established connection.</summary>
    Reset,

    /// <summary>The first reply was not 220.</summary>
    BadBanner,

    /// <summary>A reply other than the one the dialog asks for, or one without <c>client=[…]</c>.</summary>
    BadReply,

    /// <summary>The dialog was not over within <c>--timeout</c>.</summary>
    DialogTimeout,

    /// <summary>The server closed before the dialog was over.</summary>
    ClosedEarly,

    /// <summary>This machine could not even try: no free port, too many open files, address gone. Says nothing about the servers.</summary>
    LocalError,

    /// <summary>Still under way when the run was cut short by a second signal or by the end of its grace time.</summary>
    Abandoned,
}

/// <summary>A dialog that ended otherwise than it should, with the reason that is counted.</summary>
internal sealed class DialogException(FailureReason reason, string message) : Exception(message)
{
    public FailureReason Reason { get; } = reason;
}

/// <summary>Finds the reason for what a socket reported.</summary>
internal static class FailureReasons
{
    /// <summary>The name used in the summary: <c>connect-refused</c>.</summary>
    public static string Key(this FailureReason reason) => reason switch
    {
        FailureReason.ConnectRefused => "connect-refused",
        FailureReason.ConnectTimeout => "connect-timeout",
        FailureReason.Unreachable => "unreachable",
        FailureReason.Reset => "reset",
        FailureReason.BadBanner => "bad-banner",
        FailureReason.BadReply => "bad-reply",
        FailureReason.DialogTimeout => "dialog-timeout",
        FailureReason.ClosedEarly => "closed-early",
        FailureReason.LocalError => "local-error",
        FailureReason.Abandoned => "abandoned",
        _ => throw new ArgumentOutOfRangeException(nameof(reason), reason, "unknown"),
    };

    /// <param name="error">What the kernel said.</param>
    /// <param name="connected">Whether the connection had been established.</param>
    public static FailureReason Of(SocketError error, bool connected) => error switch
    {
        SocketError.ConnectionRefused => FailureReason.ConnectRefused,
        // The kernel's own limit: net.ipv4.tcp_syn_retries before, tcp_retries2 after the connection stands.
        SocketError.TimedOut => connected ? FailureReason.DialogTimeout : FailureReason.ConnectTimeout,
        SocketError.HostUnreachable or SocketError.NetworkUnreachable or SocketError.HostDown or SocketError.NetworkDown => FailureReason.Unreachable,
        // EPIPE, "Shutdown" in .NET's words, is what a write gets after the reset was already reported.
        SocketError.ConnectionReset or SocketError.ConnectionAborted or SocketError.Shutdown => FailureReason.Reset,
        _ => FailureReason.LocalError,
    };
}
