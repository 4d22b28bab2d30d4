using System.Net.Sockets;
using MigrationDashboard.Core.Stages;

namespace MigrationDashboard.Core.Preflight;

/// <summary>Does the host forward packets, and if not, what does switching it on open?</summary>
public sealed class ForwardingCheck() : HostCheck("forwarding", "Forwarding of packets")
{
    protected override IEnumerable<CheckResult> Judge(HostView view)
    {
        var stage = view.IsOld ? "the Tail stage" : "the Forward stage";
        var families = new List<string>();
        if (view.Host.Sysctl("net/ipv4/ip_forward") != "1")
            families.Add("ip_forward = 0");
        if (view.Spec.Link.Ipv6 is not null && view.Host.Sysctl("net/ipv6/conf/all/forwarding") != "1")
            families.Add("IPv6 forwarding = 0");
        if (families.Count == 0)
            yield return Result(view.Role, CheckStatus.Pass, "forwarding is on", "", "It stays as it is.");
        else
            yield return Result(view.Role, CheckStatus.Pass, string.Join(", ", families), "Switching it on alone would make the server a router for everybody.",
                $"It is switched on at {stage} with a rule that drops whatever else would be forwarded, and put back at the end.");

        if (view.Spec.Link.Ipv6 is not null && view.Public is { } inbound && view.Host.Sysctl($"net/ipv6/conf/{inbound}/accept_ra") == "1" && view.Host.Sysctl("net/ipv6/conf/all/forwarding") != "1")
            yield return Result(view.Role, CheckStatus.Pass,
                view.Host.DefaultRoute(AddressFamily.InterNetworkV6)?.Text.Contains("proto ra", StringComparison.Ordinal) == true ? $"the IPv6 default route comes from router advertisements on {inbound}" : $"accept_ra = 1 on {inbound}",
                "A host that forwards ignores router advertisements and would lose its IPv6 default route.", $"accept_ra of {inbound} is set to 2 meanwhile.");
    }
}
