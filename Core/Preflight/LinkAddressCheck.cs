using System.Net;
using MigrationDashboard.Core.Inventory;
using MigrationDashboard.Core.Servers;

namespace MigrationDashboard.Core.Preflight;

/// <summary>Has each end its address on the link, and are both in the same network?</summary>
public sealed class LinkAddressCheck() : HostCheck("link-address", "Addresses on the link")
{
    protected override IEnumerable<CheckResult> Judge(HostView view)
    {
        if (!view.LinkNetworks.Any())
            yield return Result(view.Role, CheckStatus.Fail, "the link has neither an IPv4 nor an IPv6 network", "Nothing can pass over it.", "Give the link a network.");
        foreach (var network in view.LinkNetworks)
            yield return Judge(view, network, view.LinkAddress(network));
    }

    private CheckResult Judge(HostView view, LinkNetwork network, IPAddress wanted)
    {
        if (network.Old.Equals(network.New))
            return Result(view.Role, CheckStatus.Fail, $"both ends are {wanted}", "Each end needs an address of its own.", "Choose two addresses of the link's network.");
        if (!network.Network.Contains(network.Old) || !network.Network.Contains(network.New))
            return Result(view.Role, CheckStatus.Fail, $"{network.Old} and {network.New} are not both in {network.Network}", "The ends would not find each other on the link.", "Choose addresses of the same network.");
        if (IsEdge(network.Network, wanted))
            return Result(view.Role, CheckStatus.Fail, $"{wanted} is the network's or broadcast address of {network.Network}", "No host can have it.", "Choose another address.");

        var holders = view.Host.Addresses.Where(address => address.Address.Equals(wanted)).ToList();
        var found = holders.FirstOrDefault();
        if (network.AddedByUs)
        {
            var ours = view.Input.Allocation is { } own && view.Host.Own.Migrations.Contains(own.Key) && holders.All(holder => holder.Interface == view.Link);
            return found is null || ours
                ? Result(view.Role, CheckStatus.Pass, $"{wanted} is free", "", $"It is put on {view.Link} at the Link stage and taken off at the end.")
                : Result(view.Role, CheckStatus.Fail, $"{found} already", "The address is in use on this server.", "Choose another network for the link.");
        }

        if (found is null)
            return Result(view.Role, CheckStatus.Fail, $"{wanted} is on no interface of this server", "The link's address must be there already for an existing network.",
                view.Host.Addresses.FirstOrDefault(address => address.Interface == view.Link && address.Family == wanted.AddressFamily && address.Scope == "global") is { } actual
                    ? $"Did you mean {actual.Address}?" : $"Put an address on {view.Link}, or have the dashboard add one.");
        if (found.Interface != view.Link)
            return Result(view.Role, CheckStatus.Fail, $"{found}, not on {view.Link}", "Packets would arrive at another interface than the link.", $"Use {found.Interface} as the link's interface.");

        var given = network.Network.PrefixLength == found.PrefixLength;
        var peer = view.IsOld ? network.New : network.Old;
        return found.Network.Contains(peer)
            ? Result(view.Role, CheckStatus.Pass, $"{found}{(given ? "" : $" (the migration says {network.Network})")}; the peer {peer} is in the same network")
            : Result(view.Role, CheckStatus.Fail, $"{found}, and the peer {peer} is not in {found.Network}", "The peer cannot be a gateway outside the network: the two ends are not in one layer-2 network.", "Give both ends addresses of the same network.");
    }

    /// <summary>First and last address of an IPv4 network that has such (RFC 3021: not of /31 and /32).</summary>
    private static bool IsEdge(IPNetwork network, IPAddress address)
    {
        if (network.BaseAddress.AddressFamily != System.Net.Sockets.AddressFamily.InterNetwork || network.PrefixLength > 30)
            return false;
        var last = network.BaseAddress.GetAddressBytes();
        for (var bit = network.PrefixLength; bit < 32; bit++)
            last[bit / 8] |= (byte)(0x80 >> (bit % 8));
        return address.Equals(network.BaseAddress) || address.Equals(new IPAddress(last));
    }
}
