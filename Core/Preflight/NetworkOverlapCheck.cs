using System.Net;
using MigrationDashboard.Core.Inventory;
using MigrationDashboard.Core.Servers;

namespace MigrationDashboard.Core.Preflight;

/// <summary>Is an address of the link, or of the workload, somewhere else at the same time?</summary>
public sealed class NetworkOverlapCheck() : HostCheck("networks", "Networks do not overlap")
{
    protected override IEnumerable<CheckResult> Judge(HostView view)
    {
        foreach (var network in view.LinkNetworks)
        {
            if (Other(view, network.Network) is { } other)
            {
                yield return Result(view.Role, CheckStatus.Fail, $"the link's network {network.Network} overlaps {other}", "Packets to the peer could leave by the wrong interface.", "Choose another network for the link.");
                yield break;
            }
        }

        // The same subnet on both servers is usual and does no harm while packets carry addresses of the link. Packets of the workload's own
        // connections may carry its container address over the link.
        if (!view.IsOld && view.Spec.EgressThroughNew && view.Peer is { } old && FactsFromInventory.WorkloadContainer(old, view.Spec.Workload, view.Spec.Ports) is { } container)
        {
            var home = container.Networks.Select(network => network.NetworkId).ToHashSet(StringComparer.Ordinal);
            var subnets = (old.Docker?.Networks ?? []).Where(network => home.Contains(network.Id)).SelectMany(network => network.Subnets).ToList();
            var same = subnets.FirstOrDefault(subnet => (view.Host.Docker?.Networks ?? []).SelectMany(network => network.Subnets).Any(own => Networks.Overlap(own, subnet)));
            if (same.BaseAddress is not null && subnets.Contains(same))
            {
                var masquerades = Masquerades(old, same);
                yield return Result(view.Role, masquerades ? CheckStatus.Warn : CheckStatus.Fail, $"Docker has the workload's network {same} on this server too",
                    masquerades
                        ? "The workload's own connections leave old with the link's address, so answers find their way; if Docker's masquerading on old were off, they would not."
                        : "Answers to the workload's own connections would go to a container of this server.",
                    masquerades ? "Nothing." : "Give Docker another address pool on this server, or leave the workload's own connections at old.");
                yield break;
            }
        }

        yield return Result(view.Role, CheckStatus.Pass, $"{string.Join(", ", view.LinkNetworks.Select(network => network.Network))} is on the link only");
    }

    /// <summary>What else on the host has addresses of the link's network.</summary>
    private static string? Other(HostView view, IPNetwork wanted)
    {
        if ((view.Host.Docker?.Networks ?? []).SelectMany(network => network.Subnets.Select(subnet => (network, subnet))).FirstOrDefault(pair => Networks.Overlap(pair.subnet, wanted)) is { network: { } docker } found)
            return $"Docker's network {docker.Name} ({found.subnet})";
        if (view.Host.Addresses.FirstOrDefault(address => address.Interface != view.Link && address.Scope == "global" && Networks.Overlap(address.Network, wanted)) is { } held)
            return $"{held}";

        // A route by another interface that is as narrow or narrower takes the packets.
        return view.Host.Routes.FirstOrDefault(route => route is { Table: HostRoute.MainTable, Kind: "unicast", Destination: { PrefixLength: > 0 } destination } && route.Interface != view.Link
            && Networks.Overlap(destination, wanted) && destination.PrefixLength >= wanted.PrefixLength) is { } routed ? $"the route {routed.Text}" : null;
    }

    private static bool Masquerades(HostInventory host, IPNetwork subnet) =>
        host.Firewall.Iptables.Any(chain => chain.Table == "nat" && chain.Rules.Any(rule => rule.Contains($"-s {subnet} ", StringComparison.Ordinal) && rule.EndsWith("-j MASQUERADE", StringComparison.Ordinal)));
}
