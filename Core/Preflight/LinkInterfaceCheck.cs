using System.Globalization;
using MigrationDashboard.Core.Stages;

namespace MigrationDashboard.Core.Preflight;

/// <summary>Is the link's interface what it should be: there and a network of its own, or, for a tunnel, not there yet?</summary>
public sealed class LinkInterfaceCheck() : HostCheck("link-interface", "The link's interface")
{
    protected override IEnumerable<CheckResult> Judge(HostView view)
    {
        var link = view.Host.Link(view.Link);
        if (view.IsTunnel)
        {
            // After the Link stage it is there, made by us.
            var ours = view.Input.Allocation is { } own && view.Host.Own.Migrations.Contains(own.Key);
            yield return link is null || ours
                ? Result(view.Role, CheckStatus.Pass, link is null ? $"no interface is called {view.Link}" : $"{view.Link} is the link", "", $"The tunnel is called {view.Link}.")
                : Result(view.Role, CheckStatus.Fail, $"there is an interface {view.Link} ({link.Kind}) already", "The tunnel cannot have this name.", "Choose another name for the link's interface.");
            yield break;
        }

        var others = string.Join(", ", view.Host.Links.Where(other => other.IsLayer2 && other.Master is null && other.Name != view.Public).Select(other => other.Name));
        if (link is null)
            yield return Result(view.Role, CheckStatus.Fail, $"there is no interface {view.Link}", "The link needs it.", others.Length > 0 ? $"Choose one of {others}." : "Choose a tunnel as the link.");
        else if (link.Name == view.Public)
            yield return Result(view.Role, CheckStatus.Fail, $"clients arrive at {view.Link} as well (default route)", "What was forwarded could not be told from what comes directly.", "Use a network of its own for the link, or a tunnel.");
        else if (!link.IsLayer2)
            yield return Result(view.Role, CheckStatus.Fail, $"{view.Link} is a {link.Kind} interface", "It carries no Ethernet frames, so the peer cannot be a gateway there.", "Choose a layer-2 network or a tunnel of ours.");
        else if (!link.Up)
            yield return Result(view.Role, CheckStatus.Fail, $"{view.Link} is down", "Nothing passes over it.", "Bring it up: ip link set " + view.Link + " up.");
        else if (link.Master is not null)
            yield return Result(view.Role, CheckStatus.Fail, $"{view.Link} is a port of {link.Master}", "Packets arrive at the bridge, not at its port.", $"Use {link.Master} as the link's interface.");
        else
            yield return Mtu(view.Role, link.Name, link.Mtu, view.Spec.Link.Ipv6 is not null);
    }

    /// <summary>IPv6's least (RFC 8200) and what any IPv4 network should carry.</summary>
    private const int LeastMtu = 1280;

    private CheckResult Mtu(Role role, string name, int mtu, bool ipv6)
    {
        var found = string.Create(CultureInfo.InvariantCulture, $"{name} is up, MTU {mtu}");
        return mtu < LeastMtu
            ? Result(role, ipv6 ? CheckStatus.Fail : CheckStatus.Warn, found, "Packets over it must be smaller than usual.", ipv6 ? "IPv6 needs 1280 (RFC 8200): raise the MTU or leave IPv6 out." : "Segments are clamped to what it carries.")
            : Result(role, CheckStatus.Pass, found, "", "It is probed with full-size packets at the Link stage.");
    }
}
