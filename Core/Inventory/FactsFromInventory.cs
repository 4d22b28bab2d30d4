using System.Net;
using System.Net.Sockets;
using MigrationDashboard.Core.Migrations;
using MigrationDashboard.Core.Network;
using MigrationDashboard.Core.Servers;
using MigrationDashboard.Core.Stages;

namespace MigrationDashboard.Core.Inventory;

/// <summary>What a reading of a host says about a migration: the facts that configurations are computed from.</summary>
public static class FactsFromInventory
{
    /// <param name="role">Which end of the migration the host is.</param>
    /// <returns>The facts, or why there are none; errors name the field of the facts that could not be learned.</returns>
    public static (HostFacts? Facts, ValueList<FieldError> Errors) Of(HostInventory host, MigrationSpec spec, Role role)
    {
        var errors = new List<FieldError>();
        var side = role == Role.Old ? "old" : "new";
        var inbound = PublicInterface(host);
        if (inbound is null)
            errors.Add(new("publicInterface", $"{side} has no default route, so it is not known where its clients arrive"));
        else if (InterfaceName.Refuse(inbound) is { } refusal)
            errors.Add(new("publicInterface", $"the interface {inbound} of {side} cannot be used: {refusal}"));
        var ipv4 = inbound is null ? null : PublicAddress(host, inbound, AddressFamily.InterNetwork);
        var ipv6 = inbound is null ? null : PublicAddress(host, inbound, AddressFamily.InterNetworkV6);
        if (inbound is not null && ipv4 is null && ipv6 is null)
            errors.Add(new("publicAddress", $"{side} has no address that clients could call on {inbound}"));
        var backend = Backend(host);
        if (backend is null)
            errors.Add(new("backend", $"{side} has neither an nft that works nor iptables: install nftables"));
        var place = role == Role.Old ? Place(host, spec.Workload, spec.Ports) : null;
        if (role == Role.Old && spec.EgressThroughNew && place is null)
            errors.Add(new("workloadPlace", "the workload is no running container on a bridge network, so its own connections cannot be sent through new"));
        if (errors.Count > 0)
            return (null, errors.ToValueList());

        var link = (role == Role.Old ? spec.Link.OldInterface : spec.Link.NewInterface).Value;
        return (new()
        {
            PublicInterface = InterfaceName.Of(inbound!),
            PublicIpv4 = ipv4,
            PublicIpv6 = ipv6,
            Backend = backend!.Value,
            ForwardFirewalls = ForwardFirewalls(host, inbound!, link),
            InputFirewalls = InputFirewalls(host, inbound!, link),
            Ipv4ForwardingWasOn = host.SysctlBefore("net/ipv4/ip_forward") == "1",
            Ipv6ForwardingWasOn = host.SysctlBefore("net/ipv6/conf/all/forwarding") == "1",
            AcceptsRouterAdvertisements = host.SysctlBefore($"net/ipv6/conf/{inbound}/accept_ra") == "1",
            WorkloadPlace = place,
            ProcessPorts = role == Role.Old ? spec.Ports.Where(port => IsServedByProcess(host, port, [ipv4, ipv6])).ToValueList() : [],
        }, []);
    }

    /// <summary>Where clients arrive: the interface of the default route, IPv4's first.</summary>
    public static string? PublicInterface(HostInventory host) =>
        host.DefaultRoute(AddressFamily.InterNetwork)?.Interface ?? host.DefaultRoute(AddressFamily.InterNetworkV6)?.Interface;

    /// <summary>The addresses on the public interface that clients may have been given, the most likely first.</summary>
    public static IEnumerable<IPAddress> PublicAddresses(HostInventory host, string inbound, AddressFamily family)
    {
        var preferred = host.DefaultRoute(family)?.Source;
        return host.Addresses
            .Where(address => address.Interface == inbound && address.Family == family && address is { Scope: "global", Passing: false })

            // Unique local addresses (RFC 4193) are nobody's clients'. A private IPv4 address may stand behind the provider's one-to-one NAT.
            .Where(address => family == AddressFamily.InterNetwork || !Networks.IsPrivate(address.Address))
            .OrderBy(address => address.Address.Equals(preferred) ? 0 : Networks.IsPrivate(address.Address) ? 2 : 1)
            .Select(address => address.Address);
    }

    public static IPAddress? PublicAddress(HostInventory host, string inbound, AddressFamily family) => PublicAddresses(host, inbound, family).FirstOrDefault();

    /// <summary>
    /// Before 4.18 the kernel had one NAT engine a family: nft's and iptables' (Docker's) could not be used together (kernel commit 9971a514ed26).
    /// </summary>
    public static Version NatOfBoth { get; } = new(4, 18);

