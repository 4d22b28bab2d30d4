using System.Security.Cryptography;
using System.Text;
using MigrationDashboard.Infrastructure.Processes;

namespace MigrationDashboard.Infrastructure.Ssh;

/// <summary>Where the agent finds private keys.</summary>
public interface ISshKeySource
{
    /// <returns>Null when there is no such key. The caller disposes it.</returns>
    Task<SshPrivateKey?> ReadAsync(Guid id, CancellationToken cancellation);
}

/// <summary>A key pair in memory. Disposal overwrites the private half.</summary>
/// <param name="publicKey">One line: type, base64, comment.</param>
/// <param name="privateKey">PEM without a passphrase, ending in a line end.</param>
public sealed class SshPrivateKey(string publicKey, byte[] privateKey) : IDisposable
{
    public string PublicKey { get; } = publicKey;

    public ReadOnlyMemory<byte> PrivateKey => privateKey;

    /// <summary>As OpenSSH shows it: <c>SHA256:…</c>.</summary>
    public string Fingerprint { get; } = SshHostKey.FingerprintOf(publicKey.Split(' ')[1]);

    public void Dispose() => CryptographicOperations.ZeroMemory(privateKey);
}

/// <summary>Makes and reads key pairs with ssh-keygen, which wants files: they live for milliseconds in memory (tmpfs), readable by this user only.</summary>
/// <remarks>.NET 10 has no Ed25519; writing it ourselves would be the greater risk.</remarks>
public sealed class SshKeys(RuntimeDirectory directory)
{
    /// <summary>A new Ed25519 pair.</summary>
    public async Task<SshPrivateKey> GenerateAsync(string comment, CancellationToken cancellation)
    {
        var file = directory.File("new-" + Guid.NewGuid().ToString("N"));
        try
        {
            await KeygenAsync(["-q", "-t", "ed25519", "-N", "", "-C", OneLine(comment), "-f", file], cancellation);
            var text = await File.ReadAllTextAsync(file + ".pub", cancellation);
            return new(text.Trim(), await File.ReadAllBytesAsync(file, cancellation));
        }
        finally
        {
            File.Delete(file);
            File.Delete(file + ".pub");
        }
    }

    /// <summary>Reads a private key that the operator has already: OpenSSH's own format, or PEM.</summary>
    /// <exception cref="ArgumentException">Not a private key, or protected by a passphrase. The message is for the operator.</exception>
    public async Task<SshPrivateKey> ImportAsync(string pem, string comment, CancellationToken cancellation)
    {
        var text = pem.ReplaceLineEndings("\n").Trim() + "\n";
        if (text.StartsWith("ssh-", StringComparison.Ordinal) || text.StartsWith("ecdsa-", StringComparison.Ordinal))
            throw new ArgumentException("This is a public key. Paste the private key: the file without “.pub”.");
        if (text.StartsWith("PuTTY-User-Key-File", StringComparison.Ordinal))
            throw new ArgumentException("This is a PuTTY key. Convert it first: puttygen KEY.ppk -O private-openssh -o KEY.");
        if (!text.StartsWith("-----BEGIN ", StringComparison.Ordinal) || !text.Contains("PRIVATE KEY-----", StringComparison.Ordinal))
            throw new ArgumentException("This is not a private key: it should begin with “-----BEGIN OPENSSH PRIVATE KEY-----”.");
        if (IsEncrypted(text))
            throw new ArgumentException("This key is protected by a passphrase, which the dashboard could not enter at night. Make a copy without one: ssh-keygen -p -N '' -f COPY.");

        var bytes = Encoding.ASCII.GetBytes(text);
        var file = await directory.WriteAsync("import-" + Guid.NewGuid().ToString("N"), bytes, cancellation);
        try
        {
            var result = await KeygenAsync(["-y", "-P", "", "-f", file], cancellation);
            // ssh-keygen -y keeps the comment of OpenSSH's format; ours says what the key is for here.
            var words = result.Split(' ', StringSplitOptions.TrimEntries);
            return new($"{words[0]} {words[1]} {OneLine(comment)}", bytes);
        }
        catch (InvalidOperationException problem)
        {
            CryptographicOperations.ZeroMemory(bytes);
            throw new ArgumentException("This private key cannot be read: it is damaged, or of a kind that OpenSSH does not know.", problem);
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static bool IsEncrypted(string pem)
    {
        if (pem.Contains("ENCRYPTED", StringComparison.Ordinal))
            return true;
        if (!pem.Contains("BEGIN OPENSSH PRIVATE KEY", StringComparison.Ordinal))
            return false;
        // openssh/PROTOCOL.key: "openssh-key-v1" NUL, then the cipher's name with its length in front; "none" when not encrypted.
        var blob = new byte[pem.Length];
        var body = string.Concat(pem.Split('\n').Where(line => !line.StartsWith('-')));
        return Convert.TryFromBase64String(body, blob, out var length) && length > 23
            && !blob.AsSpan(0, length).StartsWith("openssh-key-v1\0\0\0\0\u0004none"u8);
    }

    private static async Task<string> KeygenAsync(IEnumerable<string> arguments, CancellationToken cancellation)
    {
        var result = await LocalCommand.RunAsync("ssh-keygen", arguments, cancellation: cancellation);
        return result.ExitCode == 0 ? result.Output.Trim() : throw new InvalidOperationException($"ssh-keygen: {result.ErrorOutput.Trim()}");
    }

    private static string OneLine(string comment) => string.Concat(comment.Where(character => character is > ' ' and <= '~'));
}
