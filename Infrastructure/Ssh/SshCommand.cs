using System.Text;

namespace MigrationDashboard.Infrastructure.Ssh;

/// <summary>A POSIX sh script and its arguments, to be run on a host.</summary>
/// <param name="Script">
/// Sent on stdin, and parsed to its end before its first line runs: a script that arrives cut off does nothing. Its own stdin is /dev/null.
/// </param>
/// <param name="Arguments"><c>$1</c>, <c>$2</c>, … of the script. Any text but NUL; never seen by the login shell nor in the host's process list.</param>
public sealed record SshCommand(string Script, params IReadOnlyList<string> Arguments)
{
    /// <summary>What the script does, in a few words, for failures and records.</summary>
    public string Name { get; init; } = "script";

    /// <summary>Root by <c>sudo -n</c> (default), or the account that signs in. An account called root never needs sudo.</summary>
    public bool AsRoot { get; init; } = true;

    /// <summary>From the start of the command; <see cref="Timeout.InfiniteTimeSpan"/> for a script that ends by itself or by cancellation.</summary>
    /// <remarks>At its end only the dashboard stops waiting: what runs on the host needs a watchdog of its own.</remarks>
    public TimeSpan Limit { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Makes a new TCP connection and signs in anew, as a checkpoint's confirmation needs: an open connection would prove nothing.</summary>
    public bool NewConnection { get; init; }

    /// <summary>A non-zero exit code is an answer and not a failure.</summary>
    public bool AnyExitCode { get; init; }

    /// <summary>Text as one word of POSIX sh.</summary>
    /// <exception cref="ArgumentException">Holds NUL, which no shell can carry.</exception>
    public static string Quote(string text) =>
        text.Contains('\0', StringComparison.Ordinal)
            ? throw new ArgumentException("An argument holds a NUL character.")
            : "'" + text.Replace("'", @"'\''", StringComparison.Ordinal) + "'";

    /// <summary>What the login shell is given. It is constant, so that one sudoers line allows exactly it, and so that any login shell reads it alike.</summary>
    public string CommandLine(string user) => AsRoot && user != "root" ? SudoCommandLine : ShellCommandLine;

    public const string ShellCommandLine = "/bin/sh -s -- migration-dashboard";
    public const string SudoCommandLine = "sudo -n " + ShellCommandLine;

    /// <summary>What a poised script is told to begin.</summary>
    internal static ReadOnlySpan<byte> GoLine => "go\n"u8;

    /// <param name="marker">Printed on both outputs when the script starts, so that its output is told from what login scripts, banners and sudo print.</param>
    /// <param name="poised">It begins when it reads <see cref="GoLine"/>, and ends without having done anything when its input ends first.</param>
    internal byte[] Input(string marker, bool poised = false)
    {
        if (Script.Contains('\0', StringComparison.Ordinal))
            throw new ArgumentException("The script holds a NUL character.");
        // In braces, so that the shell reads everything before it does anything; on the script's first line, so that line numbers in messages stay true.
        var text = new StringBuilder("{ set --");
        foreach (var argument in Arguments)
            text.Append(' ').Append(Quote(argument));
        text.Append("; echo ").Append(marker).Append("; echo ").Append(marker).Append(" >&2; ");
        text.Append(poised ? "read -r go <&3 && [ \"$go\" = go ] || exit; exec 3<&-; " : "").Append(Script).Append(poised ? "\n} 3<&0 </dev/null\n" : "\n} </dev/null\n");
        return Encoding.UTF8.GetBytes(text.ToString());
    }
}

/// <summary>What a command on a host answered.</summary>
/// <param name="Duration">From the moment the command was sent, without waiting for a connection.</param>
public sealed record SshResult(int ExitCode, string Output, string ErrorOutput, TimeSpan Duration);

/// <summary>One line of output of a running command, without its line end.</summary>
public readonly record struct SshLine(string Text, bool IsError);
