using System.Buffers.Binary;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MigrationDashboard.Load;

/// <summary>
/// Asks a DNS server once for an address (RFC 1035, section 4), and again as long as nothing comes back, as every resolver does. The name asked for holds
/// the client's own address, so that the server's log of queries shows whether it saw that one.
/// </summary>
internal static class Lookup
{
    // As dig and many resolvers wait before they ask again; glibc waits 5 s (resolv.conf(5), timeout).
    private static readonly TimeSpan AskAgain = TimeSpan.FromSeconds(2);

    private const int HeaderLength = 12;
    private const int LongestAnswer = 1500;
    private const ushort TypeA = 1;
    private const ushort ClassIn = 1;

    private static int _asked;

    /// <param name="timeout">For an answer, to whichever of the datagrams.</param>
    public static async Task<CallResult> AskAsync(Target target, IPAddress? source, TimeSpan timeout, CancellationToken abort)
    {
        var started = Stopwatch.GetTimestamp();
        var expected = source;
        CallResult Result(FailureReason? reason, string detail) => new(reason, detail, expected, null, null, Stopwatch.GetElapsedTime(started));
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(abort);
        deadline.CancelAfter(timeout);
        try
        {
            using var socket = SourceSocket.Open(target.EndPoint.AddressFamily, SocketType.Dgram, ProtocolType.Udp, source);
            await socket.ConnectAsync(target.EndPoint, deadline.Token);
            expected ??= ((IPEndPoint)socket.LocalEndPoint!).Address;
            var query = Query((ushort)Random.Shared.Next(ushort.MaxValue + 1), NameFor(expected, Interlocked.Increment(ref _asked)));
            var answer = new byte[LongestAnswer];
            while (true)
            {
                await socket.SendAsync(query, SocketFlags.None, deadline.Token);
                using var patience = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token);
                patience.CancelAfter(AskAgain);
                try
                {
                    var length = await socket.ReceiveAsync(answer, SocketFlags.None, patience.Token);
                    var wrong = WhatIsWrong(query, answer.AsSpan(0, length));
                    return Result(wrong is null ? null : FailureReason.BadReply, wrong ?? "");
                }
                catch (OperationCanceledException) when (!deadline.IsCancellationRequested)
                {
                }
            }
        }
        catch (SocketException error)
        {
            return Result(FailureReasons.Of(error.SocketErrorCode, connected: false), error.Message);
        }
        catch (OperationCanceledException)
        {
            return abort.IsCancellationRequested ? Result(FailureReason.Abandoned, "the run was cut short") : Result(FailureReason.DialogTimeout, "no datagram came back in time");
        }
    }

    /// <returns><c>q17.198-51-100-9.lab.test</c>; the colons of an IPv6 address are hyphens, too.</returns>
    public static string NameFor(IPAddress client, int number) => $"q{number}.{client.ToString().Replace('.', '-').Replace(':', '-')}.lab.test";

    /// <summary>A question for the IPv4 address of a name.</summary>
    public static byte[] Query(ushort id, string name)
    {
        var labels = name.Split('.');
        var query = new byte[HeaderLength + labels.Sum(label => label.Length + 1) + 1 + 4];
        BinaryPrimitives.WriteUInt16BigEndian(query, id);
        query[2] = 1; // recursion desired
        query[5] = 1; // one question
        var at = HeaderLength;
        foreach (var label in labels)
        {
            query[at++] = checked((byte)label.Length);
            at += Encoding.ASCII.GetBytes(label, query.AsSpan(at));
        }

        at++; // the root
        BinaryPrimitives.WriteUInt16BigEndian(query.AsSpan(at), TypeA);
        BinaryPrimitives.WriteUInt16BigEndian(query.AsSpan(at + 2), ClassIn);
        return query;
    }

    /// <returns>Null for an answer to this question that holds something.</returns>
    private static string? WhatIsWrong(ReadOnlySpan<byte> query, ReadOnlySpan<byte> answer)
    {
        if (answer.Length < query.Length || !answer[..2].SequenceEqual(query[..2]))
            return "the answer is to another question's number";
        if ((answer[2] & 0x80) == 0)
            return "a question came back";
        if ((answer[3] & 0x0f) is var code and not 0)
            return $"the server answered with code {code}";
        if (!answer[HeaderLength..query.Length].SequenceEqual(query[HeaderLength..]))
            return "the answer is to another question";
        return BinaryPrimitives.ReadUInt16BigEndian(answer[6..]) == 0 ? "the answer is empty" : null;
    }
}
