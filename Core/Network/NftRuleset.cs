using System.Globalization;
using System.Net.Sockets;
using System.Text;
using MigrationDashboard.Core.Servers;

namespace MigrationDashboard.Core.Network;

/// <summary>Renders a <see cref="HostConfig"/> to one nft transaction: our own table of each family is replaced whole (nft(8)).</summary>
/// <remarks>
/// The way of a packet that arrives from outside (netfilter hooks, lowest priority first):
/// <code>
/// prerouting  -300 raw     hold: new connections are dropped before they make a conntrack entry
///             -200         conntrack
///             -150 mangle  mark: connections get their connection mark, replies get it back as packet mark
///             -110         to_peer: before Docker's own at -100, which would otherwise take the connection; to_us
/// routing                  ip rule on the packet mark
/// forward     -150 mangle  clamp: MSS lowered to what the link carries
///                0 filter  guard: what is not ours is not forwarded
/// output      -150 mangle  replies: of local processes; the route type asks the routing rules again
///                0 filter  patience: a link that is cut for a while is not told to those who call
/// postrouting -150 mangle  unmark: a link that is itself a tunnel of the kernel would route its outer packet by the mark
///               90         as_us: before Docker's masquerade at 100
/// </code>
/// </remarks>
public static class NftRuleset
{
    /// <summary>Docker's chains are at <c>dstnat</c>, -100: at the same priority a container published on this host takes the connection.</summary>
    public const int DestinationNatPriority = -110;

    private const int SourceNatPriority = 90;

    /// <summary>Docker names its bridges so; should it be started while we forward, what it forwards is its own affair (it would have switched forwarding on itself).</summary>
    internal static readonly string[] ContainerBridges = ["docker", "br-"];

    /// <summary>Another migration on this host may use the other field.</summary>
    internal static readonly string AnyMigration = ConnectionMark.Hex(Allocation.FirstMask | Allocation.SecondMask);

    public static string Render(HostConfig config)
    {
        var text = new StringBuilder();
        foreach (var family in new[] { AddressFamily.InterNetwork, AddressFamily.InterNetworkV6 })
        {
            var table = $"{(family == AddressFamily.InterNetwork ? "ip" : "ip6")} {config.Allocation.NftTable}";
            text.Append(CultureInfo.InvariantCulture, $"add table {table}\ndelete table {table}\n");
            var chains = Chains(config, family).Where(chain => chain.Rules.Count > 0 || chain.KeptEmpty).ToList();
            if (chains.Count == 0)
                continue;
            text.Append(CultureInfo.InvariantCulture, $"table {table} {{\n");
            foreach (var counter in Counters(config, family))
                text.Append(CultureInfo.InvariantCulture, $"\tcounter {counter} {{ }}\n");
            foreach (var chain in chains)
            {
                text.Append(CultureInfo.InvariantCulture, $"\tchain {chain.Name} {{\n\t\ttype {chain.Type} hook {chain.Hook} priority {chain.Priority}; policy accept;\n");
                foreach (var rule in chain.Rules)
                    text.Append(CultureInfo.InvariantCulture, $"\t\t{rule}\n");
                text.Append("\t}\n");
            }

            text.Append("}\n");
        }

        return text.ToString();
    }

    /// <summary>The counters of new connections, named as <see cref="Stages.ConnectionPath"/> seen from this host: <c>outside</c> and <c>link</c>, and <c>held</c>.</summary>
    private static IEnumerable<string> Counters(HostConfig config, AddressFamily family)
    {
        if (config.Counting.Any(counting => counting.Family == family))
        {
            yield return "outside";
            yield return "link";
        }

        if (config.Holds.Any(hold => hold.Family == family))
            yield return "held";
    }

    private sealed record Chain(string Name, string Type, string Hook, int Priority, List<string> Rules)
    {
        public bool KeptEmpty { get; init; }
    }

