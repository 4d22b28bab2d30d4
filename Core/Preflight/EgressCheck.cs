using System.Net.Sockets;
using MigrationDashboard.Core.Inventory;

namespace MigrationDashboard.Core.Preflight;

/// <summary>Can the application's own connections leave through new, when that is wanted?</summary>
public sealed class EgressCheck() : HostCheck("egress", "The application's own connections")
{
    protected override IEnumerable<CheckResult> Judge(HostView view)
    {
        if (!view.Spec.EgressThroughNew)
            yield break;
        if (view.Spec.Link.Ipv4 is null)
            yield return Result(view.Role, CheckStatus.Fail, "the link has no IPv4 network", "The application's own connections are moved by IPv4.", "Give the link an IPv4 network, or leave the application's own connections at old.");
        else if (view.IsOld)
            yield return FactsFromInventory.Of(view.Host, view.Spec, view.Role) is { Facts.WorkloadPlace: { } place }
                ? Result(view.Role, CheckStatus.Pass, $"{place.Address} on {place.Bridge}", "", "What it begins itself is sent over the link and leaves through new.")
                : Result(view.Role, CheckStatus.Fail, "the application is no running container on a bridge network", "Its own connections cannot be told from the host's.", "Leave the application's own connections at old.");
        else
            yield return view.Public is { } inbound && FactsFromInventory.PublicAddress(view.Host, inbound, AddressFamily.InterNetwork) is { } exit
                ? Result(view.Role, CheckStatus.Pass, $"they leave with {exit}", "", "Their source is translated to it.")
                : Result(view.Role, CheckStatus.Fail, "no public IPv4 address", "The application's own connections cannot leave here.", "Leave the application's own connections at old.");
    }
}
