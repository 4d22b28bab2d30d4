using System.Globalization;
using System.Net.Sockets;

namespace MigrationDashboard.Core.Inventory;

/// <summary>Reads the output of <c>inventory.sh</c>.</summary>
public static class InventoryText
{
    /// <exception cref="FormatException">The output is not a whole reading.</exception>
    public static HostInventory Parse(string output)
    {
        var sections = Sections.Split(output);
        var host = Words(Get("host"));
        var tables = NetworkText.TableNames(Get("table_names").Lines);
        var tools = Words(Get("tools"));
        return new()
        {
            System = System(host, Get),
            Tools = tools.Keys.ToValueList(),
            Links = NetworkText.Links(Get("links").Lines),
            Addresses = NetworkText.Addresses(Get("addresses").Lines),
            Routes = NetworkText.Routes(Get("routes4").Lines, AddressFamily.InterNetwork, tables)
                .Concat(NetworkText.Routes(Get("routes6").Lines, AddressFamily.InterNetworkV6, tables)).ToValueList(),
            Rules = NetworkText.Rules(Get("rules4").Lines, AddressFamily.InterNetwork, tables)
                .Concat(NetworkText.Rules(Get("rules6").Lines, AddressFamily.InterNetworkV6, tables)).ToValueList(),
            Sysctls = Get("sysctls").Lines.Select(line => line.IndexOf(':', StringComparison.Ordinal) is var colon and > 0 ? new HostSysctl(line[..colon], line[(colon + 1)..]) : null)
                .OfType<HostSysctl>().ToValueList(),
            Sockets = SocketText.Parse(Get("sockets").Lines),
            Firewall = Firewall(Get),
            Docker = DockerText.Parse(Get("docker"), Get("containers"), Get("docker_networks"), tools.ContainsKey("docker-compose")),
            FileSystems = FileSystems(Get("disks").Lines),
            Sizes = Sizes(Get("sizes").Lines),
            Services = Get("services").Lines.Select(Service).OfType<RunningService>().ToValueList(),
            Managers = Managers(Get),
            Ssh = Ssh(Get),
            Files = Files(Get("files").Lines),
            AuthorizedKeys = Get("keys").Lines.Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)).Where(words => words.Length >= 2)
                .Select(words => new HostFile(words[0], words[1])).ToValueList(),
            Own = Own(Get("own").Lines),
            Failures = sections.Values.Where(section => (section.Exit != 0 && !section.IsAbsent && section.Name != "nft_check") || section.Truncated)
                .Select(section => new FailedPart(section.Name, section.Truncated ? "it prints more than can be read" : section.Reason)).ToValueList(),
        };

        Section Get(string name) => sections.TryGetValue(name, out var section) ? section : new(name, 127, [], []);
    }

    private static HostSystem System(Dictionary<string, string> host, Func<string, Section> get)
    {
        var clock = Clock(get("clock"));
        var after = Clock(get("clock-after"));
        return new()
        {
            Hostname = host.GetValueOrDefault("hostname", ""),
            Distribution = get("os_release").Lines.Where(line => line.StartsWith("PRETTY_NAME=", StringComparison.Ordinal)).Select(line => line[12..].Trim('"', '\'')).FirstOrDefault(""),
            KernelRelease = host.GetValueOrDefault("kernel", ""),
            UserId = int.TryParse(host.GetValueOrDefault("uid"), NumberStyles.None, CultureInfo.InvariantCulture, out var uid) ? uid : -1,
            MachineId = host.GetValueOrDefault("machine-id") is { Length: > 0 } id ? id : null,
            Virtualization = get("virtualization").Lines is [var first, ..] ? first : null,
            Systemd = host.GetValueOrDefault("init") == "systemd",
            TunDevice = host.ContainsKey("tun"),
            ConntrackList = host.ContainsKey("conntrack-list"),
            Ipv6 = host.ContainsKey("ipv6"),
            Versions = Words(get("versions")).Select(pair => new ToolVersion(pair.Key, pair.Value)).ToValueList(),
            Clock = clock + ((after - clock) / 2),
            Took = after - clock,
        };
    }

    private static HostFirewall Firewall(Func<string, Section> get)
    {
        var save4 = FirewallText.Iptables(get("iptables4").Lines, AddressFamily.InterNetwork, legacy: false);
        var save6 = FirewallText.Iptables(get("iptables6").Lines, AddressFamily.InterNetworkV6, legacy: false);
        var iptables = Words(get("versions")).GetValueOrDefault("iptables", "");
        var overNft = iptables.Contains("nf_tables", StringComparison.Ordinal);

        // With an iptables that is legacy itself, both commands print the same rules.
        var legacy = overNft
            ? FirewallText.Iptables(get("legacy4").Lines, AddressFamily.InterNetwork, legacy: true).Concat(FirewallText.Iptables(get("legacy6").Lines, AddressFamily.InterNetworkV6, legacy: true)).ToList()
            : [];
        var managed = overNft ? save4.Select(chain => ("ip", chain.Table)).Concat(save6.Select(chain => ("ip6", chain.Table))).ToHashSet() : [];
        var nft = get("nft");
        var check = get("nft_check");
        var ufw = get("ufw");
        var chains = save4.Concat(save6).Concat(legacy).ToValueList();
        return new()
        {
            Nft = FirewallText.Nft(nft.Lines, managed),
            NftText = string.Join('\n', nft.Lines),
            NftWorks = nft.IsAbsent || check.IsAbsent ? null : check.Exit == 0,
            NftProblem = check.Exit is 0 or 127 ? "" : check.Errors.Count > 0 ? check.Errors[0] : check.Reason,
            Iptables = chains,
            MixedIptables = legacy.Any(chain => chain.Rules.Count > 0),
            Ufw = ufw.IsAbsent ? null : Ufw(ufw.Lines, chains),
            FlushingFiles = get("firewall_files").Lines.Select(line => line.Split(':')[0]).Distinct().ToValueList(),
        };
    }

    private static UfwState Ufw(IReadOnlyList<string> lines, ValueList<IptablesChain> chains)
    {
        var settings = lines.Select(line => line.Split('=', 2)).Where(parts => parts.Length == 2).GroupBy(parts => parts[0], parts => parts[1].Trim('"', '\''))
            .ToDictionary(group => group.Key, group => group.Last(), StringComparer.Ordinal);
        return new(
            settings.GetValueOrDefault("ENABLED") == "yes" && chains.Any(chain => chain.Name == "ufw-user-input"),
            settings.GetValueOrDefault("DEFAULT_INPUT_POLICY", "DROP"),
            settings.GetValueOrDefault("DEFAULT_FORWARD_POLICY", "DROP"));
    }

    private static NetworkManagers Managers(Func<string, Section> get)
    {
        var settings = get("network_managers").Lines;
        return new(
            get("active").Lines.Select(line => line.Split(' ')).Where(words => words is [_, "active"]).Select(words => words[0]).ToValueList(),
            Keeps("ManageForeignRoutingPolicyRules"),
            Keeps("ManageForeignRoutes"),
            settings.Any(line => line.EndsWith(":netplan", StringComparison.Ordinal)));

        // Values as systemd.syntax(7) reads them; a later file has the last word.
        bool Keeps(string setting) => settings.Select(line => line.Split('=', 2)).LastOrDefault(parts => parts.Length == 2 && parts[0].EndsWith(":" + setting, StringComparison.Ordinal))?[1]
            .Trim().ToLowerInvariant() is "no" or "false" or "0" or "off" or "n" or "f";
    }

    private static SshServer Ssh(Func<string, Section> get)
    {
        var ports = get("sshd").Lines.Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)).Where(words => words is ["port", _, ..])
            .Select(words => ushort.TryParse(words[1], NumberStyles.None, CultureInfo.InvariantCulture, out var port) ? port : (ushort)0).Where(port => port != 0).Distinct().ToList();
        return new(
            ports.Count > 0 ? ports.ToValueList() : [22],
            get("host_keys").Lines.Select(line => line.Split(' ')).Where(words => words.Length >= 2).Select(words => $"{words[0]} {words[1]}").ToValueList());
    }

    /// <param name="lines">Of <c>df -P</c>; the heading tells the unit.</param>
    private static ValueList<FileSystem> FileSystems(IReadOnlyList<string> lines)
    {
        var systems = new List<FileSystem>();
        long unit = 1;
        foreach (var line in lines)
        {
            var words = line.Split(' ', 6, StringSplitOptions.RemoveEmptyEntries);
            if (words.Length < 6)
                continue;
            if (words[1].EndsWith("-blocks", StringComparison.Ordinal))
                unit = words[1].StartsWith("1024", StringComparison.Ordinal) ? 1024 : 1;
            else if (long.TryParse(words[1], out var size) && long.TryParse(words[3], out var available))
                systems.Add(new(words[5], words[0], size * unit, available * unit));
        }

        return systems.ToValueList();
    }

    private static ValueList<MeasuredSize> Sizes(IEnumerable<string> lines) => lines.Select(line => line.Split(' ', 3)).Where(words => words.Length == 3)
        .Select(words => new MeasuredSize(words[0], words[2], long.TryParse(words[1], NumberStyles.None, CultureInfo.InvariantCulture, out var bytes) ? bytes : null)).Distinct().ToValueList();

    private static RunningService? Service(string line)
    {
        var words = line.Split(' ', 5, StringSplitOptions.RemoveEmptyEntries);
        return words.Length >= 4 && words[0].EndsWith(".service", StringComparison.Ordinal) ? new(words[0], words.ElementAtOrDefault(4)?.Trim() ?? "") : null;
    }

    /// <param name="lines"><c>HASH  PATH</c> (sha256sum) and <c>link PATH -> TARGET</c>.</param>
    private static ValueList<HostFile> Files(IEnumerable<string> lines)
    {
        var files = new List<HostFile>();
        foreach (var line in lines)
        {
            if (line.StartsWith("link ", StringComparison.Ordinal) && line.IndexOf(" -> ", StringComparison.Ordinal) is var arrow and > 0)
                files.Add(new(line[5..arrow], line[(arrow + 1)..]));
            else if (line.IndexOf("  ", StringComparison.Ordinal) is var gap and >= 64)
                files.Add(new(line[(gap + 2)..], line[..gap]));
        }

        return files.OrderBy(file => file.Path, StringComparer.Ordinal).ToValueList();
    }

    private static OwnTraces Own(IReadOnlyList<string> lines) => new(
        lines.Any(line => line.StartsWith("folder ", StringComparison.Ordinal)),
        lines.Where(line => line.StartsWith("migration ", StringComparison.Ordinal)).Select(line => line[10..]).ToValueList(),
        lines.Select(line => line.Split(' ')).Where(words => words is ["before", _, _]).Select(words => new HostSysctl(words[1].Replace(',', '/'), words[2])).ToValueList());

    private static DateTimeOffset Clock(Section section)
    {
        // Busybox's date knows no nanoseconds and prints the %N, or nothing.
        var text = (section.Lines is [var first, ..] ? first : "0").Split('.');
        var seconds = long.TryParse(text[0], NumberStyles.None, CultureInfo.InvariantCulture, out var whole) ? whole : 0;
        var ticks = text.Length > 1 && text[1].Length == 9 && long.TryParse(text[1], NumberStyles.None, CultureInfo.InvariantCulture, out var nanoseconds) ? nanoseconds / 100 : 0;
        return DateTimeOffset.FromUnixTimeSeconds(Math.Clamp(seconds, 0, 253_402_300_799)).AddTicks(ticks);
    }

    /// <summary>The first word of each line, and what follows it.</summary>
    private static Dictionary<string, string> Words(Section section)
    {
        var words = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var line in section.Lines)
            if (line.IndexOf(' ', StringComparison.Ordinal) is var space and > 0)
                words.TryAdd(line[..space], line[(space + 1)..]);
        return words;
    }
}
