using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace MigrationDashboard.Core.Inventory;

/// <summary>Reads what sysfs and <c>ip</c> say of interfaces, addresses, routes and rules. The plain text of ip, which every version of it prints alike.</summary>
internal static class NetworkText
{
    /// <param name="lines">As <c>NAME/attribute:value</c>; a name of an interface holds neither slash nor colon (kernel, dev_valid_name).</param>
    public static ValueList<HostLink> Links(IEnumerable<string> lines)
    {
        var values = new Dictionary<string, Dictionary<string, string>>(StringComparer.Ordinal);
        foreach (var line in lines)
        {
            if (line.IndexOf('/', StringComparison.Ordinal) is var slash and > 0 && line.IndexOf(':', slash) is var colon and > 0)
            {
                var (name, attribute, value) = (line[..slash], line[(slash + 1)..colon], line[(colon + 1)..]);
                if (!values.TryGetValue(name, out var attributes))
                    values[name] = attributes = new(StringComparer.Ordinal);
                if (attribute == "uevent" && value.StartsWith("DEVTYPE=", StringComparison.Ordinal))
                    attributes["devtype"] = value[8..];
                else
                    attributes.TryAdd(attribute, value);
            }
        }

        return values.Select(pair => Link(pair.Key, pair.Value)).OrderBy(link => link.Index).ThenBy(link => link.Name, StringComparer.Ordinal).ToValueList();
    }

    private static HostLink Link(string name, Dictionary<string, string> values)
    {
        var tunFlags = Number(values.GetValueOrDefault("tun_flags"));
        var kind = values.GetValueOrDefault("devtype") switch
        {
            "bridge" => "bridge",
            "vlan" => "vlan",
            "vxlan" => "vxlan",
            "wireguard" => "wireguard",
            _ when values.ContainsKey("bridge/bridge_id") => "bridge",

            // linux/if_tun.h: IFF_TUN 1, IFF_TAP 2. linux/if_arp.h: Ethernet 1, loopback 772.
            _ when tunFlags is { } flags => (flags & 2) != 0 ? "tap" : "tun",
            _ => values.GetValueOrDefault("type") switch { "1" => "ethernet", "772" => "loopback", _ => "other" },
        };

        // linux/if.h: IFF_UP is bit 0; operstate is "unknown" for drivers that do not tell.
        var up = (Number(values.GetValueOrDefault("flags")) & 1) == 1 && values.GetValueOrDefault("operstate") is "up" or "unknown";
        return new(name, (int)(Number(values.GetValueOrDefault("ifindex")) ?? 0), values.GetValueOrDefault("address", ""), (int)(Number(values.GetValueOrDefault("mtu")) ?? 0), up, kind,
            values.GetValueOrDefault("master"), values.ContainsKey("device/uevent"));
    }

    /// <param name="lines">Of <c>ip -o addr</c>: <c>2: eth0    inet 203.0.113.10/24 brd … scope global …\ valid_lft …</c>.</param>
    public static ValueList<HostAddress> Addresses(IEnumerable<string> lines)
    {
        var addresses = new List<HostAddress>();
        foreach (var line in lines)
        {
            var words = line.Replace("\\", " ", StringComparison.Ordinal).Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (words.Length < 4 || words[2] is not ("inet" or "inet6"))
                continue;
            var parts = words[3].Split('/');

            // On a point-to-point interface: "inet 10.0.0.1 peer 10.0.0.2/32".
            var prefix = parts.Length == 2 ? parts[1] : After(words, "peer")?.Split('/').ElementAtOrDefault(1);
            if (!IPAddress.TryParse(parts[0], out var address))
                continue;
            var most = address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128;
            var length = int.TryParse(prefix, NumberStyles.None, CultureInfo.InvariantCulture, out var given) && given <= most ? given : most;
            addresses.Add(new(words[1], address, length, After(words, "scope") ?? "global", words.Any(word => word is "temporary" or "deprecated" or "tentative" or "dadfailed")));
        }

        return addresses.ToValueList();
    }

    public static IEnumerable<HostRoute> Routes(IEnumerable<string> lines, AddressFamily family, IReadOnlyDictionary<string, int> tables)
    {
        HostRoute? last = null;
        foreach (var raw in lines)
        {
            var words = raw.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
            if (words.Length == 0)
                continue;

            // Of a route with several next hops the line goes on below: the first hop stands for all.
            if (words[0] == "nexthop")
            {
                if (last is { Interface: null })
                    last = last with { Interface = After(words, "dev"), Gateway = Address(After(words, "via")), Text = last.Text + " " + string.Join(' ', words) };
                else if (last is not null)
                    last = last with { Text = last.Text + " " + string.Join(' ', words) };
                continue;
            }

            if (last is not null)
                yield return last;
            last = Route(words, family, tables);
        }

        if (last is not null)
            yield return last;
    }

