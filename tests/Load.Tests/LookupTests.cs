using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MigrationDashboard.Load.Tests;

public sealed class LookupTests
{
    /// <summary>The answer a name server gives: the question with the answer's bit, a count of one and an address record that points at the name.</summary>
    private static byte[] Answer(byte[] query)
    {
        byte[] answer = [.. query, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 77];
        answer[2] |= 0x80;
        answer[7] = 1;
        return answer;
    }

    private static byte[] Changed(byte[] bytes, int at, byte value)
    {
        bytes[at] = value;
        return bytes;
    }

    private static async Task<Summary> AskAsync(Func<byte[], int, byte[]?> answer, int count = 8)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        var server = Task.Run(async () =>
        {
            var buffer = new byte[1500];
            for (var number = 1; ; number++)
            {
                var received = await socket.ReceiveFromAsync(buffer, new IPEndPoint(IPAddress.Any, 0));
                if (answer(buffer[..received.ReceivedBytes], number) is { } bytes)
                    await socket.SendToAsync(bytes, received.RemoteEndPoint);
            }
        });
        var summary = await Runs.ExecuteAsync("--target", $"{socket.LocalEndPoint}/dns", "--rate", "200", "--count", $"{count}", "--from", "127.0.0.11-127.0.0.12", "--timeout", "5");
        socket.Dispose();
        await Assert.ThrowsAnyAsync<Exception>(() => server);
        return summary;
    }

    [Fact]
    public void A_query_is_laid_out_as_the_protocol_says() => Assert.Equal(
        [0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 2, (byte)'q', (byte)'7', 4, .. "test"u8, 0, 0, 1, 0, 1],
        Lookup.Query(0x1234, "q7.test"));

    [Theory]
    [InlineData("198.51.100.9", "q7.198-51-100-9.lab.test")]
    [InlineData("2001:db8:100::2", "q7.2001-db8-100--2.lab.test")]
    public void The_name_holds_the_address_of_who_asks(string client, string name) => Assert.Equal(name, Lookup.NameFor(IPAddress.Parse(client), 7));

    [Fact]
    public async Task Names_are_answered_and_tell_the_server_who_asks()
    {
        var seen = new List<string>();
        var summary = await AskAsync((query, _) =>
        {
            seen.Add(Encoding.ASCII.GetString(query));
            return Answer(query);
        });
        Assert.Equal((8, 0), (summary.Ok, summary.Failed));
        Assert.Equal(4, seen.Count(text => text.Contains("127-0-0-11", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_lost_query_is_asked_again()
    {
        var received = 0;
        var summary = await AskAsync((query, number) => (received = number) <= 3 ? null : Answer(query));
        Assert.Equal((8, 0, 11), (summary.Ok, summary.Failed, received));
        Assert.InRange(summary.TotalMs.Max!.Value, 1990, 4900);
    }

    [Fact]
    public async Task Silence_ends_with_the_time() => Assert.Equal(2, (await AskAsync((_, _) => null, count: 2)).FailedByReason["dialog-timeout"]);

    [Fact]
    public async Task Another_answer_than_asked_for_is_a_bad_reply()
    {
        byte[][] wrong(byte[] query) => [Changed(Answer(query), 0, (byte)(query[0] + 1)), query, Changed(Answer(query), 3, 2), Changed(Answer(query), 14, (byte)'x'), Changed(Answer(query), 7, 0), [1, 2]];
        Assert.Equal(6, (await AskAsync((query, number) => wrong(query)[(number - 1) % 6], count: 6)).FailedByReason["bad-reply"]);
    }
}
