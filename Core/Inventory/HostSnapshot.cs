using System.Net;
using System.Net.Sockets;
using MigrationDashboard.Core.Network;
using MigrationDashboard.Core.Servers;

namespace MigrationDashboard.Core.Inventory;

/// <summary>
/// The part of a host that must be the same after a migration as before: rules, routes, addresses, sysctls, files, keys. Without what changes by
/// itself (counters, lifetimes, temporary addresses) and without what is nothing (an empty chain of the kernel's own that accepts).
/// </summary>
/// <param name="Areas">Sorted by name; an area without lines is left out.</param>
/// <param name="DockerWords">Interfaces, networks and addresses that Docker makes and unmakes with containers.</param>
public sealed record HostSnapshot(ValueList<SnapshotArea> Areas, ValueList<string> DockerWords)
{
    /// <param name="others">Migrations that share the host and may come and go meanwhile: what is theirs is left out.</param>
    public static HostSnapshot Of(HostInventory host, params IEnumerable<Allocation> others)
    {
        var foreign = others.ToList();
        var areas = Iptables(host).Concat(Nft(host)).Concat(Network(host)).Concat(Files(host))
            .Select(area => area with { Lines = area.Lines.Where(line => !foreign.Any(other => Belongs(area.Name, line, other))).ToValueList() })
            .Where(area => area.Lines.Count > 0 && !(foreign.Count > 0 && area.Name == "own"));
        return new(areas.OrderBy(area => area.Name, StringComparer.Ordinal).ToValueList(), Words(host).Distinct().Order(StringComparer.Ordinal).ToValueList());
    }

    /// <summary>What differs, leaving out what Docker makes and unmakes with its containers; empty when the host is as it was found.</summary>
    /// <param name="moved">What has moved: its own unit files and folders are as they should be now. Null when nothing has.</param>
    public static ValueList<SnapshotDifference> Compare(HostSnapshot before, HostSnapshot after, Workload? moved = null)
    {
        if (moved is not null)
            (before, after) = (before.WithoutFilesOf(moved), after.WithoutFilesOf(moved).WithoutForwardingOfContainers(before));
        var words = before.DockerWords.Concat(after.DockerWords).ToHashSet(StringComparer.Ordinal);
        var was = before.WithoutWorkload(words).Areas.ToDictionary(area => area.Name, area => area.Lines, StringComparer.Ordinal);
        var @is = after.WithoutWorkload(words).Areas.ToDictionary(area => area.Name, area => area.Lines, StringComparer.Ordinal);
        return was.Keys.Union(@is.Keys).Order(StringComparer.Ordinal)
            .Select(name => Difference(name, was.GetValueOrDefault(name, []), @is.GetValueOrDefault(name, [])))
            .OfType<SnapshotDifference>().ToValueList();
    }

    /// <summary>Without the lines that name one of the words (an interface, an address, a network) and without chains that only Docker fills.</summary>
    public HostSnapshot WithoutWorkload(IReadOnlySet<string> words) => this with
    {
        Areas = Areas.Where(area => !IsDockers(area.Name))
            .Select(area => IsOfNetwork(area.Name) ? area with { Lines = area.Lines.Where(line => !Names(line, words)).ToValueList() } : area)
            .Where(area => area.Lines.Count > 0).ToValueList(),
    };

    private HostSnapshot WithoutFilesOf(Workload moved) => this with
    {
        Areas = Areas.Select(area => area.Name == "files" ? area with { Lines = area.Lines.Where(line => !WorkloadFiles.Belongs(line.Split(' ')[0], moved)).ToValueList() } : area)
            .Where(area => area.Lines.Count > 0).ToValueList(),
    };

    /// <summary>Docker turns forwarding on for a network it makes; the networks that have come with a workload keep it (config.sh, containers_need).</summary>
    private HostSnapshot WithoutForwardingOfContainers(HostSnapshot before)
    {
        var families = DockerWords.Except(before.DockerWords).Select(word => IPNetwork.TryParse(word, out var network) ? Number(network.BaseAddress.AddressFamily) : 0).ToHashSet();
        var off = before.Areas.Where(area => area.Name == "sysctls").SelectMany(area => area.Lines).Where(line => IsForwarding(line, families)).ToHashSet(StringComparer.Ordinal);
        return this with { Areas = Areas.Select(area => area.Name == "sysctls" ? area with { Lines = area.Lines.Select(line => off.Contains(line[..^1] + "0") ? line[..^1] + "0" : line).ToValueList() } : area).ToValueList() };
    }

