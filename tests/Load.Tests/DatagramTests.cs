using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MigrationDashboard.Load.Tests;

public sealed class DatagramTests
{
    /// <summary>Answers every datagram; null is no answer.</summary>
    private sealed class Server : IDisposable
    {
        private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        private readonly Func<string, IPAddress, string?> _answer;

        public Server(Func<string, IPAddress, string?> answer)
        {
            _answer = answer;
            _socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            _ = AnswerAsync();
        }

        public string Target => $"{_socket.LocalEndPoint}/udp";

        public void Dispose() => _socket.Dispose();

        private async Task AnswerAsync()
        {
            var buffer = new byte[1500];
            try
            {
                while (true)
                {
                    var received = await _socket.ReceiveFromAsync(buffer, new IPEndPoint(IPAddress.Any, 0));
                    var caller = (IPEndPoint)received.RemoteEndPoint;
                    if (_answer(Encoding.ASCII.GetString(buffer, 0, received.ReceivedBytes), caller.Address) is { } answer)
                        await _socket.SendToAsync(Encoding.ASCII.GetBytes(answer), caller);
                }
            }
            catch (Exception ended) when (ended is SocketException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    private static async Task<Summary> CallAsync(Func<string, IPAddress, string?> answer)
    {
        using var server = new Server(answer);
        return await Runs.ExecuteAsync(
            "--target", server.Target, "--rate", "200", "--count", "20", "--from", "127.0.0.11-127.0.0.15", "--timeout", "0.5");
    }

    [Fact]
    public async Task A_datagram_asks_and_its_answer_tells_the_source()
    {
        var summary = await CallAsync((question, caller) => question == "WHOAMI" ? $"client=[{caller}]\n" : null);
        Assert.Equal((20, 0, 0), (summary.Ok, summary.Failed, summary.WrongSource));
        Assert.Null(summary.ConnectMs.Max);
        Assert.NotNull(summary.TotalMs.Max);
    }

    [Fact]
    public async Task A_wrong_source_is_found() => Assert.Equal(20, (await CallAsync((_, _) => "client=[203.0.113.20]")).WrongSource);

    [Fact]
    public async Task A_lost_datagram_is_a_failure_and_is_not_sent_again()
    {
        var received = 0;
        var summary = await CallAsync((_, caller) => Interlocked.Increment(ref received) % 4 == 0 ? null : $"client=[{caller}]");
        Assert.Equal((15, 5), (summary.Ok, summary.FailedByReason["dialog-timeout"]));
        Assert.Equal(20, received);
    }

    [Fact]
    public async Task An_answer_without_source_is_a_bad_reply() => Assert.Equal(20, (await CallAsync((_, _) => "hello")).FailedByReason["bad-reply"]);

    [Fact]
    public async Task A_port_without_server_refuses()
    {
        var server = new Server((_, _) => null);
        var target = server.Target;
        server.Dispose();
        var summary = await Runs.ExecuteAsync("--target", target, "--rate", "100", "--count", "5", "--timeout", "2");
        Assert.Equal(5, summary.FailedByReason["connect-refused"]);
    }
}
