using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MigrationDashboard.Core.Tests.HostScripts;

/// <summary>A server that answers each client with its own name and the client's address as it sees it: <c>old 198.51.100.7</c>.</summary>
public sealed class WhoAmI : IDisposable
{
    private readonly Socket socket;

    private readonly CancellationTokenSource stop = new();

    private readonly Task work;

    private WhoAmI(Socket socket, Func<Socket, CancellationToken, Task> serve)
    {
        this.socket = socket;
        work = Task.Run(() => serve(socket, stop.Token));
    }

    public static WhoAmI Tcp(KernelHost host, IPAddress address, int port, string? name = null)
    {
        var socket = host.Socket(address.AddressFamily, SocketType.Stream);
        socket.Bind(new IPEndPoint(address, port));
        socket.Listen(100);
        return new(socket, async (listener, cancel) =>
        {
            while (!cancel.IsCancellationRequested)
            {
                var connection = await listener.AcceptAsync(cancel);
                _ = Answer(connection, name ?? host.Name, cancel);
            }
        });
    }

    public static WhoAmI Udp(KernelHost host, IPAddress address, int port)
    {
        var socket = host.Socket(address.AddressFamily, SocketType.Dgram);
        socket.Bind(new IPEndPoint(address, port));
        return new(socket, async (server, cancel) =>
        {
            var buffer = new byte[2000];
            while (!cancel.IsCancellationRequested)
            {
                var from = await server.ReceiveFromAsync(buffer, new IPEndPoint(address.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any, 0), cancel);
                await server.SendToAsync(Encoding.ASCII.GetBytes($"{host.Name} {((IPEndPoint)from.RemoteEndPoint).Address}"), from.RemoteEndPoint, cancel);
            }
        });
    }

    public void Dispose()
    {
        stop.Cancel();
        socket.Dispose();
        try
        {
            work.Wait(1000);
        }
        catch (AggregateException e) when (e.InnerExceptions.All(inner => inner is OperationCanceledException or SocketException or ObjectDisposedException))
        {
            // It was waiting for the next client.
        }

        stop.Dispose();
    }

    // Greets as soon as a client comes, and then sends back whatever it hears: a session can be kept and asked again.
    private static async Task Answer(Socket connection, string name, CancellationToken cancel)
    {
        using (connection)
        {
            await connection.SendAsync(Encoding.ASCII.GetBytes($"{name} {((IPEndPoint)connection.RemoteEndPoint!).Address}\n"), cancel);
            var buffer = new byte[65536];
            while (await connection.ReceiveAsync(buffer, cancel) is > 0 and var count)
                await connection.SendAsync(buffer.AsMemory(0, count), cancel);
        }
    }
}
