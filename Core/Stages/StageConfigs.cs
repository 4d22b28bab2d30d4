using System.Net;
using System.Net.Sockets;
using MigrationDashboard.Core.Migrations;
using MigrationDashboard.Core.Network;
using MigrationDashboard.Core.Servers;
using MigrationDashboard.Core.Workloads;

namespace MigrationDashboard.Core.Stages;

/// <summary>
/// The one function the product rests on: what each host looks like at each stage. Preview, diff, apply, verify, rollback, drift and
/// decommission all follow from it.
/// </summary>
/// <remarks>
/// <code>
///              old                          new
/// Preflight    nothing                      nothing
/// Link         link end, counting           link end, counting
/// Forward      return path                  forwards to old
/// Dns, Drain   = Forward                    = Forward
/// Cutover      = Drain, held                = Drain, held
/// Tail         forwards to new,             return path,
///              return path of those         forwarding of those
///              still connected              still connected
/// Decommission nothing                      nothing
/// </code>
/// </remarks>
public static class StageConfigs
{
    /// <summary>IPv4's least: used until the link was probed (RFC 791 asks for 576; 1280 is IPv6's least and what every tunnel carries, RFC 8200).</summary>
    public const int LeastLinkMtu = 1280;

    /// <param name="held">New connections are held: during a cutover only.</param>
    public static HostConfig For(Migration migration, Stage stage, Role role, bool held = false)
    {
        var config = new HostConfig(migration.Allocation);
        if (stage is Stage.Preflight or Stage.Decommission || migration.Facts(role) is not { } facts)
            return config;

        var side = new Side(migration, role, facts);
        config = config with { Ports = migration.Spec.Ports, Link = side.LinkEnd(), Counting = side.Counting(), Openings = side.LinkOpenings() };
        if (stage == Stage.Link)
            return config;

        config = (stage == Stage.Tail, role) switch
        {
            (false, Role.Old) => Serving(config, side),
            (false, Role.New) => Forwarding(config, side, acceptNew: true),
            (true, Role.Old) => Forwarding(Serving(config, side), side, acceptNew: true),
            (true, Role.New) => Forwarding(Serving(config, side), side, acceptNew: false),
            _ => throw new ArgumentOutOfRangeException(nameof(role)),
        };
        config = config with { BootHolds = side.Holds() };
        if (stage != Stage.Tail && migration.Spec.EgressThroughNew)
            config = WithEgress(config, side, migration);
        if (!held && stage != Stage.Cutover)
            return config;

        // What takes time is made for the stage that follows before the hold begins, not in it: some firewalls take a second for each opening (ufw).
        // Forwarding is not turned on ahead of the rules that guard it.
        var other = For(migration, stage == Stage.Tail ? Stage.Drain : Stage.Tail, role);
        return config with
        {
            Holds = side.Holds(),
            Openings = Together(config.Openings, other.Openings),
            Sysctls = other.GuardedForwarding.Count == 0 ? Together(config.Sysctls, other.Sysctls) : config.Sysctls,
        };
    }

    /// <summary>Connections that come over the link are served here (or were, until the workload moved): their replies go back over it.</summary>
    private static HostConfig Serving(HostConfig config, Side side) => config with
    {
        ReturnPaths = side.ReturnPaths(),
        Openings = Together(config.Openings, side.ServingOpenings()),
        Sysctls = Together(config.Sysctls, [Sysctl.LooseReversePath(side.Link)]),
    };

    /// <summary>Connections are sent on to the peer: all of them, or only those that were before the workload moved here.</summary>
    private static HostConfig Forwarding(HostConfig config, Side side, bool acceptNew)
    {
        var forwardings = side.Forwardings(acceptNew);
        return config with
        {
            Forwardings = forwardings,
            GuardedForwarding = forwardings.Select(forwarding => forwarding.Family).Where(family => !side.ForwardingWasOn(family)).ToValueList(),
            Openings = Together(config.Openings, side.ForwardOpenings(forwardings)),
            Sysctls = Together(config.Sysctls, side.ForwardSysctls(forwardings)),
        };
    }

    private static HostConfig WithEgress(HostConfig config, Side side, Migration migration)
    {
        var place = migration.OldFacts?.WorkloadPlace;
        if (place is null || migration.Spec.Link.Ipv4 is not { } network || migration.NewFacts?.PublicIpv4 is not { } exit)
            return config;
        return side.Role == Role.Old
            ? config with { Egress = new(place.Bridge, place.Address, place.Network, side.Link, network.New) }
            : config with
            {
                EgressExit = new(side.Link, side.Facts.PublicInterface, exit, [new IPNetwork(network.Old, 32), place.Network]),
                Openings = Together(config.Openings, side.Facts.ForwardFirewalls.Select(kind =>
                    new FirewallOpening(kind, OpeningKind.ForwardAll, AddressFamily.InterNetwork, side.Link, side.Facts.PublicInterface, null, []))),
            };
    }

    private static ValueList<T> Together<T>(IEnumerable<T> first, IEnumerable<T> second) => first.Concat(second).Distinct().ToValueList();

    /// <summary>One host's view of the migration: who am I, who is my peer.</summary>
    private sealed class Side(Migration migration, Role role, HostFacts facts)
    {
        public Role Role => role;

        public HostFacts Facts => facts;

        public bool ForwardingWasOn(AddressFamily family) => family == AddressFamily.InterNetwork ? facts.Ipv4ForwardingWasOn : facts.Ipv6ForwardingWasOn;