    private static IEnumerable<Chain> Chains(HostConfig config, AddressFamily family)
    {
        var ip = family == AddressFamily.InterNetwork ? "ip" : "ip6";
        var marks = config.Allocation;
        var ports = Matches(config.Ports).ToList();
        var forwardings = config.Forwardings.Where(forwarding => forwarding.Family == family).ToList();
        var returns = config.ReturnPaths.Where(path => path.Family == family).ToList();
        var egress = config.Egress?.Family == family ? config.Egress : null;
        var exit = config.EgressExit?.Family == family ? config.EgressExit : null;

        var hold = new Chain("hold", "filter", "prerouting", -300, []);
        foreach (var wanted in config.Holds.Where(wanted => wanted.Family == family))
            foreach (var port in ports)
                hold.Rules.Add($"iifname != \"lo\" {ip} daddr {{ {wanted.Addresses} }} {port.Text}{port.Opening} counter name \"held\" drop");
        yield return hold;

        var mark = new Chain("classify", "filter", "prerouting", -150, []);
        foreach (var counting in config.Counting.Where(counting => counting.Family == family))
            foreach (var port in ports)
            {
                mark.Rules.Add($"iifname \"{counting.Inbound}\" {ip} daddr {counting.Address} {port.Text}{port.Opening} ct state new counter name \"outside\"");
                if (counting.LinkAddress is not null)
                    mark.Rules.Add($"iifname \"{counting.Link}\" {ip} daddr {counting.LinkAddress} {port.Text}{port.Opening} ct state new counter name \"link\"");
            }

        foreach (var forwarding in forwardings.Where(forwarding => forwarding.AcceptNew))
            foreach (var port in ports)
                mark.Rules.Add($"iifname \"{forwarding.Inbound}\" {ip} daddr {forwarding.Address} {port.Text} ct state new ct mark set {Put("ct", marks.Forwarded)}");
        foreach (var path in returns)
            foreach (var port in ports)
                mark.Rules.Add($"iifname \"{path.Link}\" {ip} daddr {path.Address} {port.Text} ct state new ct mark set {Put("ct", marks.Return)}");
        if (egress is not null)
        {
            mark.Rules.Add($"iifname \"{egress.Bridge}\" {ip} saddr {egress.Source} {ip} daddr != {egress.Local} ct state new ct direction original ct mark & {marks.Egress.MaskHex} == 0 ct mark set {Put("ct", marks.Egress)}");
            mark.Rules.Add($"iifname \"{egress.Bridge}\" ct direction original ct mark & {marks.Egress.MaskHex} == {marks.Egress.ValueHex} meta mark set {Put("meta", marks.Egress)}");
        }

        if (returns.Count > 0)
            mark.Rules.Add(Reply(marks.Return));
        yield return mark;

        // Without any nat chain the kernel stops translating the connections it has (nf_nat_register_fn): those forwarded before need it, even empty.
        var dnat = new Chain("to_peer", "nat", "prerouting", DestinationNatPriority, []) { KeptEmpty = forwardings.Count > 0 };
        foreach (var forwarding in forwardings.Where(forwarding => forwarding.AcceptNew))
            foreach (var port in ports)
                dnat.Rules.Add($"iifname \"{forwarding.Inbound}\" {ip} daddr {forwarding.Address} {port.Text} dnat to {forwarding.Peer}");
        yield return dnat;

        var deliver = new Chain("to_us", "nat", "prerouting", DestinationNatPriority, []);
        foreach (var path in returns)
            foreach (var port in Matches(path.Delivered))
                deliver.Rules.Add($"iifname \"{path.Link}\" {ip} daddr {path.Address} {port.Text} dnat to {path.Public}");
        yield return deliver;

        var clamp = new Chain("clamp", "filter", "forward", -150, []);
        if (config.Ports.Any(port => port.Transport == Transport.Tcp))
            foreach (var forwarding in forwardings)
            {
                var ours = $"ct mark & {marks.Forwarded.MaskHex} == {marks.Forwarded.ValueHex}";
                clamp.Rules.Add($"oifname \"{forwarding.Link}\" {ours} tcp flags & (syn | rst) == syn tcp option maxseg size set rt mtu");
                clamp.Rules.Add($"iifname \"{forwarding.Link}\" {ours} tcp flags & (syn | rst) == syn tcp option maxseg size set {MaximumSegment(forwarding)}");
            }

        yield return clamp;

        var guard = new Chain("guard", "filter", "forward", 0, []);
        if (config.GuardedForwarding.Contains(family) && forwardings.Count > 0)
        {
            foreach (var bridge in ContainerBridges)
            {
                guard.Rules.Add($"iifname \"{bridge}*\" accept");
                guard.Rules.Add($"oifname \"{bridge}*\" accept");
            }

            guard.Rules.Add($"ct mark & {AnyMigration} == 0 {(exit is null ? "" : $"iifname != \"{exit.Link}\" ct direction original ")}counter drop");
        }

