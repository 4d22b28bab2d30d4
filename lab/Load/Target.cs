using System.Net;
using System.Net.Sockets;

namespace MigrationDashboard.Load;

/// <summary>What a target speaks.</summary>
internal enum TargetKind
{
    /// <summary>The mini-protocol over TCP: banner, WHOAMI, QUIT.</summary>
    Tcp,

    /// <summary>One datagram WHOAMI, one datagram back.</summary>
    Udp,

    /// <summary>The same dialog as <see cref="Tcp"/>, by a mail server, which takes mail as well.</summary>
    Smtp,

    /// <summary>A DNS query in a datagram, asked again as resolvers do.</summary>
    Dns,
}

/// <summary>One server address to call.</summary>
/// <param name="Name">What the operator wrote, with the kind spelled out: the key in the summary.</param>
/// <param name="EndPoint">Where to connect. A host name was resolved once, when the run began.</param>
/// <param name="Kind">What to speak there.</param>
internal sealed record Target(string Name, IPEndPoint EndPoint, TargetKind Kind)
{
    /// <summary>Whether it is asked by single datagrams, without a connection.</summary>
    public bool IsDatagrams => Kind is TargetKind.Udp or TargetKind.Dns;

    /// <summary>Parses <c>HOST:PORT[/tcp|/udp|/smtp|/dns]</c>; IPv6 addresses stand in brackets.</summary>
    /// <returns>The target, or what is wrong with the text.</returns>
    public static (Target? Target, string? Error) Parse(string text, Func<string, IPAddress?> resolve)
    {
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        var address = slash < 0 ? text : text[..slash];
        var kindText = slash < 0 ? "tcp" : text[(slash + 1)..];
        TargetKind? kind = kindText switch { "tcp" => TargetKind.Tcp, "udp" => TargetKind.Udp, "smtp" => TargetKind.Smtp, "dns" => TargetKind.Dns, _ => null };
        if (kind is null)
            return (null, $"'{text}': the kind '{kindText}' is not tcp, udp, smtp or dns");

        var colon = address.LastIndexOf(':');
        if (colon <= 0)
            return (null, $"'{text}' has no port; write HOST:PORT or [IPV6]:PORT");
        if (!ushort.TryParse(address[(colon + 1)..], out var port) || port == 0)
            return (null, $"'{text}': the port '{address[(colon + 1)..]}' is not a number from 1 to 65535");

        var host = address[..colon];
        if (host.StartsWith('[') && host.EndsWith(']'))
            host = host[1..^1];
        else if (host.Contains(':', StringComparison.Ordinal))
            return (null, $"'{text}': write an IPv6 address in brackets, [2001:db8::1]:25");

        var ip = IPAddress.TryParse(host, out var literal) ? literal : resolve(host);
        if (ip is null)
            return (null, $"'{text}': the host '{host}' is not an address and has no address in DNS");
        // .NET reads '10.1' as 10.0.0.1, as inet_aton does; here it is a typing error.
        if (literal is { AddressFamily: AddressFamily.InterNetwork } && literal.ToString() != host)
            return (null, $"'{text}': '{host}' is not an IPv4 address in dotted form");
        return (new Target($"{address}/{kindText}", new IPEndPoint(ip, port), kind.Value), null);
    }
}
