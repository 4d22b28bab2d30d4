using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using MigrationDashboard.Core.Connections;
using MigrationDashboard.Core.Migrations;
using MigrationDashboard.Core.Network;
using MigrationDashboard.Core.Servers;
using MigrationDashboard.Core.Stages;

namespace MigrationDashboard.Core.HostScripts;

/// <summary>Renders the script that counts connections on a host, all its migrations in one session (DESIGN §7). Run as root; it changes nothing.</summary>
public static class SampleScript
{
    /// <summary>Clients named on each path in a line because they have most connections.</summary>
    public const int TopClients = 20;

    /// <summary>Stragglers named besides, in turn: with a line a second a thousand are known within ten seconds, and a line stays below 16 kB.</summary>
    public const int MoreStragglers = 100;

    /// <param name="ends">At least one; each migration once.</param>
    /// <param name="longest">After this the script ends by itself, so that nothing stays behind on a host whose connection hangs for ever.</param>
    public static string Render(IEnumerable<SampledEnd> ends, TimeSpan longest)
    {
        var lines = new StringBuilder();
        foreach (var end in ends)
        {
            var own = end.Allocation;
            lines.Append(CultureInfo.InvariantCulture, $"m {own.Key} {(end.Role == Role.Old ? "old" : "new")} {(end.Backend == RulesBackend.Nft ? "nft" : "iptables")} {own.NftTable} {own.ChainPrefix} {AsIptablesPrints(own.Forwarded)}\n");
            foreach (var address in end.Addresses)
                lines.Append(CultureInfo.InvariantCulture, $"a {own.Key} {(address.Family == AddressFamily.InterNetwork ? 4 : 6)} {address.Public} {Full(address.Public)} {Or(address.Peer?.ToString())} {Or(address.Peer is null ? null : Full(address.Peer))}\n");
            foreach (var port in end.Ports)
                lines.Append(CultureInfo.InvariantCulture, $"p {own.Key} {(port.Transport == Transport.Tcp ? "tcp" : "udp")} {port.Number}\n");
        }

        return string.Create(CultureInfo.InvariantCulture, $"LONGEST={(long)longest.TotalSeconds} TOP={TopClients} MORE={MoreStragglers}\n")
            + Shell.Function("sampled", lines.ToString()) + ScriptFile.Read("sample.sh");
    }

    /// <summary>As /proc/net/nf_conntrack writes an address: IPv6 with all its zeros (%pI6 in the kernel's printk-formats).</summary>
    private static string Full(IPAddress address)
    {
        if (address.AddressFamily == AddressFamily.InterNetwork)
            return address.ToString();
        var bytes = Convert.ToHexStringLower(address.GetAddressBytes());
        return string.Join(':', Enumerable.Range(0, 8).Select(group => bytes.Substring(group * 4, 4)));
    }

    private static string AsIptablesPrints(ConnectionMark mark) => string.Create(CultureInfo.InvariantCulture, $"0x{mark.Value:x}/0x{mark.Mask:x}");

    private static string Or(string? text) => text ?? "-";
}
