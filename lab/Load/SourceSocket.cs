using System.Net;
using System.Net.Sockets;

namespace MigrationDashboard.Load;

/// <summary>Sockets bound to an address, but not yet to a port.</summary>
internal static class SourceSocket
{
    // ip(7): SOL_IP is 0, IP_BIND_ADDRESS_NO_PORT is 24 (Linux 4.2). bind() then leaves the port to connect(), which knows the whole
    // 4-tuple: each (source, target) pair has the full port range instead of all targets sharing one. IPv6 sockets take it on SOL_IP too.
    private const int SolIp = 0;
    private const int IpBindAddressNoPort = 24;
    private static readonly byte[] On = BitConverter.GetBytes(1);

    /// <param name="family">IPv4 or IPv6.</param>
    /// <param name="type">Stream or datagram.</param>
    /// <param name="protocol">TCP or UDP.</param>
    /// <param name="source">The address to send from; null leaves it to the kernel.</param>
    public static Socket Open(AddressFamily family, SocketType type, ProtocolType protocol, IPAddress? source)
    {
        var socket = new Socket(family, type, protocol);
        if (source is null)
            return socket;
        try
        {
            socket.SetRawSocketOption(SolIp, IpBindAddressNoPort, On);
            socket.Bind(new IPEndPoint(source, 0));
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Those of the addresses that this machine (this network namespace) can't send from.</summary>
    public static IReadOnlyList<IPAddress> Missing(IEnumerable<IPAddress> addresses)
    {
        var missing = new List<IPAddress>();
        foreach (var address in addresses)
        {
            try
            {
                Open(address.AddressFamily, SocketType.Dgram, ProtocolType.Udp, address).Dispose();
            }
            catch (SocketException)
            {
                missing.Add(address);
            }
        }

        return missing;
    }
}
