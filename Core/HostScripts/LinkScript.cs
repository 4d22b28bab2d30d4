using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using MigrationDashboard.Core.Network;

namespace MigrationDashboard.Core.HostScripts;

/// <summary>
/// Renders how a host makes its end of the link: the shell function <c>link_create</c>, which may be run again and again and leaves a tunnel
/// alone that is as it should be, and which writes <c>$FOLDER/link/remove.sh</c>, the way to take the end away again.
/// </summary>
public static class LinkScript
{
    /// <summary>
    /// Payload of the outer UDP packets, bytes. Full Ethernet frames of 1500 bytes are cut to this by OpenVPN itself and not by IP, because many
    /// networks drop IP fragments; with headers 1428 (IPv6: 1448) bytes, which passes where the path carries 1450 (VXLAN clouds) or 1460.
    /// </summary>
    private const int OuterPayload = 1400;

    public static string Functions(HostConfig config) => config.Link switch
    {
        { Tunnel: OpenVpnTunnel tunnel } link => OpenVpn(config.Allocation, link, tunnel),
        { Tunnel: VxlanTunnel tunnel } link => Vxlan(config.Allocation, link, tunnel),
        _ => "link_create() { :; }\ntunnel_runs() { :; }\n",
    };

    private static string OpenVpn(Allocation own, LinkEnd link, OpenVpnTunnel tunnel)
    {
        var removal = $"KEY={own.Key} FOLDER={own.Folder} LINK={link.Interface}\n{ScriptFile.Read("link-openvpn-process.sh")}{ScriptFile.Read("link-openvpn-remove.sh")}";
        return $"MAC={Mac(own, tunnel.Local)}\n" +
            Shell.Function("openvpn_conf", Conf(own, link, tunnel)) +
            Shell.Function("openvpn_unit", Unit(own, link, tunnel)) +
            Shell.Function("link_removal", removal) +
            ScriptFile.Read("link-claim.sh") + ScriptFile.Read("link-openvpn-process.sh") + ScriptFile.Read("link-openvpn.sh");
    }

    /// <summary>openvpn(8), 2.6. Both ends name each other's address, so that strangers cannot even begin a handshake.</summary>
    private static string Conf(Allocation own, LinkEnd link, OpenVpnTunnel tunnel) => string.Create(CultureInfo.InvariantCulture, $"""
        dev {link.Interface}
        dev-type tap
        proto {(tunnel.Remote.AddressFamily == AddressFamily.InterNetwork ? "udp4" : "udp6")}
        local {tunnel.Local}
        remote {tunnel.Remote}
        port {tunnel.Port}
        {(tunnel.Listens ? "tls-server\ndh none" : "tls-client")}
        cert {own.Folder}/link/certificate.pem
        key {own.Folder}/link/key.pem
        peer-fingerprint "{tunnel.PeerFingerprint}"
        data-ciphers AES-256-GCM:CHACHA20-POLY1305
        tls-version-min 1.2
        # Frames of 1500 bytes pass; TCP is told to use less, so that it is seldom cut in two.
        tun-mtu 1500
        fragment {OuterPayload}
        mssfix {OuterPayload}
        # A peer that is gone is noticed after 5 s and tried again every second.
        keepalive 1 5
        connect-retry 1 2
        explicit-exit-notify 1
        persist-tun
        persist-key
        # The kernel's own data channel has no tap.
        disable-dco
        verb 2

        """);

    private static string Unit(Allocation own, LinkEnd link, OpenVpnTunnel tunnel) => $"""
        [Unit]
        Description=MigrationDashboard: link of migration {own.Key}
        After=network.target
        ConditionPathExists={own.Folder}/link/openvpn.conf
        StartLimitIntervalSec=0

        [Service]
        ExecStartPre=/bin/sh -c 'if [ ! -e /sys/class/net/{link.Interface} ]; then ip tuntap add dev {link.Interface} mode tap && ip link set dev {link.Interface} address {Mac(own, tunnel.Local)}; fi; ip link set dev {link.Interface} mtu 1500 up'
        ExecStart=/usr/bin/env openvpn --cd {own.Folder}/link --config {own.Folder}/link/openvpn.conf --suppress-timestamps
        SyslogIdentifier=openvpn
        Restart=always
        RestartSec=1
        CapabilityBoundingSet=CAP_NET_ADMIN CAP_NET_RAW CAP_IPC_LOCK
        NoNewPrivileges=yes
        ProtectSystem=strict
        ProtectHome=yes
        PrivateTmp=yes

        [Install]
        WantedBy=multi-user.target

        """;

    private static string Vxlan(Allocation own, LinkEnd link, VxlanTunnel tunnel)
    {
        var removal = $"[ ! -e /sys/class/net/{link.Interface} ] || ip link del dev {link.Interface}\nrm -f {own.Folder}/link/vxlan\n";
        var words = string.Create(CultureInfo.InvariantCulture, $"id {tunnel.Vni} local {tunnel.Local} remote {tunnel.Remote} dstport {tunnel.Port} dev {tunnel.Underlay}");
        return $"MAC={Mac(own, tunnel.Local)}\nVXLAN={Shell.Quote(words)}\n" +
            Shell.Function("link_removal", removal) + ScriptFile.Read("link-claim.sh") + ScriptFile.Read("link-vxlan.sh");
    }

    /// <summary>
    /// Always the same for one end, so that the peer's neighbour table stays right when the interface is made anew (after a reboot). Locally
    /// administered: the second bit of the first byte (IEEE 802).
    /// </summary>
    private static string Mac(Allocation own, IPAddress local)
    {
        var hash = SHA256.HashData(Encoding.ASCII.GetBytes($"{own.Key} {local}"));
        return "02:" + string.Join(':', hash.Take(5).Select(part => part.ToString("x2", CultureInfo.InvariantCulture)));
    }
}
