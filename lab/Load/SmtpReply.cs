using System.Net;
using System.Text;

namespace MigrationDashboard.Load;

internal enum ReplyState
{
    /// <summary>More bytes are needed.</summary>
    Incomplete,
    Complete,

    /// <summary>No reply can begin like this (RFC 5321, 4.2).</summary>
    Malformed,
}

/// <summary>One reply of a server, of one or more lines.</summary>
/// <param name="Code">The three digits.</param>
/// <param name="Text">The lines as they came, joined by line feeds, for messages to people.</param>
internal readonly record struct SmtpReply(int Code, string Text)
{
    private const string SourceMark = "client=[";
    private const string Ipv6Tag = "IPv6:";

    /// <summary>Reads one reply from the start of the bytes received: <c>502-first</c>, …, <c>502 last</c>.</summary>
    /// <param name="bytes">What was received and not used yet.</param>
    /// <param name="reply">The reply, when complete; when malformed, its text only.</param>
    /// <param name="used">How many bytes it took, when complete.</param>
    public static ReplyState Parse(ReadOnlySpan<byte> bytes, out SmtpReply reply, out int used)
    {
        reply = default;
        used = 0;
        var code = 0;
        while (true)
        {
            var end = bytes[used..].IndexOf((byte)'\n');
            if (end < 0)
                return ReplyState.Incomplete;
            var line = bytes.Slice(used, end).TrimEnd((byte)'\r');
            used += end + 1;
            var lineCode = CodeOf(line);
            if (lineCode == 0 || (code != 0 && code != lineCode))
            {
                reply = new SmtpReply(0, Readable(bytes[..used]));
                return ReplyState.Malformed;
            }

            code = lineCode;
            if (line.Length > 3 && line[3] == (byte)'-')
                continue;
            reply = new SmtpReply(code, Readable(bytes[..used]));
            return ReplyState.Complete;
        }
    }

    /// <summary>The address in <c>client=[ADDRESS]</c>, in any of the lines; null when there is none.</summary>
    public static IPAddress? SourceIn(string text)
    {
        var mark = text.IndexOf(SourceMark, StringComparison.Ordinal);
        if (mark < 0)
            return null;
        var rest = text.AsSpan(mark + SourceMark.Length);
        var end = rest.IndexOf(']');
        if (end < 0)
            return null;
        var address = rest[..end];
        // RFC 5321's address literal carries this tag; a mail server may print it so.
        if (address.StartsWith(Ipv6Tag, StringComparison.OrdinalIgnoreCase))
            address = address[Ipv6Tag.Length..];
        return IPAddress.TryParse(address, out var parsed) ? parsed : null;
    }

    /// <summary>
    /// True for the same address in two spellings: a server on a dual-stack socket sees an IPv4 client as ::ffff:a.b.c.d, and a link-local
    /// address carries the number of an interface that means nothing on the other side.
    /// </summary>
    public static bool SameAddress(IPAddress one, IPAddress other) => Plain(one).Equals(Plain(other));

    private static IPAddress Plain(IPAddress address) =>
        address.IsIPv4MappedToIPv6 ? address.MapToIPv4()
        : address.IsIPv6LinkLocal ? new IPAddress(address.GetAddressBytes())
        : address;

    private static int CodeOf(ReadOnlySpan<byte> line)
    {
        if (line.Length < 3 || (line.Length > 3 && line[3] is not ((byte)' ' or (byte)'-')))
            return 0;
        var code = 0;
        foreach (var digit in line[..3])
        {
            if (digit is < (byte)'0' or > (byte)'9')
                return 0;
            code = code * 10 + digit - '0';
        }

        return code < 200 ? 0 : code;
    }

    private static string Readable(ReadOnlySpan<byte> bytes) =>
        Encoding.Latin1.GetString(bytes.TrimEnd("\r\n"u8)).Replace("\r", "", StringComparison.Ordinal);
}
