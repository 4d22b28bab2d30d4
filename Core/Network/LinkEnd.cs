using System.Net;
using MigrationDashboard.Core.Servers;

namespace MigrationDashboard.Core.Network;

/// <summary>One end of the link, as far as we set it up.</summary>
/// <param name="Addresses">Addresses with prefix length that are ours to put on the interface; empty when an existing network has all it needs.</param>
/// <param name="Tunnel">Null for an existing network.</param>
public sealed record LinkEnd(InterfaceName Interface, ValueList<LinkAddress> Addresses, Tunnel? Tunnel);

public sealed record LinkAddress(IPAddress Address, int PrefixLength)
{
    public override string ToString() => $"{Address}/{PrefixLength}";
}

public abstract record Tunnel;

/// <summary>An OpenVPN 2.6 peer-to-peer tap with <c>--peer-fingerprint</c>: certificates are made on the hosts and never leave them (openvpn(8)).</summary>
/// <param name="Remote">The peer's public address; null on the end that listens.</param>
/// <param name="PeerFingerprint">SHA-256 of the peer's certificate, hex pairs with colons.</param>
public sealed record OpenVpnTunnel(bool Listens, IPAddress Local, IPAddress Remote, ushort Port, string PeerFingerprint) : Tunnel;

/// <summary>VXLAN with one fixed peer (ip-link(8)).</summary>
public sealed record VxlanTunnel(int Vni, IPAddress Local, IPAddress Remote, ushort Port, InterfaceName Underlay) : Tunnel;
