using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MigrationDashboard.Load.Tests;

/// <summary>A connection as the server has it.</summary>
internal sealed class FakeClient(Socket socket) : IDisposable
{
    private readonly NetworkStream _stream = new(socket);
    private readonly byte[] _buffer = new byte[8192];
    private int _begin;
    private int _end;

    public string Address => ((IPEndPoint)socket.RemoteEndPoint!).Address.ToString();

    public async Task<string> LineAsync()
    {
        while (true)
        {
            var end = _buffer.AsSpan(_begin.._end).IndexOf((byte)'\n');
            if (end >= 0)
            {
                var line = Encoding.ASCII.GetString(_buffer, _begin, end).TrimEnd('\r');
                _begin += end + 1;
                return line;
            }

            if (_begin == _end)
                _begin = _end = 0;
            var received = await _stream.ReadAsync(_buffer.AsMemory(_end));
            if (received == 0)
                throw new IOException("the client closed");
            _end += received;
        }
    }

    public async Task SayAsync(string text) => await _stream.WriteAsync(Encoding.ASCII.GetBytes(text));

    /// <summary>Closes with a reset instead of a FIN.</summary>
    public void Reset()
    {
        socket.LingerState = new LingerOption(true, 0);
        socket.Dispose();
    }

    public void Dispose()
    {
        // The stream would shut down in order first, and so undo a reset.
        socket.Dispose();
        _stream.Dispose();
    }
}

/// <summary>A TCP server whose every connection is handled as the test says. Disposing closes the listener and waits for nobody.</summary>
internal sealed class FakeServer : IDisposable
{
    private readonly Socket _listener;
    private readonly Func<FakeClient, Task> _handle;

    public FakeServer(Func<FakeClient, Task> handle, string address = "127.0.0.1", int backlog = 1024, bool accept = true)
    {
        var ip = IPAddress.Parse(address);
        _handle = handle;
        _listener = new Socket(ip.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        if (ip.Equals(IPAddress.IPv6Any))
            _listener.DualMode = true;
        _listener.Bind(new IPEndPoint(ip, 0));
        _listener.Listen(backlog);
        if (accept)
            BeginAccepting();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndPoint!).Port;

    /// <summary>Remote addresses in the order of their connections.</summary>
    public ConcurrentQueue<string> Callers { get; } = new();

    public void BeginAccepting()
    {
        // With a queue of none, the kernel answers by SYN cookie and then forgets the connection.
        _listener.Listen(1024);
        _ = AcceptAsync();
    }

    public void Dispose() => _listener.Dispose();

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
                _ = HandleAsync(await _listener.AcceptAsync());
        }
        catch (Exception ended) when (ended is SocketException or ObjectDisposedException)
        {
            return;
        }
    }

    private async Task HandleAsync(Socket socket)
    {
        using var client = new FakeClient(socket);
        Callers.Enqueue(client.Address);
        try
        {
            await _handle(client);
        }
        catch (IOException)
        {
            // The client left; what that means is the test's business.
            client.Reset();
        }
    }
}

/// <summary>Ways for a server to behave, good and bad.</summary>
internal static class Behaviour
{
    public static async Task Honest(FakeClient client) => await ConverseAsync(client, () => client.Address);

    public static Func<FakeClient, Task> SaysSource(string address) => client => ConverseAsync(client, () => address);

    public static async Task SpeaksInManyLines(FakeClient client)
    {
        await client.SayAsync("220-fake\r\n220 ready\r\n");
        await client.LineAsync();
        await client.SayAsync("502-5.5.2 Error: command not recognized\r\n");
        await Task.Delay(20);
        await client.SayAsync($"502-5.5.2 client=[{client.Address}]\r\n502 5.5.2 done\r\n");
        await client.LineAsync();
        await client.SayAsync("221 bye\r\n");
    }

    public static async Task SaysNothing(FakeClient client) => await client.LineAsync();

    public static Task ClosesAtOnce(FakeClient client) => Task.CompletedTask;

    public static async Task ClosesAfterBanner(FakeClient client)
    {
        await client.SayAsync("220 fake\r\n");
        await client.LineAsync();
    }

    public static async Task ResetsAfterWhoami(FakeClient client)
    {
        await client.SayAsync("220 fake\r\n");
        await client.LineAsync();
        client.Reset();
    }

    public static async Task TurnsAway(FakeClient client) => await client.SayAsync("554 not today\r\n");

    public static async Task HidesTheSource(FakeClient client)
    {
        await client.SayAsync("220 fake\r\n");
        await client.LineAsync();
        await client.SayAsync("502 what?\r\n");
        await client.LineAsync();
    }

    public static Func<FakeClient, Task> AnswersAfter(TimeSpan delay) => async client =>
    {
        await Task.Delay(delay);
        await Honest(client);
    };

    private static async Task ConverseAsync(FakeClient client, Func<string> source)
    {
        await client.SayAsync("220 fake\r\n");
        while (await client.LineAsync() is var line && line != "QUIT")
            await client.SayAsync($"502 5.5.2 {line} client=[{source()}]\r\n");
        await client.SayAsync("221 bye\r\n");
    }
}
