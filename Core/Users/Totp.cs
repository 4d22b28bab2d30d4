using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace MigrationDashboard.Core.Users;

/// <summary>Time-based one-time passwords, RFC 6238, with the values every authenticator app takes: SHA-1, 30 s, 6 digits.</summary>
public static class Totp
{
    /// <summary>Seconds a code lasts; the default of RFC 6238 and the only value that all apps honour.</summary>
    public const int StepSeconds = 30;

    /// <summary>Steps before and after now that are accepted, for clocks that differ (RFC 6238 §5.2 recommends one).</summary>
    public const int Window = 1;

    /// <summary>Bytes of a secret: the length of the HMAC, as RFC 4226 §4 recommends.</summary>
    public const int SecretBytes = 20;

    private const int Digits = 6;
    private const string Base32Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

    public static byte[] NewSecret() => RandomNumberGenerator.GetBytes(SecretBytes);

    public static long StepAt(DateTimeOffset now) => now.ToUnixTimeSeconds() / StepSeconds;

    [SuppressMessage("Security", "CA5350", Justification = "RFC 6238 defaults to HMAC-SHA-1; collisions do not matter to an HMAC.")]
    public static string CodeFor(byte[] secret, long step)
    {
        Span<byte> counter = stackalloc byte[8];
        BinaryPrimitives.WriteInt64BigEndian(counter, step);
        var hash = HMACSHA1.HashData(secret, counter);
        var value = BinaryPrimitives.ReadUInt32BigEndian(hash.AsSpan(hash[^1] & 0xf)) & 0x7fffffff;
        return (value % 1_000_000).ToString(CultureInfo.InvariantCulture).PadLeft(Digits, '0');
    }

    /// <summary>The step whose code was typed, or null. Steps up to <paramref name="lastUsed"/> are refused: a code works once.</summary>
    public static long? Match(byte[] secret, string? code, DateTimeOffset now, long lastUsed)
    {
        var typed = Encoding.ASCII.GetBytes((code ?? "").Replace(" ", "", StringComparison.Ordinal));
        var current = StepAt(now);
        long? matched = null;
        for (var step = current - Window; step <= current + Window; step++)
        {
            var same = CryptographicOperations.FixedTimeEquals(typed, Encoding.ASCII.GetBytes(CodeFor(secret, step)));
            if (same && step > lastUsed) matched = step;
        }
        return matched;
    }

    /// <summary>What the QR code holds (the key URI format that authenticator apps read).</summary>
    public static string KeyUri(string issuer, string account, byte[] secret) =>
        $"otpauth://totp/{Uri.EscapeDataString(issuer)}:{Uri.EscapeDataString(account)}?secret={Base32(secret)}&issuer={Uri.EscapeDataString(issuer)}";

    /// <summary>RFC 4648 base 32 without padding, for typing the secret by hand.</summary>
    public static string Base32(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder();
        int buffer = 0, bits = 0;
        foreach (var b in bytes)
        {
            buffer = (buffer << 8) | b;
            bits += 8;
            while (bits >= 5)
            {
                bits -= 5;
                text.Append(Base32Alphabet[(buffer >> bits) & 31]);
            }
            buffer &= (1 << bits) - 1;
        }
        if (bits > 0) text.Append(Base32Alphabet[(buffer << (5 - bits)) & 31]);
        return text.ToString();
    }
}
