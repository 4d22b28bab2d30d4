using System.Net.Sockets;
using MigrationDashboard.Core.Inventory;
using MigrationDashboard.Core.Network;

namespace MigrationDashboard.Core.Preflight;

/// <summary>Would the host's own firewall drop what is forwarded, and can it be told to let it through?</summary>
public sealed class ForwardFirewallCheck() : HostCheck("forward-firewall", "The firewall lets forwarded packets through")
{
    protected override IEnumerable<CheckResult> Judge(HostView view)
    {
        if (view.Public is not { } inbound)
            return [Result(view.Role, CheckStatus.Unknown, "the public interface is not known")];
        var stage = view.IsOld ? "Tail" : "Forward";
        var families = view.Spec.Link.Ipv6 is null ? new[] { AddressFamily.InterNetwork } : [AddressFamily.InterNetwork, AddressFamily.InterNetworkV6];

        // What drops there cannot be undone from a table of ours.
        var firewalld = view.Host.Managers.IsActive("firewalld.service");
        var closed = families.SelectMany(family => Closed(view.Host.Firewall, family, inbound, view.Link, firewalld ? "firewalld" : null)).FirstOrDefault();
        if (firewalld && closed is not null)
            return [Result(view.Role, CheckStatus.Fail, "firewalld runs and lets nothing pass between its zones", $"What is forwarded from {inbound} to {view.Link} would be dropped.",
                $"Put {view.Link} in the zone trusted and allow the way: firewall-cmd --permanent --zone=trusted --add-interface={view.Link}; firewall-cmd --permanent --new-policy md; firewall-cmd --permanent --policy md --add-ingress-zone {Zone} --add-egress-zone trusted --set-target ACCEPT; firewall-cmd --reload. Then check again, and remove the policy after the migration.")];
        closed ??= families.SelectMany(family => Closed(view.Host.Firewall, family, inbound, view.Link, null)).FirstOrDefault();
        if (closed is { } chain)
            return [Result(view.Role, CheckStatus.Fail, $"the nft chain {chain} drops by default", $"An accept in our table does not undo a drop in another (nft(8)): what is forwarded from {inbound} to {view.Link} would be lost.",
                $"Let it pass for the time of the migration: nft insert rule {chain} iifname {{ \"{inbound}\", \"{view.Link}\" }} oifname {{ \"{inbound}\", \"{view.Link}\" }} accept. Then check again.")];

        var facts = FactsFromInventory.Of(view.Host, view.Spec with { EgressThroughNew = false }, view.Role).Facts;
        var openings = (facts?.ForwardFirewalls ?? []).Select(kind => kind switch
        {
            FirewallKind.DockerUser => ("Docker's FORWARD drops what is not Docker's", "in DOCKER-USER"),
            FirewallKind.Ufw => ("ufw drops what is forwarded", "by ufw route allow"),
            _ => ("the FORWARD chain drops by default", "at the head of FORWARD"),
        }).ToList();
        var docker = view.Host.Docker is { Answers: true, FirewallBackend: "nftables" };
        if (openings.Count == 0)
            return [Result(view.Role, CheckStatus.Pass, docker ? "Docker uses its nftables backend, which has no DOCKER-USER chain and lets other traffic pass" : "nothing drops forwarded packets")];
        var reload = firewalld ? " A firewall-cmd --reload removes it." : "";
        return [Result(view.Role, firewalld ? CheckStatus.Warn : CheckStatus.Pass, string.Join("; ", openings.Select(opening => opening.Item1)), "Forwarded connections would be dropped." + reload,
            $"The way {inbound} → {view.Link} is opened for the ports {string.Join(" and ", openings.Select(opening => opening.Item2))} at the {stage} stage, and closed again.")];
    }

    private const string Zone = "public";

    /// <summary>Chains that drop new packets from clients, or the answers to them; each as nft names it.</summary>
    private static IEnumerable<string> Closed(HostFirewall firewall, AddressFamily family, string inbound, string link, string? manager)
    {
        foreach (var (table, chain) in PacketWalk.NftDrops(firewall, family, "FORWARD", inbound, link, manager))
            yield return $"{table.Family} {table.Name} {chain.Name}";

        // Answers pass where established connections do.
        foreach (var (table, chain) in PacketWalk.NftDrops(firewall, family, "FORWARD", link, inbound, manager))
            if (!table.Chains.SelectMany(any => any.Rules).Any(rule => rule.Contains("established", StringComparison.Ordinal) && rule.Contains("accept", StringComparison.Ordinal)))
                yield return $"{table.Family} {table.Name} {chain.Name}";
    }
}
