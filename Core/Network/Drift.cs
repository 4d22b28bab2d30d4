using MigrationDashboard.Core.Stages;

namespace MigrationDashboard.Core.Network;

/// <summary>One difference between what was applied and what is found.</summary>
/// <param name="Change">'-' was applied and is gone, '+' was not applied and is there.</param>
/// <param name="Breaks">What clients or the operator notice of it; null where no line of its own says so.</param>
public sealed record DriftChange(char Change, string Text, string? Breaks);

/// <summary>What a change by somebody else means. The texts compared are what <c>state</c> in config.sh prints.</summary>
public static class Drift
{
    /// <summary>Said of what is stored of a migration on a host when all of it is gone.</summary>
    public const string Missing = "the files of this migration are gone from the host: after a reboot nothing is put back, and nothing is reverted by itself";

    public static ValueList<DriftChange> Explain(string was, string now) =>
        LineDiff.Of(was, now).Where(line => line.Change != ' ').Select(line => new DriftChange(line.Change, line.Text.Trim(), Breaks(line.Change == '-', line.Text))).ToValueList();

    private static string? Breaks(bool gone, string line) => (gone, line) switch
    {
        (true, _) when line.StartsWith("table ip", StringComparison.Ordinal) => "All rules of this migration are gone for one family: nothing is forwarded, held or counted.",
        (true, _) when line.Contains("dnat", StringComparison.OrdinalIgnoreCase) => "Calls are no longer sent on to the other server: clients are refused.",
        (true, _) when line.Contains("from all fwmark", StringComparison.Ordinal) => "Replies no longer find their way back over the link: clients who call the other server get no answer.",
        (true, _) when line.StartsWith("default", StringComparison.Ordinal) => "The way back over the link is gone: clients who call the other server get no answer.",
        (true, _) when line.StartsWith("unreachable default", StringComparison.Ordinal) => "With the link down, replies would leave by the public interface with the wrong address.",
        (true, _) when line.Contains("ct mark set", StringComparison.Ordinal) || line.Contains("CONNMARK", StringComparison.Ordinal) => "Connections that come over the link are no longer marked: their replies go the wrong way.",
        (true, _) when line.Contains("maxseg", StringComparison.Ordinal) || line.Contains("TCPMSS", StringComparison.Ordinal) => "Large packets may no longer fit the link: transfers hang.",
        (true, _) when line.Contains("counter", StringComparison.Ordinal) => "Connections are no longer counted as they should be.",
        (false, _) when line.StartsWith("opening ", StringComparison.Ordinal) => "The host's own firewall drops what should pass.",
        (false, _) when line.StartsWith("net/ipv4/ip_forward=0", StringComparison.Ordinal) || line.StartsWith("net/ipv6/conf/all/forwarding=0", StringComparison.Ordinal) => "This host forwards nothing any more: forwarded clients get no answer.",
        (false, _) when line.Contains("rp_filter=", StringComparison.Ordinal) => "Packets that come over the link may be thrown away (reverse-path filter): forwarded clients get no answer.",
        (false, _) when line.StartsWith("link ", StringComparison.Ordinal) => "The link is down: forwarded clients wait until it is back.",
        (false, _) when line.StartsWith("address ", StringComparison.Ordinal) => "The link has lost its address: forwarded clients get no answer.",
        (false, _) when line.Contains(" drop", StringComparison.Ordinal) || line.Contains(" reject", StringComparison.Ordinal) => "A rule was added that drops packets.",
        _ => null,
    };
}
