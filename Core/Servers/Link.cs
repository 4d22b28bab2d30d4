using System.Net;

namespace MigrationDashboard.Core.Servers;

public enum LinkKind
{
    /// <summary>A layer-2 network both servers are on already (a private LAN of the provider, a VLAN); nothing is set up but routes and, if asked, IPv6 addresses.</summary>
    Existing,

    /// <summary>An OpenVPN tap between the two servers with certificates made on them; encrypted.</summary>
    OpenVpnTap,

    /// <summary>VXLAN (RFC 7348): not encrypted, for networks that are trusted.</summary>
    Vxlan,
}

/// <summary>The layer-2 link between the two servers, as it is wanted.</summary>
/// <param name="OldInterface">The link's interface on <c>old</c>: named by the operator for an existing network, by us otherwise.</param>
/// <param name="Ipv4">The network both ends are in, with the address of each end; null on a link without IPv4.</param>
/// <param name="Ipv6">Likewise for IPv6.</param>
/// <param name="Port">UDP port of the tunnel on the listening end (<c>new</c>); null for an existing network.</param>
/// <param name="Vni">VXLAN network identifier, 1 to 16777215; null unless VXLAN.</param>
public sealed record Link(
    LinkKind Kind,
    InterfaceName OldInterface,
    InterfaceName NewInterface,
    LinkNetwork? Ipv4,
    LinkNetwork? Ipv6,
    ushort? Port = null,
    int? Vni = null);

/// <summary>One network over the link with the address of each end.</summary>
/// <param name="AddedByUs">True when the addresses are not on the interfaces yet and belong to the migration: put there at the Link stage and taken off at the end.</param>
public sealed record LinkNetwork(IPNetwork Network, IPAddress Old, IPAddress New, bool AddedByUs);