    private static bool IsForwarding(string line, IReadOnlySet<int> families) =>
        families.Any(family => line.StartsWith($"net/ipv{family}/", StringComparison.Ordinal)) && (line.EndsWith("/forwarding = 0", StringComparison.Ordinal) || line == "net/ipv4/ip_forward = 0");

    private static SnapshotDifference? Difference(string area, ValueList<string> was, ValueList<string> @is)
    {
        if (was.Equals(@is))
            return null;
        var missing = Without(was, @is);
        var added = Without(@is, was);
        return new(area, missing, added);
    }

    /// <summary>Lines of one that the other has fewer of.</summary>
    private static ValueList<string> Without(IEnumerable<string> lines, IEnumerable<string> others)
    {
        var counts = others.GroupBy(line => line).ToDictionary(group => group.Key, group => group.Count(), StringComparer.Ordinal);
        return lines.Where(line => !(counts.TryGetValue(line, out var left) && left > 0 && (counts[line] = left - 1) >= 0)).ToValueList();
    }

    // DOCKER-USER is the administrator's, and where our openings are: it is never left out.
    private static bool IsDockers(string area) =>
        (area.StartsWith("iptables", StringComparison.Ordinal) && area.Split(' ')[^1] is var chain && (chain == "DOCKER" || (chain.StartsWith("DOCKER-", StringComparison.Ordinal) && chain != "DOCKER-USER")))
        || area.EndsWith(" docker-bridges", StringComparison.Ordinal);

    private static bool IsOfNetwork(string area) =>
        (area.StartsWith("iptables", StringComparison.Ordinal) && !area.EndsWith(" DOCKER-USER", StringComparison.Ordinal)) || area is "routes" or "addresses" or "interfaces" or "sysctls";

    private static bool Names(string line, IReadOnlySet<string> words) => line.Split([' ', '/', ':', '[', ']'], StringSplitOptions.RemoveEmptyEntries).Any(words.Contains)
        || line.Split(' ', StringSplitOptions.RemoveEmptyEntries).Any(words.Contains);

    private static bool Belongs(string area, string line, Allocation other) =>
        area.EndsWith(" " + other.NftTable, StringComparison.Ordinal) || area.Contains(" " + other.ChainPrefix + "-", StringComparison.Ordinal)
        || line.Contains(other.NftTable, StringComparison.Ordinal) || line.Contains(other.ChainPrefix + "-", StringComparison.Ordinal)
        || line.Contains($"table {other.Table} ", StringComparison.Ordinal) || line.EndsWith($"lookup {other.Table}", StringComparison.Ordinal)
        || (area == "files" && line.Contains($"@{other.Key}.", StringComparison.Ordinal))

        // Units of the product are shared by the migrations on a host.
        || (area == "files" && line.Contains("/migration-dashboard", StringComparison.Ordinal) && line.Contains("@.service", StringComparison.Ordinal));

    private static IEnumerable<SnapshotArea> Iptables(HostInventory host) =>
        from chain in host.Firewall.Iptables
        let first = chain.Policy is null ? "chain" : chain.Policy == "ACCEPT" ? null : "policy " + chain.Policy
        let lines = chain.Rules.Prepend(first).OfType<string>().ToValueList()
        group lines by $"iptables{(chain.Legacy ? "-legacy" : "")} {Number(chain.Family)} {chain.Table} {chain.Name}" into chains
        select new SnapshotArea(chains.Key, chains.SelectMany(lines => lines).ToValueList());

    private static IEnumerable<SnapshotArea> Nft(HostInventory host)
    {
        var wanted = host.Firewall.Nft.Select(table => $"table {table.Family} {table.Name}").ToHashSet(StringComparer.Ordinal);
        var lines = new List<string>();
        string? name = null;
        foreach (var line in host.Firewall.NftText.Split('\n'))
        {
            if (name is null && line.StartsWith("table ", StringComparison.Ordinal) && line.IndexOf(" {", StringComparison.Ordinal) is var brace and > 0)
                name = line[..brace];
            else if (line == "}" && name is not null)
            {
                if (wanted.Contains(name))
                    yield return new("nft " + name[6..], [name, .. lines]);
                lines.Clear();
                name = null;
            }
            else if (name is not null && line.Trim() is { Length: > 0 } text && text[0] != '#')
                lines.Add(WithoutLifetimes(text));
        }
    }

