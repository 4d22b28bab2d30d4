using System.Globalization;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using MigrationDashboard.Core.Inventory;
using MigrationDashboard.Core.Network;
using MigrationDashboard.Core.Servers;
using MigrationDashboard.Core.Stages;

namespace MigrationDashboard.Core.Preflight;

/// <summary>Would the host's own firewall drop what arrives for it: the tunnel's packets, and forwarded connections to a plain process?</summary>
public sealed partial class InputFirewallCheck() : HostCheck("input-firewall", "The firewall lets the link in")
{
    protected override IEnumerable<CheckResult> Judge(HostView view)
    {
        if (view.Public is not { } inbound)
            return [Result(view.Role, CheckStatus.Unknown, "the public interface is not known")];

        var wanted = new List<(string In, ForwardedPort Port)>();
        if (view.IsTunnel && (view.Spec.Link.Kind == LinkKind.Vxlan || !view.IsOld))
            wanted.Add((inbound, new(view.Spec.Link.Port ?? (view.Spec.Link.Kind == LinkKind.Vxlan ? StageConfigs.DefaultVxlanPort : StageConfigs.DefaultOpenVpnPort), Transport.Udp)));

        // What goes to a published container is forwarded, and no input.
        if (!view.IsDocker || FactsFromInventory.WorkloadContainer(view.IsOld ? view.Host : view.Peer ?? view.Host, view.Spec.Workload, view.Spec.Ports) is { NetworkMode: "host" })
            wanted.AddRange(view.Spec.Ports.Select(port => (view.Link, port)));
        if (wanted.Count == 0)
            return [Result(view.Role, CheckStatus.Pass, "nothing of the migration arrives for the host itself")];

        foreach (var family in new[] { AddressFamily.InterNetwork, AddressFamily.InterNetworkV6 })
            foreach (var (@in, port) in wanted)
                foreach (var manager in new[] { null, view.Host.Managers.IsActive("firewalld.service") ? "firewalld" : null }.Distinct())
                    if ((family == AddressFamily.InterNetwork || view.Spec.Link.Ipv6 is not null)
                        && PacketWalk.NftDrops(view.Host.Firewall, family, "INPUT", @in, null, manager).FirstOrDefault(dropping => !dropping.Table.Chains.SelectMany(chain => chain.Rules).Any(rule => Accepts(rule, @in, port))) is { Table: { } table, Chain: { } chain })
                        return [Result(view.Role, CheckStatus.Fail, $"the nft chain {table.Family} {table.Name} {chain.Name} drops by default", $"{port} on {@in} would be dropped, and an accept in our table does not undo that (nft(8)).",
                            manager is null
                                ? $"Let it in for the time of the migration: nft insert rule {table.Family} {table.Name} {chain.Name} iifname \"{@in}\" {Protocol(port)} dport {Number(port)} accept. Then check again."
                                : $"Let it in: firewall-cmd --zone=ZONE-OF-{@in} --add-port={port}. Then check again.")];

        var kinds = FactsFromInventory.Of(view.Host, view.Spec with { EgressThroughNew = false }, view.Role).Facts?.InputFirewalls ?? [];
        var ports = string.Join(", ", wanted.Select(port => $"{port.Port} on {port.In}"));
        return [kinds.Count == 0
            ? Result(view.Role, CheckStatus.Pass, "nothing drops what arrives for the host")
            : Result(view.Role, CheckStatus.Pass, kinds[0] == FirewallKind.Ufw ? "ufw drops what it has no rule for" : "INPUT drops by default", "", $"{ports} is opened {(kinds[0] == FirewallKind.Ufw ? "by ufw allow" : "at the head of INPUT")}, and closed again.")];
    }

    /// <summary>A rule that lets the port in: by number or range, from any interface or this.</summary>
    public static bool Accepts(string rule, string incoming, ForwardedPort port)
    {
        var match = PortRule().Match(rule);
        if (!match.Success || (match.Groups["protocol"].Value is var protocol && protocol != "th" && protocol != Protocol(port)))
            return false;
        if (InterfaceRule().Match(rule) is { Success: true } named && !named.Groups["names"].Value.Split(['{', '}', ',', ' ', '"'], StringSplitOptions.RemoveEmptyEntries).Contains(incoming))
            return false;
        return match.Groups["ports"].Value.Split(['{', '}', ',', ' '], StringSplitOptions.RemoveEmptyEntries).Any(part =>
            part.Split('-') is [var first, .. var rest] && int.TryParse(first, NumberStyles.None, CultureInfo.InvariantCulture, out var low)
            && (rest.Length == 0 ? low == port.Number : int.TryParse(rest[0], NumberStyles.None, CultureInfo.InvariantCulture, out var high) && low <= port.Number && port.Number <= high));
    }

    private static string Protocol(ForwardedPort port) => port.Transport == Transport.Tcp ? "tcp" : "udp";

    private static string Number(ForwardedPort port) => port.Number.ToString(CultureInfo.InvariantCulture);

    [GeneratedRegex(@"\b(?<protocol>tcp|udp|th) dport (?<ports>\{[^}]*\}|\S+) .*\baccept\b")]
    private static partial Regex PortRule();

    [GeneratedRegex(@"\biif(name)? (?<names>\{[^}]*\}|\S+)")]
    private static partial Regex InterfaceRule();
}
