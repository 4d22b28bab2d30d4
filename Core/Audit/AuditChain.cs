using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace MigrationDashboard.Core.Audit;

/// <summary>How entries are chained: whoever changes, removes, adds or moves one must change every later one, and the end of the chain besides.</summary>
/// <remarks>
/// The hash is SHA-256 over: the ASCII text <c>migration-dashboard audit 1</c>, then each field in the order of <see cref="Encode"/>. A field is one byte
/// (0 absent, 1 present) and, when present, its length in bytes as four bytes and its content; numbers are eight bytes; all big-endian; text is UTF-8.
/// With lengths in front, no two different entries have the same encoding.
/// </remarks>
public static partial class AuditChain
{
    /// <summary>Stands for the hash before the first entry.</summary>
    public static string Genesis { get; } = new('0', 64);

    /// <summary>Characters of a command kept: scripts are below 32 KB; one with an embedded file is not needed to its end.</summary>
    public const int MostCommand = 65_536;

    /// <summary>Characters of output kept; a read-back of a large host has some 30,000.</summary>
    public const int MostDetail = 131_072;

    /// <summary>The entry that follows another one.</summary>
    /// <param name="sequence">Of the entry before; 0 when there is none.</param>
    /// <exception cref="ArgumentException">The action is not a dotted term.</exception>
    public static AuditEntry Link(AuditEvent what, long sequence, string previousHash)
    {
        if (!ActionPattern().IsMatch(what.Action))
            throw new ArgumentException($"“{what.Action}” is not an action: lower-case words with dots between, such as stage.apply.");
        var entry = new AuditEntry
        {
            Sequence = sequence + 1,
            At = Microseconds(what.At),
            Actor = Clean(what.Actor, 200),
            FromAddress = what.FromAddress is null ? null : Clean(what.FromAddress, 200),
            Action = what.Action,
            MigrationId = what.MigrationId,
            Host = what.Host is null ? null : Clean(what.Host, 300),
            Command = what.Command is null ? null : Clean(what.Command, MostCommand),
            ExitCode = what.ExitCode,
            DurationMs = what.DurationMs,
            Outcome = what.Outcome,
            Detail = Clean(what.Detail, MostDetail),
            PreviousHash = previousHash,
            Hash = "",
        };
        return entry with { Hash = HashOf(entry) };
    }

    /// <summary>The hash the entry should have, from all its other fields.</summary>
    public static string HashOf(AuditEntry entry)
    {
        var bytes = new ArrayBufferWriter<byte>(512);
        bytes.Write("migration-dashboard audit 1"u8);
        Encode(bytes, entry);
        return Convert.ToHexStringLower(SHA256.HashData(bytes.WrittenSpan));
    }

    private static void Encode(ArrayBufferWriter<byte> bytes, AuditEntry entry)
    {
        Number(bytes, entry.Sequence);
        Text(bytes, entry.PreviousHash);
        Number(bytes, entry.At.UtcTicks);
        Text(bytes, entry.Actor);
        Text(bytes, entry.FromAddress);
        Text(bytes, entry.Action);
        Text(bytes, entry.MigrationId?.ToString("D"));
        Text(bytes, entry.Host);
        Text(bytes, entry.Command);
        Number(bytes, entry.ExitCode);
        Number(bytes, entry.DurationMs);
        Text(bytes, entry.Outcome.ToString());
        Text(bytes, entry.Detail);
    }

    private static void Number(ArrayBufferWriter<byte> bytes, long? value)
    {
        if (!Present(bytes, value is not null))
            return;
        Span<byte> content = stackalloc byte[12];
        BinaryPrimitives.WriteInt32BigEndian(content, 8);
        BinaryPrimitives.WriteInt64BigEndian(content[4..], value!.Value);
        bytes.Write(content);
    }

    private static void Text(ArrayBufferWriter<byte> bytes, string? value)
    {
        if (!Present(bytes, value is not null))
            return;
        var length = Encoding.UTF8.GetByteCount(value!);
        BinaryPrimitives.WriteInt32BigEndian(bytes.GetSpan(4), length);
        bytes.Advance(4);
        Encoding.UTF8.GetBytes(value!, bytes.GetSpan(length));
        bytes.Advance(length);
    }

    private static bool Present(ArrayBufferWriter<byte> bytes, bool present)
    {
        bytes.Write([present ? (byte)1 : (byte)0]);
        return present;
    }

    private static DateTimeOffset Microseconds(DateTimeOffset at) =>
        new(at.UtcTicks - (at.UtcTicks % TimeSpan.TicksPerMicrosecond), TimeSpan.Zero);

    /// <summary>Text as the database gives it back: PostgreSQL takes neither NUL nor half a surrogate pair, and either would break the hash.</summary>
    private static string Clean(string text, int most)
    {
        if (text.Length > most)
        {
            // Room for the note, so that what was cut once is not cut again.
            var cut = most - 60;
            if (char.IsHighSurrogate(text[cut - 1]))
                cut--;
            text = $"{text[..cut]}\n… ({text.Length - cut} more characters)";
        }

        text = text.Replace('\0', '␀');
        // Decoding puts U+FFFD in the place of what is no character.
        return text.Any(char.IsSurrogate) ? Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text)) : text;
    }

    [GeneratedRegex(@"^[a-z][a-z0-9-]*(\.[a-z][a-z0-9-]*)*\z")]
    private static partial Regex ActionPattern();
}
