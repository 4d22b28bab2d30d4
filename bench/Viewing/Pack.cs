using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace MigrationDashboard.Bench.Viewing;

/// <summary>As much of MessagePack (github.com/msgpack/msgpack, spec.md) as Blazor's hub protocol uses.</summary>
internal static class Pack
{
    /// <summary>A message of the hub with its length in front (SignalR's HubProtocol.md: a VarInt of 7 bits a byte, lowest first).</summary>
    public static byte[] Framed(params object?[] message)
    {
        var body = new ArrayBufferWriter<byte>();
        Write(body, message);
        var frame = new ArrayBufferWriter<byte>();
        var length = body.WrittenCount;
        do
        {
            frame.Write((ReadOnlySpan<byte>)[(byte)((length & 0x7f) | (length > 0x7f ? 0x80 : 0))]);
            length >>= 7;
        }
        while (length > 0);
        frame.Write(body.WrittenSpan);
        return frame.WrittenSpan.ToArray();
    }

    /// <summary>The messages in what was received; a message is a list of its parts.</summary>
    public static IEnumerable<object?[]> Messages(ReadOnlyMemory<byte> received)
    {
        var at = 0;
        while (at < received.Length)
        {
            int length = 0, shift = 0;
            byte part;
            do
            {
                part = received.Span[at++];
                length |= (part & 0x7f) << shift;
                shift += 7;
            }
            while ((part & 0x80) != 0);
            var position = at;
            yield return (object?[])Read(received, ref position)!;
            at += length;
        }
    }

    private static void Write(ArrayBufferWriter<byte> to, object? value)
    {
        switch (value)
        {
            case null:
                to.Write((ReadOnlySpan<byte>)[0xc0]);
                break;
            case bool flag:
                to.Write((ReadOnlySpan<byte>)[(byte)(flag ? 0xc3 : 0xc2)]);
                break;
            case int or long:
                to.Write((ReadOnlySpan<byte>)[0xd3]);
                BinaryPrimitives.WriteInt64BigEndian(to.GetSpan(8), Convert.ToInt64(value, System.Globalization.CultureInfo.InvariantCulture));
                to.Advance(8);
                break;
            case string text:
                var bytes = Encoding.UTF8.GetBytes(text);
                to.Write((ReadOnlySpan<byte>)[0xdb]);
                BinaryPrimitives.WriteInt32BigEndian(to.GetSpan(4), bytes.Length);
                to.Advance(4);
                to.Write(bytes);
                break;
            case Headers:
                to.Write((ReadOnlySpan<byte>)[0x80]);
                break;
            case object?[] list:
                to.Write((ReadOnlySpan<byte>)[0xdd]);
                BinaryPrimitives.WriteInt32BigEndian(to.GetSpan(4), list.Length);
                to.Advance(4);
                foreach (var item in list)
                    Write(to, item);
                break;
            default:
                throw new ArgumentException($"Nobody sends a {value.GetType()}.");
        }
    }

    private static object? Read(ReadOnlyMemory<byte> from, ref int at)
    {
        var code = from.Span[at++];
        return code switch
        {
            <= 0x7f => (long)code,
            <= 0x8f => Map(from, ref at, code & 0xf),
            <= 0x9f => List(from, ref at, code & 0xf),
            <= 0xbf => Text(from, ref at, code & 0x1f),
            0xc0 => null,
            0xc2 => false,
            0xc3 => true,
            0xc4 => Bytes(from, ref at, Number(from, ref at, 1)),
            0xc5 => Bytes(from, ref at, Number(from, ref at, 2)),
            0xc6 => Bytes(from, ref at, Number(from, ref at, 4)),
            0xcb => BitConverter.Int64BitsToDouble(Number(from, ref at, 8)),
            0xcc => Number(from, ref at, 1),
            0xcd => Number(from, ref at, 2),
            0xce => Number(from, ref at, 4),
            0xcf => Number(from, ref at, 8),
            0xd0 => (long)(sbyte)Number(from, ref at, 1),
            0xd1 => (long)(short)Number(from, ref at, 2),
            0xd2 => (long)(int)Number(from, ref at, 4),
            0xd3 => Number(from, ref at, 8),
            0xd9 => Text(from, ref at, Number(from, ref at, 1)),
            0xda => Text(from, ref at, Number(from, ref at, 2)),
            0xdb => Text(from, ref at, Number(from, ref at, 4)),
            0xdc => List(from, ref at, Number(from, ref at, 2)),
            0xdd => List(from, ref at, Number(from, ref at, 4)),
            >= 0xe0 => (long)(sbyte)code,
            _ => throw new FormatException($"Nobody expects MessagePack's code 0x{code:x2} here."),
        };
    }

    private static long Number(ReadOnlyMemory<byte> from, ref int at, int bytes)
    {
        long number = 0;
        for (var i = 0; i < bytes; i++)
            number = (number << 8) | from.Span[at++];
        return number;
    }

    private static ReadOnlyMemory<byte> Bytes(ReadOnlyMemory<byte> from, ref int at, long length)
    {
        at += (int)length;
        return from.Slice(at - (int)length, (int)length);
    }

    private static string Text(ReadOnlyMemory<byte> from, ref int at, long length) => Encoding.UTF8.GetString(Bytes(from, ref at, length).Span);

    private static object?[] List(ReadOnlyMemory<byte> from, ref int at, long length)
    {
        var list = new object?[length];
        for (var i = 0; i < length; i++)
            list[i] = Read(from, ref at);
        return list;
    }

    /// <summary>Headers are the only maps, and nobody looks at them.</summary>
    private static Headers Map(ReadOnlyMemory<byte> from, ref int at, int length)
    {
        for (var i = 0; i < length * 2; i++)
            Read(from, ref at);
        return Headers.None;
    }

    /// <summary>The empty map of headers.</summary>
    internal sealed class Headers
    {
        public static Headers None { get; } = new();
    }
}
