using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace MigrationDashboard.Load;

/// <summary>Turns <c>--from</c> texts into the addresses that connections are made from.</summary>
internal static class SourceRange
{
    /// <summary>Most addresses in one range: more are surely a typing error, and each is tried before the run.</summary>
    public const int MostAddresses = 65_536;

    /// <summary>
    /// Parses one address, <c>FIRST-LAST</c>, or <c>ADDRESS/PREFIX</c>. Of an IPv4 prefix up to /30 the network and broadcast
    /// addresses are left out, of an IPv6 prefix up to /126 the subnet-router anycast address (RFC 4291, 2.6.1).
    /// </summary>
    /// <returns>The addresses in order, or what is wrong with the text.</returns>
    public static (IReadOnlyList<IPAddress> Addresses, string? Error) Parse(string text)
    {
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        if (slash >= 0)
            return Prefix(text, text[..slash], text[(slash + 1)..]);

        var dash = text.IndexOf('-', StringComparison.Ordinal);
        var firstText = dash < 0 ? text : text[..dash];
        var lastText = dash < 0 ? text : text[(dash + 1)..];
        if (!IPAddress.TryParse(firstText, out var first))
            return ([], $"'{firstText}' is not an address");
        if (!IPAddress.TryParse(lastText, out var last))
            return ([], $"'{lastText}' is not an address");
        if (first.AddressFamily != last.AddressFamily)
            return ([], $"'{text}' mixes IPv4 and IPv6");
        return Enumerate(text, Number(first), Number(last), first.AddressFamily);
    }

    private static (IReadOnlyList<IPAddress>, string?) Prefix(string text, string addressText, string lengthText)
    {
        if (!IPAddress.TryParse(addressText, out var address))
            return ([], $"'{addressText}' is not an address");
        var bits = address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128;
        if (!int.TryParse(lengthText, out var length) || length < 0 || length > bits)
            return ([], $"'{text}': the prefix length '{lengthText}' is not a number from 0 to {bits}");

        var hostBits = bits - length;
        // A shift by 128 would be a shift by 0.
        var hostMask = hostBits == 128 ? UInt128.MaxValue : (UInt128.One << hostBits) - 1;
        var first = Number(address) & ~hostMask;
        var last = first | hostMask;
        if (hostBits >= 2)
        {
            first += 1;
            last -= bits == 32 ? UInt128.One : UInt128.Zero;
        }

        return Enumerate(text, first, last, address.AddressFamily);
    }

    private static (IReadOnlyList<IPAddress>, string?) Enumerate(string text, UInt128 first, UInt128 last, AddressFamily family)
    {
        if (last < first)
            return ([], $"'{text}' ends before it begins");
        if (last - first >= MostAddresses)
            return ([], $"'{text}' holds more than {MostAddresses} addresses");
        var addresses = new List<IPAddress>((int)(last - first) + 1);
        for (var number = first; ; number++)
        {
            addresses.Add(Address(number, family));
            if (number == last)
                return (addresses, null);
        }
    }

    private static UInt128 Number(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out var length);
        return length == 4 ? BinaryPrimitives.ReadUInt32BigEndian(bytes) : BinaryPrimitives.ReadUInt128BigEndian(bytes);
    }

    private static IPAddress Address(UInt128 number, AddressFamily family)
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, number);
        return new IPAddress(family == AddressFamily.InterNetwork ? bytes[12..] : bytes);
    }
}
