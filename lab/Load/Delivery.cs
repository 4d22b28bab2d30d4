using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MigrationDashboard.Load;

/// <summary>How one delivery went.</summary>
/// <param name="Accepted">The server answered 250 after the message: from here on it answers for it.</param>
/// <param name="Uncertain">Not accepted, but the whole message had been sent: the server may or may not keep it.</param>
/// <param name="Failure">Null when accepted.</param>
/// <param name="Detail">Words for people about the failure.</param>
/// <param name="Total">From connect() to that 250, or to the failure.</param>
internal readonly record struct DeliveryResult(bool Accepted, bool Uncertain, FailureReason? Failure, string Detail, TimeSpan Total);

/// <summary>Delivers one message by SMTP (RFC 5321), once, as a client would that loses what is not accepted.</summary>
internal static class Delivery
{
    private const string Recipient = "load@example.org";

    // Another domain than the recipient's: a bounce must not land in the mailbox whose messages are counted.
    private const string Sender = "load@example.net";

    /// <param name="target">A target of kind smtp.</param>
    /// <param name="source">The address to send from; null leaves it to the kernel.</param>
    /// <param name="id">The unique id in the header X-Load-Id and in the body.</param>
    /// <param name="accepted">Called with the id as soon as the 250 has arrived, before anything else can fail.</param>
    /// <param name="options">Timeouts.</param>
    /// <param name="abort">Ends everything at once.</param>
    public static async Task<DeliveryResult> DeliverAsync(
        Target target, IPAddress? source, string id, Action<string> accepted, LoadOptions options, CancellationToken abort)
    {
        LineConnection connection;
        try
        {
            connection = new LineConnection(target, source, abort);
        }
        catch (SocketException error)
        {
            return new DeliveryResult(false, false, FailureReason.LocalError, error.Message, TimeSpan.Zero);
        }

        using (connection)
        {
            var sent = false;
            TimeSpan? total = null;
            try
            {
                await connection.ConnectAsync(options.ConnectTimeout);
                connection.SetDeadline(options.Timeout);
                await connection.GreetingAsync();
                await CommandAsync(connection, $"EHLO {Literal(connection.LocalAddress)}", 250);
                await CommandAsync(connection, $"MAIL FROM:<{Sender}>", 250);
                await CommandAsync(connection, $"RCPT TO:<{Recipient}>", 250);
                await CommandAsync(connection, "DATA", 354);
                sent = true;
                await ExpectAsync(connection, Message(id, DateTimeOffset.UtcNow), "the message", 250);
                total = connection.Age;
                accepted(id);
                await connection.QuitAsync();
                await connection.AwaitCloseAsync();
                return new DeliveryResult(true, false, null, "", total.Value);
            }
            catch (Exception exception) when (LineConnection.IsFailure(exception))
            {
                // What happens to QUIT changes nothing for the message.
                if (total is { } known)
                    return new DeliveryResult(true, false, null, "", known);
                var (reason, detail) = connection.Explain(exception);
                return new DeliveryResult(false, sent && reason != FailureReason.BadReply, reason, detail, connection.Age);
            }
        }
    }

    /// <summary>The message with its closing dot. No line begins with a dot, so none needs stuffing.</summary>
    internal static byte[] Message(string id, DateTimeOffset now)
    {
        // RFC 5322 writes the zone without a colon; the run's clock is UTC.
        var date = now.UtcDateTime.ToString("ddd, dd MMM yyyy HH:mm:ss '+0000'", CultureInfo.InvariantCulture);
        string[] lines =
        [
            $"Date: {date}", $"From: <{Sender}>", $"To: <{Recipient}>", $"Message-ID: <{id}@load.example.net>", $"Subject: load {id}",
            $"X-Load-Id: {id}", "", $"This is message {id}.", ".", "",
        ];
        return Encoding.ASCII.GetBytes(string.Join("\r\n", lines));
    }

    private static ValueTask CommandAsync(LineConnection connection, string command, int code) =>
        ExpectAsync(connection, Encoding.ASCII.GetBytes(command + "\r\n"), command, code);

    private static async ValueTask ExpectAsync(LineConnection connection, byte[] bytes, string name, int code)
    {
        var reply = await connection.AskAsync(bytes, name);
        if (reply.Code != code)
            throw new DialogException(FailureReason.BadReply, $"{name} was answered: {reply.Text}");
    }

    private static string Literal(IPAddress address) =>
        address.AddressFamily == AddressFamily.InterNetworkV6 ? $"[IPv6:{new IPAddress(address.GetAddressBytes())}]" : $"[{address}]";
}
