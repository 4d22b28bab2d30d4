using System.Diagnostics.CodeAnalysis;

namespace MigrationDashboard.Infrastructure.Ssh;

public enum SshFailureKind
{
    /// <summary>No route, no such name, or no answer in time. Nothing was run.</summary>
    Unreachable,

    /// <summary>The host answered and refused: closed port, or no more sessions. Nothing was run.</summary>
    Refused,

    /// <summary>The command did not end within its limit. It may still be running on the host.</summary>
    TimedOut,

    /// <summary>No key is pinned for the host. Nothing was run.</summary>
    HostKeyUnknown,

    /// <summary>The host showed a key that is not pinned: somebody may be in between. Nothing was run.</summary>
    HostKeyChanged,

    /// <summary>The host does not take the key for this account. Nothing was run.</summary>
    AuthenticationFailed,

    /// <summary>The account may not run the command as root without a password. Nothing was run.</summary>
    NoSudo,

    /// <summary>The connection ended while the command ran. Whether it ended, and how, is not known.</summary>
    ConnectionLost,

    /// <summary>The command ended with an exit code other than 0, or could not be started.</summary>
    CommandFailed,
}

/// <summary>Why a command on a host gave no result. The message is for operators: what happened and on which host.</summary>
[SuppressMessage("Naming", "CA1710", Justification = "The domain's word: callers catch a failure and look at its kind.")]
public sealed class SshFailure(SshFailureKind kind, SshTarget target, string message, Exception? inner = null) : Exception(message, inner)
{
    public SshFailureKind Kind { get; } = kind;

    public SshTarget Target { get; } = target;

    /// <summary>Name of the command that was to run; null when the connection failed before.</summary>
    public string? Command { get; init; }

    /// <summary>Null when the command never ended, or its end was not seen.</summary>
    public int? ExitCode { get; init; }

    /// <summary>What the command had printed until then; empty for streams, whose reader has it already.</summary>
    public string Output { get; init; } = "";

    /// <summary>Likewise its error output; for streams, the last lines of it.</summary>
    public string ErrorOutput { get; init; } = "";

    /// <summary>True when the script is known to have begun, so the host may be changed.</summary>
    public bool Started { get; init; }
}
