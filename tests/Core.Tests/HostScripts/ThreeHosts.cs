using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MigrationDashboard.Core.Tests.HostScripts;

/// <summary>
/// <c>old</c> and <c>new</c> on a public network with a client that is also their router, and a private cable between the two. Documentation
/// addresses only; nothing leads out.
/// <code>
///   client 198.51.100.7 ── 203.0.113.1 ─┬─ pub0 203.0.113.10 old link0 10.99.0.1 ─┐
///                         203.0.113.50  └─ pub0 203.0.113.20 new link0 10.99.0.2 ─┘
/// </code>
/// </summary>
public sealed class ThreeHosts : IDisposable
{
    public static readonly IPAddress ClientAddress = IPAddress.Parse("198.51.100.7");
    public static readonly IPAddress Neighbour = IPAddress.Parse("203.0.113.50");
    public static readonly IPAddress OldPublic = IPAddress.Parse("203.0.113.10");
    public static readonly IPAddress NewPublic = IPAddress.Parse("203.0.113.20");
    public static readonly IPAddress ClientAddress6 = IPAddress.Parse("2001:db8:c::7");
    public static readonly IPAddress OldPublic6 = IPAddress.Parse("2001:db8:1::10");
    public static readonly IPAddress NewPublic6 = IPAddress.Parse("2001:db8:1::20");

    public KernelHost Old { get; } = new("old");

    public KernelHost New { get; } = new("new");

    public KernelHost Client { get; } = new("client");

    public ThreeHosts()
    {
        try
        {
            Client.Wire($"""
                ip link add br0 type bridge forward_delay 0
                ip link add old0 type veth peer name pub0 netns {Old.Pid}
                ip link add new0 type veth peer name pub0 netns {New.Pid}
                ip link set old0 master br0 up; ip link set new0 master br0 up; ip link set br0 up
                ip addr add 203.0.113.1/24 dev br0; ip addr add {Neighbour}/24 dev br0
                ip addr add {ClientAddress}/24 dev lo; ip addr add 198.51.100.8/24 dev lo
                ip -6 addr add 2001:db8:1::1/64 dev br0 nodad; ip -6 addr add {ClientAddress6}/64 dev lo nodad
                """);
            Old.Wire($"ip link add link0 type veth peer name link0 netns {New.Pid}\n" + Addresses(OldPublic, OldPublic6, "10.99.0.1", "fd99::1"));
            New.Sh(Addresses(NewPublic, NewPublic6, "10.99.0.2", "fd99::2"));
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>What a client hears that connects: <c>old 198.51.100.7</c>, or null when nobody answers in time, or <c>refused</c>.</summary>
    public string? Ask(IPAddress server, int port, IPAddress? from = null, double seconds = 3)
    {
        using var session = Connect(server, port, from, seconds);
        return session.Greeting;
    }

    public Session Connect(IPAddress server, int service, IPAddress? from = null, double seconds = 3, int port = 0)
    {
        var socket = Client.Socket(server.AddressFamily, SocketType.Stream);
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        return Session.Open(socket, from ?? (server.AddressFamily == AddressFamily.InterNetwork ? ClientAddress : ClientAddress6), new(server, service), seconds, port);
    }

    /// <summary>The same for UDP.</summary>
    public string? AskUdp(IPAddress server, int port, IPAddress? from = null, double seconds = 3, int size = 10)
    {
        using var socket = Client.Socket(server.AddressFamily, SocketType.Dgram);
        socket.Bind(new IPEndPoint(from ?? (server.AddressFamily == AddressFamily.InterNetwork ? ClientAddress : ClientAddress6), 0));
        socket.Connect(server, port);
        var buffer = new byte[2000];
        var limit = Stopwatch.StartNew();
        // Datagrams may get lost while neighbours find each other: ask again, as clients do.
        do
        {
            try
            {
                socket.ReceiveTimeout = 200;
                socket.Send(new byte[size]);
                return Encoding.ASCII.GetString(buffer, 0, socket.Receive(buffer));
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.TimedOut or SocketError.WouldBlock)
            {
                // Asked again below.
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionRefused)
            {
                return "refused";
            }
        }
        while (limit.Elapsed.TotalSeconds < seconds);
        return null;
    }

    public void Dispose()
    {
        Client.Dispose();
        Old.Dispose();
        New.Dispose();
    }

    private static string Addresses(IPAddress four, IPAddress six, string link, string link6) => $"""
        ip addr add {four}/24 dev pub0; ip addr add {link}/30 dev link0
        ip -6 addr add {six}/64 dev pub0 nodad; ip -6 addr add {link6}/64 dev link0 nodad
        ip link set pub0 up; ip link set link0 up
        ip route add default via 203.0.113.1; ip -6 route add default via 2001:db8:1::1
        """;
}

/// <summary>A client's connection that stays open until it is disposed of.</summary>
public sealed class Session : IDisposable
{
    private readonly Socket socket;

    /// <summary>The server's greeting; null when no answer came in time; <c>refused</c> when the server said no.</summary>
    public string? Greeting { get; private init; }

    public double ConnectSeconds { get; private init; }

    private Session(Socket socket) => this.socket = socket;

    internal static Session Open(Socket socket, IPAddress from, IPEndPoint server, double seconds, int port = 0)
    {
        var started = Stopwatch.GetTimestamp();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(seconds));
        try
        {
            socket.Bind(new IPEndPoint(from, port));
            socket.ConnectAsync(server, limit.Token).AsTask().GetAwaiter().GetResult();
            var connected = Stopwatch.GetElapsedTime(started).TotalSeconds;
            var buffer = new byte[200];
            var count = socket.ReceiveAsync(buffer, limit.Token).AsTask().GetAwaiter().GetResult();
            return new(socket) { Greeting = Encoding.ASCII.GetString(buffer, 0, count).TrimEnd(), ConnectSeconds = connected };
        }
        catch (OperationCanceledException)
        {
            return new(socket);
        }
        catch (SocketException e)
        {
            return new(socket) { Greeting = e.SocketErrorCode switch { SocketError.ConnectionRefused => "refused", SocketError.TimedOut => null, var code => code.ToString() } };
        }
    }

    /// <summary>Sends so many bytes and waits until as many have come back.</summary>
    public bool Echoes(int size, double seconds = 3)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(seconds));
        try
        {
            var sending = socket.SendAsync(new byte[size], limit.Token).AsTask();
            var buffer = new byte[65536];
            for (var got = 0; got < size;)
            {
                var count = socket.ReceiveAsync(buffer, limit.Token).AsTask().GetAwaiter().GetResult();
                if (count == 0)
                    return false;
                got += count;
            }

            sending.GetAwaiter().GetResult();
            return true;
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException)
        {
            return false;
        }
    }

    public void Dispose() => socket.Dispose();
}
