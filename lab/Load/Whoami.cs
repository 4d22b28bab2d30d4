using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MigrationDashboard.Load;

/// <summary>How one connection went.</summary>
/// <param name="Failure">Null when the dialog was complete.</param>
/// <param name="Detail">Words for people about the failure.</param>
/// <param name="Expected">The source address of the connection; null when it was never bound to one.</param>
/// <param name="Seen">The address that the application says it saw; null when it did not come to that.</param>
/// <param name="Connect">From connect() to the established connection; null for UDP and when it failed.</param>
/// <param name="Total">From connect() to 221 (UDP: to the answer), or to the failure.</param>
internal readonly record struct CallResult(
    FailureReason? Failure, string Detail, IPAddress? Expected, IPAddress? Seen, TimeSpan? Connect, TimeSpan Total)
{
    /// <summary>True when the application saw another address than the client has.</summary>
    public bool WrongSource => Seen is not null && Expected is not null && !SmtpReply.SameAddress(Seen, Expected);
}

/// <summary>Asks a server once which address it sees, on a new connection or with a new datagram.</summary>
internal static class Whoami
{
    private static readonly byte[] Line = "WHOAMI\r\n"u8.ToArray();
    private static readonly byte[] Datagram = "WHOAMI"u8.ToArray();

    // A datagram that Ethernet carries in one piece; the answer is one line.
    private const int LongestAnswer = 1500;

    public static Task<CallResult> CallAsync(Target target, IPAddress? source, LoadOptions options, CancellationToken abort) =>
        target.Kind switch
        {
            TargetKind.Udp => AskByDatagramAsync(target, source, options.Timeout, abort),
            TargetKind.Dns => Lookup.AskAsync(target, source, options.Timeout, abort),
            _ => ConnectAndAskAsync(target, source, options, abort),
        };

    /// <summary>Asks on an open connection.</summary>
    /// <exception cref="DialogException">The reply is not a 5xx with <c>client=[ADDRESS]</c>.</exception>
    public static async ValueTask<IPAddress> AskAsync(LineConnection connection)
    {
        var reply = await connection.AskAsync(Line, "WHOAMI");
        if (reply.Code is < 500 or > 599)
            throw new DialogException(FailureReason.BadReply, $"WHOAMI was answered: {reply.Text}");
        return SmtpReply.SourceIn(reply.Text) ?? throw new DialogException(FailureReason.BadReply, $"no client=[ADDRESS] in: {reply.Text}");
    }

    private static async Task<CallResult> ConnectAndAskAsync(Target target, IPAddress? source, LoadOptions options, CancellationToken abort)
    {
        LineConnection connection;
        try
        {
            connection = new LineConnection(target, source, abort);
        }
        catch (SocketException error)
        {
            return new CallResult(FailureReason.LocalError, error.Message, source, null, null, TimeSpan.Zero);
        }

        using (connection)
        {
            var expected = source;
            IPAddress? seen = null;
            TimeSpan? connect = null;
            try
            {
                await connection.ConnectAsync(options.ConnectTimeout);
                connect = connection.Age;
                expected ??= connection.LocalAddress;
                connection.SetDeadline(options.Timeout);
                await connection.GreetingAsync();
                seen = await AskAsync(connection);
                await connection.QuitAsync();
                var total = connection.Age;
                await connection.AwaitCloseAsync();
                return new CallResult(null, "", expected, seen, connect, total);
            }
            catch (Exception exception) when (LineConnection.IsFailure(exception))
            {
                var (reason, detail) = connection.Explain(exception);
                return new CallResult(reason, detail, expected, seen, connect, connection.Age);
            }
        }
    }

    // A lost datagram is a failure: the promise to be measured is that none is lost, so nothing is sent twice.
    private static async Task<CallResult> AskByDatagramAsync(Target target, IPAddress? source, TimeSpan timeout, CancellationToken abort)
    {
        var started = Stopwatch.GetTimestamp();
        var expected = source;
        CallResult Failed(FailureReason reason, string detail) => new(reason, detail, expected, null, null, Stopwatch.GetElapsedTime(started));
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(abort);
        deadline.CancelAfter(timeout);
        try
        {
            using var socket = SourceSocket.Open(target.EndPoint.AddressFamily, SocketType.Dgram, ProtocolType.Udp, source);
            // Connected, the socket takes an answer from the target's own address only, as a real client's would.
            await socket.ConnectAsync(target.EndPoint, deadline.Token);
            expected ??= ((IPEndPoint)socket.LocalEndPoint!).Address;
            await socket.SendAsync(Datagram, SocketFlags.None, deadline.Token);
            var answer = new byte[LongestAnswer];
            var length = await socket.ReceiveAsync(answer, SocketFlags.None, deadline.Token);
            var text = Encoding.Latin1.GetString(answer, 0, length);
            return SmtpReply.SourceIn(text) is { } seen
                ? new CallResult(null, "", expected, seen, null, Stopwatch.GetElapsedTime(started))
                : Failed(FailureReason.BadReply, $"no client=[ADDRESS] in: {text.TrimEnd()}");
        }
        catch (SocketException error)
        {
            return Failed(FailureReasons.Of(error.SocketErrorCode, connected: false), error.Message);
        }
        catch (OperationCanceledException)
        {
            return abort.IsCancellationRequested
                ? Failed(FailureReason.Abandoned, "the run was cut short")
                : Failed(FailureReason.DialogTimeout, "no datagram came back in time");
        }
    }
}
