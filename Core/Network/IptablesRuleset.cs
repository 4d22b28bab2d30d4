using System.Globalization;
using System.Net.Sockets;
using System.Text;
using MigrationDashboard.Core.Servers;

namespace MigrationDashboard.Core.Network;

/// <summary>A jump from a built-in chain to one of ours, put at its head: ours must come before Docker's (see <see cref="NftRuleset.DestinationNatPriority"/>).</summary>
public sealed record IptablesJump(string Table, string BuiltIn, string Chain);

/// <summary>
/// Renders a <see cref="HostConfig"/> for hosts without nft: input for <c>iptables-restore --noflush</c> that fills chains of our own, and the
/// jumps to them. The same way of a packet as in <see cref="NftRuleset"/>.
/// </summary>
public sealed record IptablesRuleset(AddressFamily Family, string Restore, ValueList<IptablesJump> Jumps)
{
    /// <summary>Every chain we ever make, so that the ones a configuration no longer wants are found and removed.</summary>
    public static ValueList<IptablesJump> AllJumps(Allocation allocation) =>
    [
        new("raw", "PREROUTING", allocation.ChainPrefix + "-HOLD"),
        new("mangle", "PREROUTING", allocation.ChainPrefix + "-PRE"),
        new("mangle", "FORWARD", allocation.ChainPrefix + "-FWD"),
        new("mangle", "OUTPUT", allocation.ChainPrefix + "-OUT"),
        new("mangle", "POSTROUTING", allocation.ChainPrefix + "-POST"),
        new("nat", "PREROUTING", allocation.ChainPrefix + "-DNAT"),
        new("nat", "POSTROUTING", allocation.ChainPrefix + "-SNAT"),
        new("filter", "FORWARD", allocation.ChainPrefix + "-GUARD"),
        new("filter", "OUTPUT", allocation.ChainPrefix + "-PATIENCE"),
    ];

    public static IptablesRuleset Render(HostConfig config, AddressFamily family)
    {
        var rules = Rules(config, family).ToLookup(rule => rule.Chain, rule => rule.Text);
        var jumps = AllJumps(config.Allocation).Where(jump => rules.Contains(Short(jump, config))).ToList();
        var text = new StringBuilder();
        foreach (var table in jumps.GroupBy(jump => jump.Table))
        {
            text.Append(CultureInfo.InvariantCulture, $"*{table.Key}\n");
            foreach (var jump in table)
                text.Append(CultureInfo.InvariantCulture, $":{jump.Chain} - [0:0]\n");
            foreach (var jump in table)
                foreach (var rule in rules[Short(jump, config)])
                    text.Append(CultureInfo.InvariantCulture, $"-A {jump.Chain} {rule}\n");
            text.Append("COMMIT\n");
        }

        return new(family, text.ToString(), jumps.ToValueList());
    }

    /// <summary>For people: the restore input with the jumps as the commands that make them.</summary>
    public string Preview()
    {
        var command = Family == AddressFamily.InterNetwork ? "iptables" : "ip6tables";
        return Jumps.Count == 0 ? "" : Restore + string.Concat(Jumps.Select(jump => $"{command} -t {jump.Table} -I {jump.BuiltIn} 1 -j {jump.Chain}\n"));
    }

    private static string Short(IptablesJump jump, HostConfig config) => jump.Chain[(config.Allocation.ChainPrefix.Length + 1)..];

