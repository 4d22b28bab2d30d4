using System.Net;
using System.Net.Sockets;
using MigrationDashboard.Core.Servers;

namespace MigrationDashboard.Core.Network;

/// <summary>
/// Connections that clients make to this host are sent on, in the kernel, to the peer over the link. The client's source address is kept;
/// only the destination changes.
/// </summary>
/// <param name="Inbound">The interface clients arrive at.</param>
/// <param name="Address">This host's public address that clients call.</param>
/// <param name="Peer">The peer's address on the link.</param>
/// <param name="LinkMtu">The largest packet the link carries, bytes with IP header, as probed.</param>
/// <param name="AcceptNew">False when only connections forwarded earlier still run this way and new ones are served here.</param>
public sealed record Forwarding(
    InterfaceName Inbound,
    IPAddress Address,
    InterfaceName Link,
    IPAddress Peer,
    int LinkMtu,
    bool AcceptNew)
{
    public AddressFamily Family => Address.AddressFamily;
}

/// <summary>
/// Replies to connections that came over the link go back over it, whatever the host's own default route says. Rests on a connection mark,
/// an <c>ip rule</c> on it and a table with a default route via the peer.
/// </summary>
/// <param name="Address">This host's address on the link: where forwarded connections arrive.</param>
/// <param name="Gateway">The peer's address on the link.</param>
/// <param name="Public">This host's public address.</param>
/// <param name="Delivered">
/// Ports for which the destination becomes the public address, because a process of the host itself listens there: it may do so on that address
/// only, and answers datagrams from it. Not those of containers: a connection is translated once, and then Docker would not find it.
/// </param>
public sealed record ReturnPath(InterfaceName Link, IPAddress Address, IPAddress Gateway, IPAddress Public, ValueList<ForwardedPort> Delivered)
{
    public AddressFamily Family => Address.AddressFamily;
}

/// <summary>
/// New connections to the ports are dropped before they make a conntrack entry: the client's TCP tries again, and goes on once the hold is
/// released. Established connections pass. UDP is dropped whole. Loopback is exempt, so that the workload's health can be checked meanwhile.
/// </summary>
/// <param name="Addresses">This host's public and link addresses of one family.</param>
public sealed record Hold(AddressFamily Family, ValueList<IPAddress> Addresses);

/// <summary>The workload's own outgoing connections leave through the peer, so that they keep the address the world knows (on the host where it runs).</summary>
/// <param name="Bridge">The interface the workload's packets enter the host by, its Docker bridge.</param>
/// <param name="Source">The workload's address.</param>
/// <param name="Local">The network of the bridge, to which the mark is never set.</param>
public sealed record Egress(InterfaceName Bridge, IPAddress Source, IPNetwork Local, InterfaceName Link, IPAddress Gateway)
{
    public AddressFamily Family => Source.AddressFamily;
}

/// <summary>The other half of <see cref="Egress"/>, on the peer: what arrives over the link for the world gets this host's public address.</summary>
/// <param name="Sources">The peer's link address and the container's network: the peer's own masquerade may already have changed the source.</param>
public sealed record EgressExit(InterfaceName Link, InterfaceName Outbound, IPAddress Address, ValueList<IPNetwork> Sources)
{
    public AddressFamily Family => Address.AddressFamily;
}

/// <summary>Counts new connections to the ports by the way they came: named counters in nft, rules without a target in iptables.</summary>
/// <param name="Inbound">The interface clients arrive at.</param>
/// <param name="LinkAddress">This host's address on the link, null on a link without this family.</param>
public sealed record Counting(InterfaceName Inbound, IPAddress Address, InterfaceName Link, IPAddress? LinkAddress)
{
    public AddressFamily Family => Address.AddressFamily;
}

/// <summary>A value below <c>/proc/sys</c>. The host remembers the value it had before the first migration that claims it, and puts that back after the last.</summary>
/// <param name="Path">Path below /proc/sys, with slashes: interface names may hold dots.</param>
public sealed record Sysctl(string Path, string Value)
{
    public static Sysctl LooseReversePath(InterfaceName link) => new($"net/ipv4/conf/{link}/rp_filter", "2");

    public static Sysctl Ipv4Forwarding { get; } = new("net/ipv4/ip_forward", "1");

    public static Sysctl Ipv6Forwarding { get; } = new("net/ipv6/conf/all/forwarding", "1");

    /// <summary>A host that forwards ignores router advertisements unless this is 2 (ip-sysctl.rst, accept_ra), and would lose its default route.</summary>
    public static Sysctl KeepRouterAdvertisements(InterfaceName @public) => new($"net/ipv6/conf/{@public}/accept_ra", "2");
}

/// <summary>Where a host's own firewall wants to be told of traffic to let through.</summary>
public enum FirewallKind
{
    /// <summary>Docker sets the FORWARD policy to DROP and leaves its DOCKER-USER chain to the administrator.</summary>
    DockerUser,

    /// <summary>ufw: <c>ufw route allow</c> and <c>ufw allow</c>.</summary>
    Ufw,

    /// <summary>A FORWARD or INPUT chain of iptables with policy DROP and no manager.</summary>
    Iptables,
}

/// <summary>One hole in the host's own firewall, taken away again with the stage that needed it.</summary>
public sealed record FirewallOpening(FirewallKind Firewall, OpeningKind Kind, AddressFamily Family, InterfaceName In, InterfaceName? Out, IPAddress? Peer, ValueList<ForwardedPort> Ports);

public enum OpeningKind
{
    /// <summary>Forwarded packets from In to Out to the ports, and their replies.</summary>
    Forward,

    /// <summary>Forwarded packets from In to Out of any kind (the workload's egress), and their replies.</summary>
    ForwardAll,

    /// <summary>Packets to this host on the ports.</summary>
    Input,
}