    /// <summary>Elements of sets may have lifetimes and counters that run.</summary>
    private static string WithoutLifetimes(string line)
    {
        while (line.IndexOf(" expires ", StringComparison.Ordinal) is var at and >= 0)
        {
            var end = line.IndexOfAny([',', ' ', '}'], at + 9);
            line = end < 0 ? line[..at] : line[..at] + line[end..];
        }

        return line;
    }

    private static IEnumerable<SnapshotArea> Network(HostInventory host)
    {
        // Derived by the kernel from addresses: the local table, link-local and multicast networks.
        yield return Sorted("routes", host.Routes.Where(route => route.Kind is not ("local" or "broadcast" or "multicast" or "anycast") && !IsLinkLocal(route))
            .Select(route => $"{Number(route.Family)} table {route.Table} {route.Text}"));
        yield return new("rules", host.Rules.Select(rule => $"{Number(rule.Family)} {rule.Preference}: {rule.Text}").ToValueList());
        yield return Sorted("addresses", host.Addresses.Where(address => address is { Passing: false, Scope: not "link" }).Select(address => $"{address.Interface} {address.Address}/{address.PrefixLength}"));
        yield return Sorted("interfaces", host.Links.Select(link => $"{link.Name} {link.Kind} mtu {link.Mtu}{(link.Master is null ? "" : $" master {link.Master}")}"));

        // Those of modules (conntrack, bridge) appear when somebody first uses them; nothing of ours is kept there.
        yield return Sorted("sysctls", host.Sysctls.Where(sysctl => !sysctl.Path.StartsWith("net/netfilter/", StringComparison.Ordinal) && !sysctl.Path.StartsWith("net/bridge/", StringComparison.Ordinal))
            .Select(sysctl => $"{sysctl.Path} = {host.SysctlBefore(sysctl.Path)}"));
    }

    private static IEnumerable<SnapshotArea> Files(HostInventory host)
    {
        yield return Sorted("files", host.Files.Select(file => $"{file.Path} {file.Content}"));
        yield return Sorted("authorized keys", host.AuthorizedKeys.Select(file => $"{file.Path} {file.Content}"));
        yield return Sorted("own", host.Own.Migrations.Select(key => "migration " + key).Concat(host.Own.FolderExists ? ["folder " + Allocation.HostFolder] : []));
    }

    /// <summary>Interfaces of Docker's bridges and their ports, their networks, and the addresses of containers.</summary>
    private static IEnumerable<string> Words(HostInventory host)
    {
        if (host.Docker is not { } docker)
            yield break;
        var bridges = docker.Networks.Select(network => network.Bridge).OfType<string>().ToHashSet(StringComparer.Ordinal);
        foreach (var name in bridges.Concat(host.Links.Where(link => link.Master is not null && bridges.Contains(link.Master)).Select(link => link.Name)))
            yield return name;
        foreach (var subnet in docker.Networks.SelectMany(network => network.Subnets))
            yield return subnet.ToString();
        foreach (var network in docker.Containers.SelectMany(container => container.Networks))
            foreach (var address in new[] { network.Address, network.AddressV6 }.OfType<IPAddress>())
                foreach (var text in new[] { address.ToString(), $"{address}/{(address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128)}" })
                    yield return text;
    }

    private static SnapshotArea Sorted(string name, IEnumerable<string> lines) => new(name, lines.Order(StringComparer.Ordinal).ToValueList());

    private static bool IsLinkLocal(HostRoute route) => route.Destination is { } network && network.BaseAddress.IsIPv6LinkLocal;

    private static int Number(AddressFamily family) => family == AddressFamily.InterNetwork ? 4 : 6;
}

/// <summary>One part of a host: a chain, the routes, the files, ….</summary>
public sealed record SnapshotArea(string Name, ValueList<string> Lines);

/// <param name="Missing">Lines that were there before.</param>
/// <param name="Added">Lines that were not. Both are empty when only the order changed.</param>
public sealed record SnapshotDifference(string Area, ValueList<string> Missing, ValueList<string> Added)
{
    /// <summary>As a diff for people: <c>- before</c>, <c>+ after</c>.</summary>
    public override string ToString() =>
        Missing.Count + Added.Count == 0
            ? $"{Area}: the same lines in another order"
            : $"{Area}:\n" + string.Concat(Missing.Select(line => $"- {line}\n").Concat(Added.Select(line => $"+ {line}\n")));
}
