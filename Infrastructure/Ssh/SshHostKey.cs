using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace MigrationDashboard.Infrastructure.Ssh;

/// <summary>A server's public host key, as a line of known_hosts holds it.</summary>
/// <param name="Type">Key type, such as <c>ssh-ed25519</c>.</param>
/// <param name="Base64">The key's blob (RFC 4253 section 6.6) in base64.</param>
public sealed partial record SshHostKey
{
    public SshHostKey(string type, string base64)
    {
        if (!TypePattern().IsMatch(type))
            throw new ArgumentException($"“{type}” is not a type of SSH host key.");
        var blob = new byte[base64.Length];
        if (!Convert.TryFromBase64String(base64, blob, out var length) || TypeIn(blob.AsSpan(0, length)) != type)
            throw new ArgumentException($"The {type} host key is damaged.");
        Type = type;
        Base64 = base64;
    }

    public string Type { get; }

    public string Base64 { get; }

    /// <summary>As OpenSSH shows it: <c>SHA256:</c> and base64 without padding.</summary>
    public string Fingerprint => FingerprintOf(Base64);

    /// <summary>Reads <c>TYPE BASE64 [comment]</c> or <c>HOST TYPE BASE64 [comment]</c>.</summary>
    /// <exception cref="ArgumentException">The line holds no host key.</exception>
    public static SshHostKey Parse(string line)
    {
        var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        var at = Array.FindIndex(words, word => TypePattern().IsMatch(word));
        if (at is < 0 or > 1 || at + 1 >= words.Length)
            throw new ArgumentException("Not a line of known_hosts: it should read “ssh-ed25519 AAAA…”.");
        return new(words[at], words[at + 1]);
    }

    public override string ToString() => $"{Type} {Base64}";

    internal static string FingerprintOf(string base64) =>
        "SHA256:" + Convert.ToBase64String(SHA256.HashData(Convert.FromBase64String(base64))).TrimEnd('=');

    private static string? TypeIn(ReadOnlySpan<byte> blob)
    {
        if (blob.Length < 4)
            return null;
        var length = BinaryPrimitives.ReadUInt32BigEndian(blob);
        return length <= blob.Length - 4 ? Encoding.ASCII.GetString(blob.Slice(4, (int)length)) : null;
    }

    [GeneratedRegex(@"^(ssh-ed25519|ssh-rsa|ssh-dss|ecdsa-sha2-nistp(256|384|521)|sk-(ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com)\z")]
    private static partial Regex TypePattern();
}
