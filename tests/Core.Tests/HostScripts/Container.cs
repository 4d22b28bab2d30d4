using System.Net;
using System.Net.Sockets;

namespace MigrationDashboard.Core.Tests.HostScripts;

/// <summary>A network namespace behind a bridge with the rules that Docker makes for a published port, so that what Docker does to packets is there without Docker.</summary>
public sealed class Container : IDisposable
{
    private readonly KernelHost outer;

    private readonly string network;

    private Container(KernelHost outer, string network)
    {
        this.outer = outer;
        this.network = network;
        Host = new("container");
    }

    public KernelHost Host { get; }

    /// <param name="network">The first three numbers of its network, such as <c>172.18.0</c>.</param>
    public static Container On(KernelHost outer, string network)
    {
        var made = new Container(outer, network);
        outer.Wire($"""
            ip link add br-app type bridge forward_delay 0; ip addr add {network}.1/16 dev br-app; ip link set br-app up
            ip link add app0 type veth peer name eth0 netns {made.Host.Pid}
            ip link set app0 master br-app up
            """);
        made.Host.Wire($"ip addr add {network}.2/16 dev eth0; ip link set eth0 up; ip route add default via {network}.1");
        outer.Sh("echo 1 >/proc/sys/net/ipv4/ip_forward");
        return made;
    }

    public void Publish(int port) => outer.Sh($"""
        nft -f - <<'END'
        table ip docker-like {"{"}
          chain pre {"{"} type nat hook prerouting priority dstnat; fib daddr type local iifname != "br-app" tcp dport {port} dnat to {network}.2; {"}"}
        {"}"}
        END
        """);

    public void Masquerade() => outer.Sh($"""
        nft 'add table ip docker-post; add chain ip docker-post post {"{"} type nat hook postrouting priority srcnat; {"}"}; add rule ip docker-post post ip saddr {network}.0/16 oifname != "br-app" masquerade'
        """);

    /// <summary>What a server in the world answers to the application in the container.</summary>
    public string? Asks(IPAddress server, int port)
    {
        using var session = Session.Open(Host.Socket(AddressFamily.InterNetwork, SocketType.Stream), IPAddress.Any, new(server, port), 2);
        return session.Greeting;
    }

    public void Dispose() => Host.Dispose();
}
