using System.Globalization;
using MigrationDashboard.Core.Servers;
using MigrationDashboard.Core.Stages;

namespace MigrationDashboard.Core.Preflight;

/// <summary>Can the tunnel be made here?</summary>
public sealed class TunnelCheck() : HostCheck("tunnel", "The tunnel can be made")
{
    /// <summary>--peer-fingerprint, which spares a certificate authority, came with OpenVPN 2.6 (Changes.rst).</summary>
    private static readonly Version OldestOpenVpn = new(2, 6);

    protected override IEnumerable<CheckResult> Judge(HostView view)
    {
        if (!view.IsTunnel)
            yield break;
        var port = view.Spec.Link.Port ?? (view.Spec.Link.Kind == LinkKind.Vxlan ? StageConfigs.DefaultVxlanPort : StageConfigs.DefaultOpenVpnPort);
        var ours = view.Input.Allocation is { } own && view.Host.Own.Migrations.Contains(own.Key);
        var listens = view.Spec.Link.Kind == LinkKind.Vxlan || !view.IsOld;
        if (listens && !ours && view.Host.Sockets.FirstOrDefault(socket => socket.Transport == Transport.Udp && socket.Port == port && !socket.IsLoopback) is { } socket
            && !(view.Spec.Link.Kind == LinkKind.Vxlan && socket.Process is null))
            yield return Result(view.Role, CheckStatus.Fail, string.Create(CultureInfo.InvariantCulture, $"UDP port {port} is in use by {socket.Owner}"), "The tunnel needs the port.", "Choose another port for the link.");
        else if (view.Spec.Link.Kind == LinkKind.Vxlan)
            yield return Result(view.Role, CheckStatus.Pass, string.Create(CultureInfo.InvariantCulture, $"UDP port {port} is free"), "VXLAN is not encrypted: mail and passwords pass in clear between the servers.", "Use it in networks that you trust.");
        else if (!view.Host.Has("openvpn"))
            yield return Result(view.Role, CheckStatus.Fail, "openvpn is not installed", "The tunnel is made with it.", "Install openvpn (2.6 or newer).");
        else if (view.Host.System.VersionOf("openvpn") is { } version && version < OldestOpenVpn)
            yield return Result(view.Role, CheckStatus.Fail, view.Host.System.VersionText("openvpn") ?? "", "Before 2.6 both ends cannot know each other by fingerprint.", "Install OpenVPN 2.6, or use VXLAN or an existing network.");
        else if (!view.Host.Has("openssl"))
            yield return Result(view.Role, CheckStatus.Fail, "openssl is not installed", "The tunnel's key is made with it, on the server itself.", "Install openssl.");
        else if (!view.Host.System.TunDevice)
            yield return Result(view.Role, CheckStatus.Fail, $"/dev/net/tun is not there{(view.Host.System.Virtualization is { } kind and not "none" ? $" ({kind})" : "")}", "OpenVPN cannot make its interface.", "Load the module tun, or have the provider allow it to the container.");
        else
            yield return Result(view.Role, CheckStatus.Pass, $"{Short(view.Host.System.VersionText("openvpn"))}, UDP port {port} {(listens ? "is free" : "is called on new")}", "", "Keys are made on the servers and never leave them.");
    }

    private static string Short(string? version) => string.Join(' ', (version ?? "openvpn").Split(' ').Take(2));
}
