using System.Globalization;

namespace MigrationDashboard.Core.Network;

/// <summary>The names and numbers on a host that are one migration's own, so that several migrations on a server never disturb each other.</summary>
/// <param name="Slot">1 to <see cref="MostSlots(uint)"/>: which share of the mark field, tables and preferences this migration has. Unique among the migrations of either server.</param>
/// <param name="Key">Eight hex digits naming the migration on hosts: nft table <c>md_KEY</c>, chains <c>MD-KEY-…</c>, unit <c>migration-dashboard@KEY</c>.</param>
/// <param name="Mask">The field of the mark that is used: <see cref="FirstMask"/> or, where a rule on a host uses that, <see cref="SecondMask"/>.</param>
public sealed record Allocation(int Slot, string Key, uint Mask)
{
    /// <summary>Tailscale marks with these bits (wgengine/router, 0xff0000), and few others do.</summary>
    public const uint FirstMask = 0x00ff0000;

    /// <summary>Used where something on a host uses the first.</summary>
    public const uint SecondMask = 0x0f000000;

    /// <summary>Tables 253 to 255 are the kernel's and small numbers are what administrators choose; 7300 and on is used by nothing known (iproute2 rt_tables).</summary>
    private const int FirstTable = 7300;

    /// <summary>Below Tailscale's 5210 and wg-quick's 32764 and above `local` (0), so that ours is asked first. Each slot has ten.</summary>
    private const int FirstPreference = 3000;

    private const int MarksPerSlot = 3;

    /// <summary>On connections that this host forwards to its peer.</summary>
    public ConnectionMark Forwarded => Mark(1);

    /// <summary>On connections that came over the link, whose replies go back over it.</summary>
    public ConnectionMark Return => Mark(2);

    /// <summary>On the workload's own outgoing connections that leave through the peer.</summary>
    public ConnectionMark Egress => Mark(3);

    public int Table => FirstTable + Slot;

    /// <summary>Preference of the return path's rule; the egress rules follow at +1 and +2.</summary>
    public int Preference => FirstPreference + (Slot * 10);

    public string NftTable => "md_" + Key;

    public string ChainPrefix => "MD-" + Key.ToUpperInvariant();

    public string Unit => $"migration-dashboard@{Key}.service";

    /// <summary>Where this migration's files are on a host.</summary>
    public string Folder => $"{HostFolder}/{Key}";

    public const string HostFolder = "/var/lib/migration-dashboard";

    /// <summary>How many migrations can share a server with this mask: three mark values each, zero being no mark.</summary>
    public static int MostSlots(uint mask) => (int)((mask >> System.Numerics.BitOperations.TrailingZeroCount(mask)) / MarksPerSlot);

    public static string KeyOf(Guid migration) => migration.ToString("N", CultureInfo.InvariantCulture)[..8];

    private ConnectionMark Mark(uint which)
    {
        var value = ((uint)(Slot - 1) * MarksPerSlot) + which;
        return new(value << System.Numerics.BitOperations.TrailingZeroCount(Mask), Mask);
    }
}