        public InterfaceName Link => role == Role.Old ? migration.Spec.Link.OldInterface : migration.Spec.Link.NewInterface;

        /// <summary>The families in which this host has a public address and the link carries packets.</summary>
        private IEnumerable<(IPAddress Public, IPAddress Own, IPAddress Peer, LinkNetwork Network)> Families()
        {
            foreach (var (network, address) in new[] { (migration.Spec.Link.Ipv4, facts.PublicIpv4), (migration.Spec.Link.Ipv6, facts.PublicIpv6) })
                if (network is not null && address is not null)
                    yield return role == Role.Old ? (address, network.Old, network.New, network) : (address, network.New, network.Old, network);
        }

        public ValueList<Forwarding> Forwardings(bool acceptNew) =>
            Families().Select(family => new Forwarding(facts.PublicInterface, family.Public, Link, family.Peer, facts.LinkMtu ?? LeastLinkMtu, acceptNew)).ToValueList();

        public ValueList<ReturnPath> ReturnPaths() => Families().Select(family => new ReturnPath(
            Link, family.Own, family.Peer, family.Public, migration.OldFacts?.ProcessPorts ?? [])).ToValueList();

        public ValueList<Hold> Holds() => Families().Select(family => new Hold(family.Own.AddressFamily, [family.Public, family.Own])).ToValueList();

        public ValueList<Counting> Counting() => Families().Select(family => new Counting(facts.PublicInterface, family.Public, Link, family.Own)).ToValueList();

        public LinkEnd LinkEnd()
        {
            var link = migration.Spec.Link;
            var addresses = new[] { link.Ipv4, link.Ipv6 }.OfType<LinkNetwork>().Where(network => network.AddedByUs)
                .Select(network => new LinkAddress(role == Role.Old ? network.Old : network.New, network.Network.PrefixLength));
            var peer = migration.Facts(role == Role.Old ? Role.New : Role.Old);
            var local = facts.PublicIpv4 ?? facts.PublicIpv6;
            var remote = peer?.PublicIpv4 ?? peer?.PublicIpv6;
            Tunnel? tunnel = link.Kind switch
            {
                LinkKind.OpenVpnTap when local is not null && remote is not null && peer?.LinkFingerprint is { } fingerprint =>
                    new OpenVpnTunnel(role == Role.New, local, remote, link.Port ?? DefaultOpenVpnPort, fingerprint),
                LinkKind.Vxlan when local is not null && remote is not null =>
                    new VxlanTunnel(link.Vni ?? migration.Allocation.Slot, local, remote, link.Port ?? DefaultVxlanPort, facts.PublicInterface),
                _ => null,
            };
            return new(Link, addresses.ToValueList(), tunnel);
        }

        public ValueList<FirewallOpening> LinkOpenings()
        {
            var link = migration.Spec.Link;
            var peer = migration.Facts(role == Role.Old ? Role.New : Role.Old);
            // The copy's temporary sshd listens on the link, on whichever end the data goes to.
            var over = link.Ipv4 ?? link.Ipv6;
            var sync = over is null ? [] : facts.InputFirewalls.Select(kind => new FirewallOpening(
                kind, OpeningKind.Input, over.Old.AddressFamily, Link, null, role == Role.Old ? over.New : over.Old, [new ForwardedPort(SyncScripts.PortOf(migration.Allocation), Transport.Tcp)])).ToValueList();
            if (link.Kind == LinkKind.Existing || (peer?.PublicIpv4 ?? peer?.PublicIpv6) is not { } remote)
                return sync;
            var port = new ForwardedPort(link.Port ?? (link.Kind == LinkKind.Vxlan ? DefaultVxlanPort : DefaultOpenVpnPort), Transport.Udp);
            return facts.InputFirewalls.Select(kind => new FirewallOpening(kind, OpeningKind.Input, remote.AddressFamily, facts.PublicInterface, null, remote, [port])).Concat(sync).ToValueList();
        }

        public IEnumerable<FirewallOpening> ServingOpenings() =>
            from path in ReturnPaths()
            from kind in facts.InputFirewalls
            select new FirewallOpening(kind, OpeningKind.Input, path.Family, Link, null, null, migration.Spec.Ports);

        public IEnumerable<FirewallOpening> ForwardOpenings(IEnumerable<Forwarding> forwardings) =>
            from forwarding in forwardings
            from kind in facts.ForwardFirewalls
            select new FirewallOpening(kind, OpeningKind.Forward, forwarding.Family, forwarding.Inbound, forwarding.Link, forwarding.Peer, migration.Spec.Ports);

        public IEnumerable<Sysctl> ForwardSysctls(IEnumerable<Forwarding> forwardings)
        {
            yield return Sysctl.LooseReversePath(Link);
            foreach (var forwarding in forwardings)
            {
                if (forwarding.Family == AddressFamily.InterNetwork)
                {
                    yield return Sysctl.Ipv4Forwarding;
                    continue;
                }

                if (facts.AcceptsRouterAdvertisements)
                    yield return Sysctl.KeepRouterAdvertisements(facts.PublicInterface);
                yield return Sysctl.Ipv6Forwarding;
            }
        }
    }

    /// <summary>IANA's port for OpenVPN.</summary>
    public const ushort DefaultOpenVpnPort = 1194;

    /// <summary>IANA's port for VXLAN (RFC 7348).</summary>
    public const ushort DefaultVxlanPort = 4789;
}