    /// <returns>Null when the host has neither.</returns>
    public static RulesBackend? Backend(HostInventory host)
    {
        var iptables = host.Has("iptables") && host.Has("iptables-restore");
        var nft = host.Firewall.NftWorks == true && (host.System.Kernel >= NatOfBoth || !iptables);
        return nft ? RulesBackend.Nft : iptables ? RulesBackend.Iptables : null;
    }

    private static ValueList<FirewallKind> ForwardFirewalls(HostInventory host, string inbound, string link)
    {
        var kinds = new List<FirewallKind>();
        if (UsesDockerUser(host))
            kinds.Add(FirewallKind.DockerUser);
        if (host.Firewall.Ufw is { Active: true, Forward: not "ACCEPT" })
            kinds.Add(FirewallKind.Ufw);

        // Docker has a chain for the administrator in IPv4 and, by version, none in IPv6: what is left closed is opened in FORWARD itself.
        foreach (var family in Families)
        {
            var covered = kinds.Contains(FirewallKind.Ufw) || host.Firewall.Chain(family, "filter", "DOCKER-USER") is not null;
            if (!covered && PacketWalk.IptablesDrops(host.Firewall, family, "FORWARD", inbound, link) && !kinds.Contains(FirewallKind.Iptables))
                kinds.Add(FirewallKind.Iptables);
        }

        return kinds.ToValueList();
    }

    private static ValueList<FirewallKind> InputFirewalls(HostInventory host, string inbound, string link) =>
        host.Firewall.Ufw is { Active: true, Input: not "ACCEPT" } ? [FirewallKind.Ufw]
        : Families.Any(family => PacketWalk.IptablesDrops(host.Firewall, family, "INPUT", inbound, null) || PacketWalk.IptablesDrops(host.Firewall, family, "INPUT", link, null))
            ? [FirewallKind.Iptables] : [];

    /// <summary>Docker's chain is there, or will be once a Docker that is installed starts: it then may set FORWARD to DROP.</summary>
    private static bool UsesDockerUser(HostInventory host) =>
        Families.Any(family => host.Firewall.Chain(family, "filter", "DOCKER-USER") is not null) || (host.Docker is { Answers: true, FirewallBackend: "iptables" } && host.Has("iptables"));

    private static readonly AddressFamily[] Families = [AddressFamily.InterNetwork, AddressFamily.InterNetworkV6];

    /// <summary>The container whose packets count as the workload's: the one that publishes the most of the ports.</summary>
    public static Container? WorkloadContainer(HostInventory host, Workload workload, IEnumerable<ForwardedPort> ports) => workload switch
    {
        DockerContainer container => host.Docker?.Container(container.Container.Value),
        ComposeProject project => host.Docker?.Project(project.Project.Value)
            .MaxBy(container => ports.Count(port => container.Ports.Any(published => published.HostPort == port.Number && published.Transport == port.Transport))),
        _ => null,
    };

    /// <summary>
    /// Docker's proxy listens in the name of containers, and where it is switched off nothing listens at all. What the kernel holds itself says nothing.
    /// </summary>
    private static bool IsServedByProcess(HostInventory host, ForwardedPort port, IPAddress?[] called) =>
        host.Sockets.Any(socket => socket.ForwardedPort == port && socket.Interface is null && socket.Process is not (null or "docker-proxy") && called.OfType<IPAddress>().Any(socket.Takes))
        && host.Docker?.Containers.Any(container => container.Running && container.Ports.Any(published => published.HostPort == port.Number && published.Transport == port.Transport)) is not true;

    /// <summary>Where the workload's own packets enter the host; null when it is no running container on a bridge.</summary>
    private static WorkloadPlace? Place(HostInventory host, Workload workload, IEnumerable<ForwardedPort> ports)
    {
        if (host.Docker is not { } docker || WorkloadContainer(host, workload, ports) is not { Running: true } container)
            return null;

        // Its default route goes by the network with the highest gateway priority, then the first by name (docker network connect, --gw-priority).
        var places =
            from joined in container.Networks.OrderByDescending(network => network.GatewayPriority).ThenBy(network => network.Name, StringComparer.Ordinal)
            from network in docker.Networks
            where network.Id == joined.NetworkId && !network.Internal && joined.Address is not null && InterfaceName.Refuse(network.Bridge) is null
            select new WorkloadPlace(InterfaceName.Of(network.Bridge!), joined.Address!, Networks.Of(joined.Address!, joined.PrefixLength));
        return places.FirstOrDefault();
    }
}
