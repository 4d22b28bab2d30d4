using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using MigrationDashboard.Core.Servers;
using MigrationDashboard.Core.Stages;

namespace MigrationDashboard.Core.Inventory;

/// <summary>Links that two servers could have: networks both are on already, and tunnels that collide with nothing.</summary>
public static class LinkProposals
{
    /// <summary>
    /// Networks that both servers have addresses in, apart from the public one. That they are the same layer-2 network is likely and not
    /// certain (10.0.0.0/24 is everywhere): the Link stage asks the peer.
    /// </summary>
    public static ValueList<Link> Existing(HostInventory old, HostInventory @new)
    {
        var links = new List<Link>();
        foreach (var pair in Pairs(old, @new, AddressFamily.InterNetwork).Concat(Pairs(old, @new, AddressFamily.InterNetworkV6))
            .GroupBy(pair => (pair.Old.Interface, pair.New.Interface)))
        {
            if (InterfaceName.Refuse(pair.Key.Item1) is not null || InterfaceName.Refuse(pair.Key.Item2) is not null)
                continue;
            var ipv4 = pair.Where(both => both.Old.Family == AddressFamily.InterNetwork).Select(Network).FirstOrDefault();
            var ipv6 = pair.Where(both => both.Old.Family == AddressFamily.InterNetworkV6).Select(Network).FirstOrDefault();

            // Where both have public IPv6 and the network none, addresses of our own are added to it.
            if (ipv6 is null && HasPublicIpv6(old) && HasPublicIpv6(@new))
                ipv6 = FreeIpv6(old, @new, []);
            links.Add(new(LinkKind.Existing, InterfaceName.Of(pair.Key.Item1), InterfaceName.Of(pair.Key.Item2), ipv4, ipv6));
        }

        return links.ToValueList();
    }

    /// <summary>A tunnel with an interface name, networks and a port that nothing on the two servers uses.</summary>
    /// <param name="taken">Links of other migrations between servers that these are part of.</param>
    /// <returns>Null when no private network is left, which no real server comes to.</returns>
    public static Link? Tunnel(HostInventory old, HostInventory @new, LinkKind kind, params IEnumerable<Link> taken)
    {
        var others = taken.ToList();
        var names = old.Links.Concat(@new.Links).Select(link => link.Name).Concat(others.SelectMany(link => new[] { link.OldInterface.Value, link.NewInterface.Value })).ToHashSet(StringComparer.Ordinal);
        var name = Enumerable.Range(0, 1000).Select(number => $"md{number}").First(name => !names.Contains(name));
        if (FreeIpv4(old, @new, others) is not { } ipv4)
            return null;
        var ipv6 = HasPublicIpv6(old) && HasPublicIpv6(@new) ? FreeIpv6(old, @new, others) : null;
        return new(kind, InterfaceName.Of(name), InterfaceName.Of(name), ipv4, ipv6, FreePort(old, @new, kind, others));
    }

    private static IEnumerable<(HostAddress Old, HostAddress New)> Pairs(HostInventory old, HostInventory @new, AddressFamily family) =>
        from one in Candidates(old, family)
        from other in Candidates(@new, family)
        where one.Network.Equals(other.Network) && !one.Address.Equals(other.Address)
        select (one, other);

    /// <summary>Addresses on interfaces that could be a link: layer 2, up, no port of a bridge, not Docker's and not where clients arrive.</summary>
    private static IEnumerable<HostAddress> Candidates(HostInventory host, AddressFamily family)
    {
        var bridges = (host.Docker?.Networks ?? []).Select(network => network.Bridge).OfType<string>().ToHashSet(StringComparer.Ordinal);
        var inbound = FactsFromInventory.PublicInterface(host);
        return host.Addresses.Where(address => address.Family == family && address is { Scope: "global", Passing: false } && address.Interface != inbound && !bridges.Contains(address.Interface)
            && host.Link(address.Interface) is { IsLayer2: true, Up: true, Master: null });
    }

    private static LinkNetwork Network((HostAddress Old, HostAddress New) pair) => new(pair.Old.Network, pair.Old.Address, pair.New.Address, AddedByUs: false);

    private static bool HasPublicIpv6(HostInventory host) =>
        FactsFromInventory.PublicInterface(host) is { } inbound && FactsFromInventory.PublicAddress(host, inbound, AddressFamily.InterNetworkV6) is not null;

    /// <summary>A /30 from the end of 10.0.0.0/8, where few networks are.</summary>
    private static LinkNetwork? FreeIpv4(HostInventory old, HostInventory @new, List<Link> others)
    {
        var used = Used(old).Concat(Used(@new)).Concat(others.Select(link => link.Ipv4?.Network).OfType<IPNetwork>()).ToList();
        for (var number = 0; number < 1 << 14; number++)
        {
            var bytes = new byte[] { 10, 254, (byte)(number >> 6), (byte)(number << 2) };
            var network = new IPNetwork(new IPAddress(bytes), 30);
            if (!used.Any(taken => Networks.Overlap(taken, network)))
                return new(network, At(bytes, 1), At(bytes, 2), AddedByUs: true);
        }

        return null;
    }

    /// <summary>A /64 of unique local addresses (RFC 4193). Its 40 bits are those of a hash of both machines, so that a second look proposes the same.</summary>
    private static LinkNetwork? FreeIpv6(HostInventory old, HostInventory @new, List<Link> others)
    {
        var used = Used(old).Concat(Used(@new)).Concat(others.Select(link => link.Ipv6?.Network).OfType<IPNetwork>()).ToList();
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes($"{old.System.MachineId} {@new.System.MachineId}"));
        for (var number = 0; number < 1 << 16; number++)
        {
            var bytes = new byte[16];
            bytes[0] = 0xfd;
            hash.AsSpan(0, 5).CopyTo(bytes.AsSpan(1));
            (bytes[6], bytes[7]) = ((byte)(number >> 8), (byte)number);
            var network = new IPNetwork(new IPAddress(bytes), 64);
            if (!used.Any(taken => Networks.Overlap(taken, network)))
                return new(network, At(bytes, 1), At(bytes, 2), AddedByUs: true);
        }

        return null;
    }

    /// <summary>Every network the host has addresses in, routes to, or keeps for containers.</summary>
    private static IEnumerable<IPNetwork> Used(HostInventory host) => host.Addresses.Select(address => address.Network)
        .Concat(host.Routes.Where(route => !route.IsDefault).Select(route => route.Destination).OfType<IPNetwork>())
        .Concat((host.Docker?.Networks ?? []).SelectMany(network => network.Subnets));

    private static ushort FreePort(HostInventory old, HostInventory @new, LinkKind kind, List<Link> others)
    {
        var used = old.Sockets.Concat(@new.Sockets).Where(socket => socket.Transport == Transport.Udp).Select(socket => (int)socket.Port)
            .Concat(others.Select(link => (int)(link.Port ?? 0))).ToHashSet();

        // Several VXLANs share a port and are told apart by their identifier.
        var first = kind == LinkKind.Vxlan ? StageConfigs.DefaultVxlanPort : StageConfigs.DefaultOpenVpnPort;
        return kind == LinkKind.Vxlan ? first : (ushort)Enumerable.Range(first, 1000).First(port => !used.Contains(port));
    }

    private static IPAddress At(byte[] network, byte host)
    {
        var bytes = (byte[])network.Clone();
        bytes[^1] += host;
        return new(bytes);
    }
}
