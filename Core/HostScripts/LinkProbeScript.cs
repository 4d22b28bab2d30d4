using System.Globalization;
using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization;
using MigrationDashboard.Core.Network;
using MigrationDashboard.Core.Servers;

namespace MigrationDashboard.Core.HostScripts;

/// <summary>What one end of the link found out about the other, asked on the link's own interface.</summary>
/// <param name="Up">The peer answers in every family of the link.</param>
/// <param name="PeerMac">Hardware address that answers for the peer, lower case: to be compared with that of the peer's own interface. Null when nothing answers.</param>
/// <param name="RttMs">Mean round trip of five small packets, milliseconds; null when the peer drops pings.</param>
/// <param name="Mtu">Largest packet that passes whole, bytes with IP header, the smaller one of the families; null when the peer drops pings.</param>
/// <param name="Reason">Why it is not up; empty when it is.</param>
public sealed record LinkProbe(bool Up, string? PeerMac, double? RttMs, int? Mtu, string Reason);

/// <summary>Renders the script that tries the link from one end; under 2 s once the link is up. Changes nothing but the memory of who the neighbour is.</summary>
public static class LinkProbeScript
{
    private static readonly JsonSerializerOptions Form = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, NumberHandling = JsonNumberHandling.Strict };

    /// <param name="addresses">This end's address and the peer's, once for each family of the link.</param>
    /// <param name="waitSeconds">How long a link may take to come up. 0 to 60.</param>
    public static string Render(InterfaceName link, IEnumerable<(IPAddress Own, IPAddress Peer)> addresses, int waitSeconds)
    {
        var ends = addresses.ToList();
        return string.Create(CultureInfo.InvariantCulture, $"""
            set -u
            export LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
            LINK={link}
            OWN={Shell.Quote(string.Join(' ', ends.Select(end => end.Own)))}
            PEERS={Shell.Quote(string.Join(' ', ends.Select(end => end.Peer)))}
            WAIT={Math.Clamp(waitSeconds, 0, 60)}

            """) + ScriptFile.Read("link-probe.sh");
    }

    /// <summary>For the end a role has in the migration's link.</summary>
    public static string Render(Link link, Stages.Role role, int waitSeconds)
    {
        var networks = new[] { link.Ipv4, link.Ipv6 }.OfType<LinkNetwork>();
        return role == Stages.Role.Old
            ? Render(link.OldInterface, networks.Select(network => (network.Old, network.New)), waitSeconds)
            : Render(link.NewInterface, networks.Select(network => (network.New, network.Old)), waitSeconds);
    }

    /// <exception cref="InvalidOperationException">The output is not what the script prints.</exception>
    public static LinkProbe Parse(string output)
    {
        var line = output.Split('\n', StringSplitOptions.RemoveEmptyEntries).LastOrDefault(line => line.StartsWith('{'))
            ?? throw new InvalidOperationException($"The link's probe printed nothing to read: {output}");
        return JsonSerializer.Deserialize<LinkProbe>(line, Form)!;
    }
}
