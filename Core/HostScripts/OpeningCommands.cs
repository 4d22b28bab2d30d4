using System.Globalization;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using MigrationDashboard.Core.Network;
using MigrationDashboard.Core.Servers;

namespace MigrationDashboard.Core.HostScripts;

/// <summary>One opening as commands: how to see whether it is there, how to make it and how to take it away.</summary>
/// <param name="Id">Names the file that remembers it on the host: part of the hash of its commands, so the same opening has the same name.</param>
public sealed record OpeningCommands(string Id, string What, string Check, string Add, string Remove)
{
    public static Func<FirewallOpening, OpeningCommands> Of(Allocation allocation) => opening => Of(allocation, opening);

    private static OpeningCommands Of(Allocation allocation, FirewallOpening opening)
    {
        var (check, add, remove) = opening.Firewall == FirewallKind.Ufw ? Ufw(allocation, opening) : Iptables(allocation, opening);
        return new(Hash(add)[..12], $"{opening.Firewall} {opening.Kind} from {opening.In}", check, add, remove);
    }

    private static (string Check, string Add, string Remove) Iptables(Allocation allocation, FirewallOpening opening)
    {
        var command = opening.Family == AddressFamily.InterNetwork ? "iptables -w 5" : "ip6tables -w 5";
        var docker = opening.Firewall == FirewallKind.DockerUser && opening.Kind != OpeningKind.Input;
        var chain = docker ? "\"$chain\"" : opening.Kind == OpeningKind.Input ? "INPUT" : "FORWARD";
        var peer = opening.Peer is null ? "" : opening.Kind == OpeningKind.Input ? $" -s {opening.Peer}" : $" -d {opening.Peer}";
        var tag = $"-m comment --comment {allocation.NftTable} -j ACCEPT";
        var rules = opening.Ports.GroupBy(port => port.Transport)
            .Select(group => $"-i {opening.In}{Out(opening)}{peer} -p {(group.Key == Transport.Tcp ? "tcp" : "udp")} -m multiport --dports {Ports(group, ",")} {tag}").ToList();
        if (opening.Kind == OpeningKind.ForwardAll)
            rules.Add($"-i {opening.In}{Out(opening)} {tag}");
        if (opening.Kind != OpeningKind.Input)
            rules.Add($"-i {opening.Out} -o {opening.In} -m conntrack --ctstate RELATED,ESTABLISHED {tag}");

        // Some versions of Docker set the IPv6 policy to DROP and ask no DOCKER-USER there, and before it has started there is none at all.
        var find = docker ? $"chain=DOCKER-USER; {command} -C FORWARD -j DOCKER-USER 2>/dev/null || chain=FORWARD; " : "";
        var everywhere = docker ? ["DOCKER-USER", "FORWARD"] : new[] { chain };
        return (
            find + string.Join(" && ", rules.Select(rule => $"{command} -C {chain} {rule}")),
            find + string.Join(" && ", rules.Select(rule => $"{{ {command} -C {chain} {rule} 2>/dev/null || {command} -I {chain} 1 {rule}; }}")),
            string.Concat(everywhere.SelectMany(place => rules, (place, rule) => $"{command} -D {place} {rule} 2>/dev/null; ")) + "true");
    }

    private static (string Check, string Add, string Remove) Ufw(Allocation allocation, FirewallOpening opening)
    {
        // Not "any", which would be both families: the rule of one must not be that of the other.
        var any = opening.Family == AddressFamily.InterNetwork ? "0.0.0.0/0" : "::/0";
        var peer = opening.Peer?.ToString() ?? any;
        var rules = opening.Ports.GroupBy(port => port.Transport).Select(group =>
        {
            var protocol = group.Key == Transport.Tcp ? "tcp" : "udp";
            return opening.Kind == OpeningKind.Input
                ? $"in on {opening.In} proto {protocol} from {peer} to {any} port {Ports(group, ",")}"
                : $"in on {opening.In}{(opening.Out is null ? "" : $" out on {opening.Out}")} proto {protocol} to {peer} port {Ports(group, ",")}";
        }).ToList();
        if (opening.Kind == OpeningKind.ForwardAll)
            rules.Add($"in on {opening.In} out on {opening.Out} from {any} to {any}");
        var route = opening.Kind == OpeningKind.Input ? "" : "route ";

        // By what it allows: a migration has several openings of one kind, and each must be found for itself.
        var tag = $"{allocation.NftTable}-{Hash(string.Join('\n', rules))[..8]}";
        return (
            $"[ \"$(ufw show added | grep -c -- {tag})\" -ge {rules.Count.ToString(CultureInfo.InvariantCulture)} ]",
            string.Join(" && ", rules.Select(rule => $"ufw {route}allow {rule} comment {tag}")),
            string.Join(" ; ", rules.Select(rule => $"ufw {(route.Length == 0 ? "delete" : "route delete")} allow {rule}")));
    }

    private static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    private static string Out(FirewallOpening opening) => opening.Out is null ? "" : $" -o {opening.Out}";

    private static string Ports(IEnumerable<ForwardedPort> ports, string separator) =>
        string.Join(separator, ports.Order().Select(port => port.Number.ToString(CultureInfo.InvariantCulture)));
}
