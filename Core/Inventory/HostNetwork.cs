using System.Net;
using System.Net.Sockets;
using MigrationDashboard.Core.Servers;

namespace MigrationDashboard.Core.Inventory;

/// <param name="Kind"><c>ethernet</c>, <c>bridge</c>, <c>vlan</c>, <c>vxlan</c>, <c>wireguard</c>, <c>tap</c>, <c>tun</c>, <c>loopback</c>, <c>other</c>.</param>
/// <param name="Mtu">Bytes.</param>
/// <param name="Master">The bridge or bond it is a port of.</param>
/// <param name="IsPhysical">A device stands behind it, real or given by the hypervisor.</param>
public sealed record HostLink(string Name, int Index, string Mac, int Mtu, bool Up, string Kind, string? Master, bool IsPhysical)
{
    /// <summary>Carries Ethernet frames: what a link must be.</summary>
    public bool IsLayer2 => Kind is not ("loopback" or "tun" or "wireguard" or "other");
}

/// <param name="Scope"><c>global</c>, <c>link</c> or <c>host</c>.</param>
/// <param name="Passing">Temporary or deprecated (RFC 8981, RFC 4862): not an address that clients were given.</param>
public sealed record HostAddress(string Interface, IPAddress Address, int PrefixLength, string Scope, bool Passing)
{
    public AddressFamily Family => Address.AddressFamily;

    public IPNetwork Network => Networks.Of(Address, PrefixLength);

    public override string ToString() => $"{Address}/{PrefixLength} on {Interface}";
}

/// <summary>A route of any table.</summary>
/// <param name="Kind"><c>unicast</c>, <c>local</c>, <c>broadcast</c>, <c>unreachable</c>, … (ip-route(8)).</param>
/// <param name="Table">254 is the main table; -1 when it has a name that the host does not explain.</param>
/// <param name="Text">The line as <c>ip route</c> prints it, without what changes by itself.</param>
public sealed record HostRoute(
    AddressFamily Family, string Kind, IPNetwork? Destination, IPAddress? Gateway, string? Interface, int Table, uint Metric, IPAddress? Source, string Text)
{
    /// <summary>linux/rtnetlink.h, RT_TABLE_MAIN.</summary>
    public const int MainTable = 254;

    public bool IsDefault => Destination is { PrefixLength: 0 };
}

/// <summary>A routing rule (ip-rule(8)).</summary>
/// <param name="Mark">Value and mask of <c>fwmark</c>, null when it does not ask for one.</param>
public sealed record HostRule(AddressFamily Family, int Preference, MarkUse? Mark, int? Table, string Text);

/// <param name="Mask">0xffffffff when the value is compared or set as a whole.</param>
public sealed record MarkUse(uint Value, uint Mask)
{
    public bool IsWhole => Mask == uint.MaxValue;

    public override string ToString() => IsWhole ? $"0x{Value:x}" : $"0x{Value:x}/0x{Mask:x}";
}

public sealed record HostSysctl(string Path, string Value);

/// <param name="Address">Any address (0.0.0.0, ::) when it listens on all.</param>
/// <param name="Interface">When bound to one, else null.</param>
/// <param name="Process">Name of the first process that holds it; null when the kernel holds it itself.</param>
/// <param name="Unit">The systemd unit the process belongs to.</param>
/// <param name="Container">Id of the container the process runs in (host networking).</param>
/// <param name="BothFamilies">An IPv6 socket that takes IPv4 as well, which ss prints as <c>*</c>.</param>
public sealed record ListeningSocket(
    Transport Transport, IPAddress Address, ushort Port, string? Interface, string? Process, int? Pid, string? Unit, string? Container, bool BothFamilies = false)
{
    /// <summary>Takes what arrives for this address of the host.</summary>
    public bool Takes(IPAddress address) => BothFamilies || Address.Equals(address) || Address.Equals(address.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any);

    public bool IsOnAll => Address.Equals(IPAddress.Any) || Address.Equals(IPAddress.IPv6Any);

    public bool IsLoopback => IPAddress.IsLoopback(Address);

    public ForwardedPort ForwardedPort => new(Port, Transport);

    /// <summary>Who holds it, for people.</summary>
    public string Owner => Process is null ? "the kernel" : Unit is null ? Process : $"{Process} ({Unit})";
}

public static class Networks
{
    /// <summary>The network an address with a prefix length is in: the bits behind the prefix are dropped.</summary>
    public static IPNetwork Of(IPAddress address, int prefixLength)
    {
        var bytes = address.GetAddressBytes();
        for (var bit = prefixLength; bit < bytes.Length * 8; bit++)
            bytes[bit / 8] &= (byte)~(0x80 >> (bit % 8));
        return new(new IPAddress(bytes), prefixLength);
    }

    public static bool Overlap(IPNetwork one, IPNetwork other) =>
        one.BaseAddress.AddressFamily == other.BaseAddress.AddressFamily && (one.Contains(other.BaseAddress) || other.Contains(one.BaseAddress));

    /// <summary>Ranges that are not routed on the internet: RFC 1918, RFC 6598 (shared, carrier NAT), RFC 3927, and for IPv6 RFC 4193 and link-local.</summary>
    public static bool IsPrivate(IPAddress address) => PrivateRanges.Any(range => range.Contains(address));

    private static readonly IPNetwork[] PrivateRanges =
    [
        IPNetwork.Parse("10.0.0.0/8"), IPNetwork.Parse("172.16.0.0/12"), IPNetwork.Parse("192.168.0.0/16"), IPNetwork.Parse("100.64.0.0/10"),
        IPNetwork.Parse("169.254.0.0/16"), IPNetwork.Parse("127.0.0.0/8"), IPNetwork.Parse("fc00::/7"), IPNetwork.Parse("fe80::/10"),
    ];
}
