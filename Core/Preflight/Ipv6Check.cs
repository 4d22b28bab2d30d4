using System.Net.Sockets;
using MigrationDashboard.Core.Inventory;

namespace MigrationDashboard.Core.Preflight;

/// <summary>Do clients that come by IPv6 come along?</summary>
public sealed class Ipv6Check() : PairCheck("ipv6", "IPv6 moves as well")
{
    protected override IEnumerable<CheckResult> Judge(PreflightInput input, HostInventory old, HostInventory @new)
    {
        var from = Public(old);
        var to = Public(@new);
        if (from is null)
            yield return Result(null, CheckStatus.Pass, "old has no public IPv6 address");
        else if (to is null)
            yield return Result(null, CheckStatus.Warn, $"old has {from}, new has no public IPv6 address", "Clients that come by IPv6 cannot be moved: they fall back to IPv4 once the AAAA record is gone, and until then reach old only.",
                "Only IPv4 is forwarded. Remove the AAAA record at the Dns stage.");
        else if (input.Spec.Link.Ipv6 is null)
            yield return Result(null, CheckStatus.Warn, $"old has {from}, new {to}, the link carries no IPv6", "Clients that come by IPv6 are not forwarded.", "Give the link an IPv6 network as well; a private one (fd…) is enough.");
        else
            yield return Result(null, CheckStatus.Pass, $"{from} moves to {to} over the link");
    }

    private static System.Net.IPAddress? Public(HostInventory host) =>
        FactsFromInventory.PublicInterface(host) is { } inbound ? FactsFromInventory.PublicAddress(host, inbound, AddressFamily.InterNetworkV6) : null;
}