    private static IEnumerable<(string Chain, string Text)> Rules(HostConfig config, AddressFamily family)
    {
        var marks = config.Allocation;
        var ports = Matches(config.Ports).ToList();
        var forwardings = config.Forwardings.Where(forwarding => forwarding.Family == family).ToList();
        var returns = config.ReturnPaths.Where(path => path.Family == family).ToList();

        foreach (var hold in config.Holds.Where(hold => hold.Family == family))
            foreach (var address in hold.Addresses)
                foreach (var port in ports)
                    yield return ("HOLD", $"! -i lo -d {address} {port.Opening} {port.Ports} -j DROP");

        foreach (var counting in config.Counting.Where(counting => counting.Family == family))
            foreach (var port in ports)
            {
                yield return ("PRE", $"-i {counting.Inbound} -d {counting.Address} {port.Opening} {port.Ports} -m conntrack --ctstate NEW -m comment --comment outside");
                if (counting.LinkAddress is not null)
                    yield return ("PRE", $"-i {counting.Link} -d {counting.LinkAddress} {port.Opening} {port.Ports} -m conntrack --ctstate NEW -m comment --comment link");
            }

        foreach (var forwarding in forwardings.Where(forwarding => forwarding.AcceptNew))
            foreach (var port in ports)
            {
                yield return ("PRE", $"-i {forwarding.Inbound} -d {forwarding.Address} {port.Protocol} {port.Ports} -m conntrack --ctstate NEW -j CONNMARK --set-xmark {marks.Forwarded}");
                yield return ("DNAT", $"-i {forwarding.Inbound} -d {forwarding.Address} {port.Protocol} {port.Ports} -j DNAT --to-destination {forwarding.Peer}");
            }

        foreach (var path in returns)
            foreach (var port in ports)
                yield return ("PRE", $"-i {path.Link} -d {path.Address} {port.Protocol} {port.Ports} -m conntrack --ctstate NEW -j CONNMARK --set-xmark {marks.Return}");

        foreach (var path in returns)
            foreach (var port in Matches(path.Delivered))
                yield return ("DNAT", $"-i {path.Link} -d {path.Address} {port.Protocol} {port.Ports} -j DNAT --to-destination {path.Public}");

        if (config.Egress is { } egress && egress.Family == family)
        {
            yield return ("PRE", $"-i {egress.Bridge} -s {egress.Source} ! -d {egress.Local} -m conntrack --ctstate NEW --ctdir ORIGINAL -m connmark --mark 0x0/{marks.Egress.MaskHex} -j CONNMARK --set-xmark {marks.Egress}");
            yield return ("PRE", $"-i {egress.Bridge} -m conntrack --ctdir ORIGINAL -m connmark --mark {marks.Egress} -j MARK --set-xmark {marks.Egress}");
        }

        if (returns.Count > 0)
            foreach (var chain in new[] { "PRE", "OUT" })
                yield return (chain, $"-m conntrack --ctdir REPLY -m connmark --mark {marks.Return} -j CONNMARK --restore-mark --nfmask {marks.Return.MaskHex} --ctmask {marks.Return.MaskHex}");

        if (config.Ports.Any(port => port.Transport == Transport.Tcp))
            foreach (var forwarding in forwardings)
            {
                yield return ("FWD", $"-o {forwarding.Link} -p tcp --tcp-flags SYN,RST SYN -m connmark --mark {marks.Forwarded} -j TCPMSS --clamp-mss-to-pmtu");
                yield return ("FWD", $"-i {forwarding.Link} -p tcp --tcp-flags SYN,RST SYN -m connmark --mark {marks.Forwarded} -j TCPMSS --set-mss {NftRuleset.MaximumSegment(forwarding)}");
            }

        foreach (var ours in NftRuleset.Carried(config, family))
            foreach (var type in family == AddressFamily.InterNetwork
                ? new[] { "-p icmp --icmp-type network-unreachable", "-p icmp --icmp-type host-unreachable" }
                : ["-p icmpv6 --icmpv6-type no-route", "-p icmpv6 --icmpv6-type address-unreachable"])
                yield return ("PATIENCE", $"{type} -m connmark --mark {ours} -j DROP");

        foreach (var (link, mark) in returns.Select(path => (path.Link, marks.Return)).Concat(
            config.Egress is { } own && own.Family == family ? [(own.Link, marks.Egress)] : []))
            yield return ("POST", $"-o {link} -m mark --mark {mark} -j MARK --set-xmark 0x0/{mark.MaskHex}");

        if (config.EgressExit is { } exit && exit.Family == family)
            foreach (var source in exit.Sources)
                yield return ("SNAT", $"-o {exit.Outbound} -s {source} -j SNAT --to-source {exit.Address}");

        if (config.GuardedForwarding.Contains(family) && forwardings.Count > 0)
        {
            if (config.EgressExit is { } way && way.Family == family)
                yield return ("GUARD", $"-i {way.Link} -j RETURN");
            foreach (var bridge in NftRuleset.ContainerBridges)
            {
                yield return ("GUARD", $"-i {bridge}+ -j RETURN");
                yield return ("GUARD", $"-o {bridge}+ -j RETURN");
            }

            yield return ("GUARD", $"-m connmark --mark 0x0/{NftRuleset.AnyMigration} -m conntrack --ctdir ORIGINAL -j DROP");
        }
    }

    private static IEnumerable<(string Protocol, string Opening, string Ports)> Matches(IEnumerable<ForwardedPort> ports) =>
        ports.GroupBy(port => port.Transport).OrderBy(group => group.Key).Select(group =>
            (group.Key == Transport.Tcp ? "-p tcp" : "-p udp",
             group.Key == Transport.Tcp ? "-p tcp --syn" : "-p udp",
             $"-m multiport --dports {string.Join(',', group.Order().Select(port => port.Number.ToString(CultureInfo.InvariantCulture)))}"));
}
