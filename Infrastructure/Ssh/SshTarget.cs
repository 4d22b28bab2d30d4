using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;

namespace MigrationDashboard.Infrastructure.Ssh;

/// <summary>Where and as whom to sign in. Everything is checked when made, so no text here can become an option or a command.</summary>
public sealed partial record SshTarget
{
    /// <param name="host">An IP address or a DNS name.</param>
    /// <param name="user">The account on the host; root needs no sudo.</param>
    /// <param name="hostKeys">Pinned keys: any one of them is accepted, nothing else ever is.</param>
    /// <param name="keyId">The dashboard's own key to sign in with (<see cref="ISshKeySource"/>).</param>
    /// <param name="jump">A host to go through; null to connect directly.</param>
    /// <exception cref="ArgumentException">A value that ssh could misread.</exception>
    public SshTarget(string host, ushort port, string user, IEnumerable<SshHostKey> hostKeys, Guid keyId, SshTarget? jump = null)
    {
        if (!IsAddress(host) && !HostPattern().IsMatch(host))
            throw new ArgumentException($"“{Shown(host)}” is neither an IP address nor a DNS name.", nameof(host));
        if (port == 0)
            throw new ArgumentException("0 is not a port.", nameof(port));
        if (!UserPattern().IsMatch(user))
            throw new ArgumentException($"“{Shown(user)}” is not a user name: letters, digits and . _ - @, at most 64.", nameof(user));
        if (jump?.Jump is not null)
            throw new ArgumentException("One jump host is supported, not a chain of them.", nameof(jump));
        Host = host;
        Port = port;
        User = user;
        HostKeys = [.. hostKeys];
        KeyId = keyId;
        Jump = jump;
    }

    public string Host { get; }

    public ushort Port { get; }

    public string User { get; }

    public IReadOnlyList<SshHostKey> HostKeys { get; }

    public Guid KeyId { get; }

    public SshTarget? Jump { get; }

    public bool Equals(SshTarget? other) =>
        other is not null && Host == other.Host && Port == other.Port && User == other.User && KeyId == other.KeyId
        && HostKeys.SequenceEqual(other.HostKeys) && Equals(Jump, other.Jump);

    public override int GetHashCode() => HashCode.Combine(Host, Port, User, KeyId, HostKeys.Count, Jump);

    /// <summary>For people: <c>admin@192.0.2.1:22</c>.</summary>
    public override string ToString() => Host.Contains(':', StringComparison.Ordinal) ? $"{User}@[{Host}]:{Port}" : $"{User}@{Host}:{Port}";

    private static string Shown(string text) => text.Length > 40 ? text[..40] + "…" : text;

    // IPAddress.TryParse takes “1” and “0x7f.1” too, which people do not mean.
    private static bool IsAddress(string text) =>
        IPAddress.TryParse(text, out var address) && (address.AddressFamily == AddressFamily.InterNetworkV6
            ? AddressPattern().IsMatch(text)
            : address.ToString() == text);

    [GeneratedRegex(@"^[0-9A-Fa-f:.]+(%[A-Za-z0-9][A-Za-z0-9._-]{0,14})?\z")]
    private static partial Regex AddressPattern();

    // RFC 1123 section 2.1; the last label is not a number, so that a mistyped address is not taken for a name.
    [GeneratedRegex(@"^(?=.{1,253}\z)(?!.*(^|\.)[0-9]+\.?\z)[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*\.?\z")]
    private static partial Regex HostPattern();

    [GeneratedRegex(@"^[A-Za-z0-9_][A-Za-z0-9_.@-]{0,63}\z")]
    private static partial Regex UserPattern();
}
