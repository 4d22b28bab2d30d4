using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;
using MigrationDashboard.Core.Servers;

namespace MigrationDashboard.Core.Inventory;

/// <summary>Reads <c>ss -ltnup</c> and the control groups of the processes it names.</summary>
internal static partial class SocketText
{
    public static ValueList<ListeningSocket> Parse(IReadOnlyList<string> lines)
    {
        var owners = new Dictionary<int, (string? Unit, string? Container)>();
        foreach (var match in lines.Select(line => CgroupLine().Match(line)).Where(match => match.Success))
            owners.TryAdd(int.Parse(match.Groups["pid"].Value, CultureInfo.InvariantCulture), Owner(match.Groups["path"].Value));

        var sockets = new List<ListeningSocket>();
        foreach (var line in lines)
        {
            var words = line.Split(' ', 7, StringSplitOptions.RemoveEmptyEntries);
            Transport? transport = words[0] switch { "tcp" => Transport.Tcp, "udp" => Transport.Udp, _ => null };
            if (transport is null || words.Length < 6 || words[1] is not ("LISTEN" or "UNCONN") || Endpoint(words[4]) is not var (address, zone, port))
                continue;
            var holder = words.Length > 6 ? Holder().Match(words[6]) : Match.Empty;
            int? pid = holder.Success ? int.Parse(holder.Groups["pid"].Value, CultureInfo.InvariantCulture) : null;
            var owner = pid is { } known && owners.TryGetValue(known, out var found) ? found : default;
            sockets.Add(new(transport.Value, address, port, zone, holder.Success ? holder.Groups["name"].Value : null, pid, owner.Unit, owner.Container,
                words[4].StartsWith('*')));
        }

        return sockets.ToValueList();
    }

    /// <summary><c>0.0.0.0:25</c>, <c>[::1]:25</c>, <c>*:25</c>, <c>127.0.0.53%lo:53</c>, <c>[fe80::1]%eth0:546</c>.</summary>
    private static (IPAddress Address, string? Zone, ushort Port)? Endpoint(string text)
    {
        var colon = text.LastIndexOf(':');
        if (colon < 0 || !ushort.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port))
            return null;
        var host = text[..colon];
        var percent = host.IndexOf('%', StringComparison.Ordinal);
        var zone = percent < 0 ? null : host[(percent + 1)..].TrimEnd(']');
        host = (percent < 0 ? host : host[..percent]).Trim('[', ']');
        var address = host == "*" ? IPAddress.IPv6Any : IPAddress.TryParse(host, out var parsed) ? parsed : null;
        return address is null ? null : (address, zone, port);
    }

    private static (string? Unit, string? Container) Owner(string path)
    {
        var container = ContainerId().Match(path);
        var unit = path.Split('/').LastOrDefault(part => part.EndsWith(".service", StringComparison.Ordinal));
        return (container.Success ? null : unit, container.Success ? container.Value : null);
    }

    [GeneratedRegex(@"\A/proc/(?<pid>\d{1,9})/cgroup:\d+:[^:]*:(?<path>.*)\z")]
    private static partial Regex CgroupLine();

    // A process may call itself anything, quotes and brackets included, in 15 bytes: too few for a name and all that must follow one here.
    [GeneratedRegex(@"\Ausers:\(\(""(?<name>.+?)"",pid=(?<pid>\d{1,9}),fd=\d+\)(,\(|\))")]
    private static partial Regex Holder();

    // Docker's ids are 64 hex digits, in docker/ID and docker-ID.scope.
    [GeneratedRegex("[0-9a-f]{64}")]
    private static partial Regex ContainerId();
}
