using System.Net.Sockets;
using MigrationDashboard.Core.Inventory;
using MigrationDashboard.Core.Servers;

namespace MigrationDashboard.Core.Preflight;

/// <summary>Where do clients arrive?</summary>
public sealed class PublicAddressCheck() : HostCheck("public-address", "The address that clients call")
{
    protected override IEnumerable<CheckResult> Judge(HostView view)
    {
        if (view.Public is not { } inbound)
        {
            yield return Result(view.Role, CheckStatus.Fail, "no default route", "It is not known where clients arrive.", "Give the server a default route.");
            yield break;
        }

        if (InterfaceName.Refuse(inbound) is { } refusal)
        {
            yield return Result(view.Role, CheckStatus.Fail, $"the default route goes by {inbound}", refusal, "Rename the interface.");
            yield break;
        }

        var ipv4 = FactsFromInventory.PublicAddresses(view.Host, inbound, AddressFamily.InterNetwork).ToList();
        var ipv6 = FactsFromInventory.PublicAddresses(view.Host, inbound, AddressFamily.InterNetworkV6).ToList();
        var found = $"{string.Join(", ", ipv4.Concat(ipv6))} on {inbound}";
        if (ipv4.Count + ipv6.Count == 0)
            yield return Result(view.Role, CheckStatus.Fail, $"no address on {inbound}, where the default route goes", "Nobody can call this server.", "Put the public address on the interface of the default route.");
        else if (ipv4.Count > 0 && Networks.IsPrivate(ipv4[0]))
            yield return Result(view.Role, view.IsTunnel ? CheckStatus.Fail : CheckStatus.Warn, found, $"{ipv4[0]} is a private address: somebody in between translates the public one to it.",
                view.IsTunnel ? "The tunnel cannot find the other end by this address. Use an existing layer-2 network as the link." : "Connections are forwarded by the private address. Make sure that what translates lets the ports through.");
        else if (ipv4.Count > 1 || ipv6.Count > 1)
            yield return Result(view.Role, CheckStatus.Warn, found, $"Only {string.Join(" and ", ipv4.Take(1).Concat(ipv6.Take(1)))} moves; what clients send to the others stays as it is.",
                "Make sure that the DNS records name the address that moves, or give it as the preferred source of the default route.");
        else
            yield return Result(view.Role, CheckStatus.Pass, found);
    }
}
