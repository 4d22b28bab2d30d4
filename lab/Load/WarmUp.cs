using System.Net;
using System.Net.Sockets;

namespace MigrationDashboard.Load;

/// <summary>
/// Has the dialog compiled before the clock starts, by calling a server in this process. Without it the first connections of a run show
/// a hundred milliseconds that are neither the network's nor the servers'.
/// </summary>
internal static class WarmUp
{
    // Some replies come at once and some are waited for; in twenty dialogs both ways of every step were taken.
    private const int Calls = 20;

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(2);

    /// <summary>Returns after a few hundredths of a second; at once where loopback is down, as in a namespace just made.</summary>
    public static void Run()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            listener.Listen();
        }
        catch (SocketException)
        {
            return;
        }

        new Thread(() => Serve(listener)) { IsBackground = true, Name = "warm-up server" }.Start();
        var target = new Target("warm-up", (IPEndPoint)listener.LocalEndPoint!, TargetKind.Tcp);
        var options = new LoadOptions { Targets = [target], Run = "warm-up", ConnectTimeout = Limit, Timeout = Limit };
        var tally = new Tally(options.Targets, TimeProvider.System);
        for (var call = 0; call < Calls; call++)
        {
            tally.ConnectionStarted(target, TimeSpan.Zero, TimeSpan.Zero);
            var result = Whoami.CallAsync(target, IPAddress.Loopback, options, CancellationToken.None).GetAwaiter().GetResult();
            tally.ConnectionEnded(target, TimeSpan.Zero, result);
            if (result.Failure is not null)
                return;
        }
    }

    private static void Serve(Socket listener)
    {
        byte[][] replies = ["220 \r\n"u8.ToArray(), "502 client=[127.0.0.1]\r\n"u8.ToArray(), "221 \r\n"u8.ToArray()];
        var ignored = new byte[64];
        try
        {
            for (var call = 0; call < Calls; call++)
            {
                using var client = listener.Accept();
                foreach (var reply in replies)
                {
                    client.Send(reply);
                    if (reply != replies[^1])
                        client.Receive(ignored);
                }
            }
        }
        catch (Exception over) when (over is SocketException or ObjectDisposedException)
        {
            // The caller gave up, and says nothing: a run without warm-up is as right, only slower in its first tenth of a second.
            return;
        }
    }
}