    private static readonly HashSet<string> RouteKinds =
        ["unicast", "local", "broadcast", "multicast", "throw", "unreachable", "prohibit", "blackhole", "nat", "anycast"];

    private static HostRoute Route(string[] words, AddressFamily family, IReadOnlyDictionary<string, int> tables)
    {
        var kind = RouteKinds.Contains(words[0]) ? words[0] : "unicast";
        var destination = words.ElementAtOrDefault(kind == words[0] ? 1 : 0) ?? "";
        var metric = uint.TryParse(After(words, "metric"), NumberStyles.None, CultureInfo.InvariantCulture, out var given) ? given : 0;
        return new(family, kind, Network(destination, family), Address(After(words, "via")), After(words, "dev"), Table(After(words, "table"), tables), metric,
            Address(After(words, "src")), string.Join(' ', Lasting(words)));
    }

    /// <summary>Without what changes by itself: whether the cable is in, and lifetimes.</summary>
    private static IEnumerable<string> Lasting(string[] words)
    {
        for (var i = 0; i < words.Length; i++)
        {
            if (words[i] is "linkdown" or "dead")
                continue;
            if (words[i] is "expires" or "age")
            {
                i++;
                continue;
            }

            yield return words[i];
        }
    }

    /// <param name="lines">Of <c>ip rule show</c>: <c>5210:	from all fwmark 0x80000/0xff0000 lookup main</c>.</param>
    public static IEnumerable<HostRule> Rules(IEnumerable<string> lines, AddressFamily family, IReadOnlyDictionary<string, int> tables)
    {
        foreach (var line in lines)
        {
            var words = line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
            if (words.Length < 2 || !int.TryParse(words[0].TrimEnd(':'), NumberStyles.None, CultureInfo.InvariantCulture, out var preference))
                continue;
            var table = After(words, "lookup") ?? After(words, "table");
            yield return new(family, preference, Mark(After(words, "fwmark")), table is null ? null : Table(table, tables), string.Join(' ', words[1..]));
        }
    }

    /// <param name="lines">Of rt_tables: a number and a name a line, and comments.</param>
    public static Dictionary<string, int> TableNames(IEnumerable<string> lines)
    {
        // linux/rtnetlink.h.
        var tables = new Dictionary<string, int>(StringComparer.Ordinal) { ["local"] = 255, ["main"] = 254, ["default"] = 253, ["unspec"] = 0 };
        foreach (var line in lines)
            if (line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries) is [var number, var name, ..] && Number(number) is >= 0 and <= int.MaxValue and var value)
                tables[name] = (int)value;
        return tables;
    }

    /// <summary>Value and mask as ip, iptables and nft write them: <c>0x80000/0xff0000</c>, <c>0xca6c</c>, <c>51820</c>.</summary>
    public static MarkUse? Mark(string? text)
    {
        if (text is null)
            return null;
        var parts = text.Split('/');
        return Number(parts[0]) is >= 0 and <= uint.MaxValue and var value
            ? new((uint)value, parts.Length > 1 && Number(parts[1]) is >= 0 and <= uint.MaxValue and var mask ? (uint)mask : uint.MaxValue)
            : null;
    }

    public static long? Number(string? text) =>
        text is null ? null
        : text.StartsWith("0x", StringComparison.Ordinal)
            ? long.TryParse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var hex) ? hex : null
            : long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : null;

    private static int Table(string? text, IReadOnlyDictionary<string, int> names) =>
        text is null ? HostRoute.MainTable : names.TryGetValue(text, out var known) ? known : Number(text) is >= 0 and <= int.MaxValue and var number ? (int)number : -1;

    private static IPNetwork? Network(string text, AddressFamily family)
    {
        var any = family == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any;
        if (text == "default")
            return new(any, 0);
        var parts = text.Split('/');
        if (!IPAddress.TryParse(parts[0], out var address) || address.AddressFamily != family)
            return null;
        var most = family == AddressFamily.InterNetwork ? 32 : 128;
        return parts.Length == 1 ? new(address, most)
            : int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var length) && length <= most ? Networks.Of(address, length) : null;
    }

    private static IPAddress? Address(string? text) => IPAddress.TryParse(text, out var address) ? address : null;

    private static string? After(string[] words, string word) => Array.IndexOf(words, word) is var at and >= 0 && at + 1 < words.Length ? words[at + 1] : null;
}