        yield return guard;

        var reply = new Chain("replies", "route", "output", -150, []);
        if (returns.Count > 0)
            reply.Rules.Add(Reply(marks.Return));
        yield return reply;

        // A neighbour that does not answer is told by ICMP, and that ends a connect that would have gone on trying (tcp_v4_err in SYN_SENT; RFC 5461).
        var patience = new Chain("patience", "filter", "output", 0, []);
        foreach (var ours in Carried(config, family))
            patience.Rules.Add($"{(ip == "ip" ? "icmp type destination-unreachable icmp code { net-unreachable, host-unreachable }" : "icmpv6 type destination-unreachable icmpv6 code { no-route, addr-unreachable }")} ct mark & {ours.MaskHex} == {ours.ValueHex} drop");
        yield return patience;

        // Encapsulated packets keep the mark, and VXLAN looks up its way by it: our table would lead them into the link again.
        var unmark = new Chain("unmark", "filter", "postrouting", -150, []);
        foreach (var path in returns)
            unmark.Rules.Add($"oifname \"{path.Link}\" meta mark & {marks.Return.MaskHex} == {marks.Return.ValueHex} meta mark set meta mark & {marks.Return.KeepHex}");
        if (egress is not null)
            unmark.Rules.Add($"oifname \"{egress.Link}\" meta mark & {marks.Egress.MaskHex} == {marks.Egress.ValueHex} meta mark set meta mark & {marks.Egress.KeepHex}");
        yield return unmark;

        var snat = new Chain("as_us", "nat", "postrouting", SourceNatPriority, []);
        if (exit is not null)
            snat.Rules.Add($"iifname \"{exit.Link}\" oifname \"{exit.Outbound}\" {ip} saddr {{ {exit.Sources} }} snat to {exit.Address}");
        yield return snat;
    }

    /// <summary>The marks of the connections that go over the link.</summary>
    internal static IEnumerable<ConnectionMark> Carried(HostConfig config, AddressFamily family)
    {
        if (config.Forwardings.Any(forwarding => forwarding.Family == family))
            yield return config.Allocation.Forwarded;
        if (config.ReturnPaths.Any(path => path.Family == family))
            yield return config.Allocation.Return;
    }

    /// <summary>TCP payload that fits the link: MTU less the IP and TCP headers without options.</summary>
    internal static int MaximumSegment(Forwarding forwarding) => forwarding.LinkMtu - (forwarding.Family == AddressFamily.InterNetwork ? 40 : 60);

    private static string Put(string where, ConnectionMark mark) => $"{where} mark & {mark.KeepHex} | {mark.ValueHex}";

    private static string Reply(ConnectionMark mark) => $"ct direction reply ct mark & {mark.MaskHex} == {mark.ValueHex} meta mark set {Put("meta", mark)}";

    /// <param name="Opening">Matches a TCP connection's first packet only: conntrack also calls the first packet it sees of an older connection new (nf_conntrack_tcp_loose).</param>
    private sealed record PortMatch(string Text, string Opening);

    private static IEnumerable<PortMatch> Matches(IEnumerable<ForwardedPort> ports) =>
        ports.GroupBy(port => port.Transport).OrderBy(group => group.Key).Select(group =>
            new PortMatch(
                $"{(group.Key == Transport.Tcp ? "tcp" : "udp")} dport {{ {string.Join(", ", group.Order().Select(port => port.Number.ToString(CultureInfo.InvariantCulture)))} }}",
                group.Key == Transport.Tcp ? " tcp flags & (fin | syn | rst | ack) == syn" : ""));
}
