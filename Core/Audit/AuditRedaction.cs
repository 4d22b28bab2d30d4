using System.Collections.Concurrent;
using System.Text.RegularExpressions;

namespace MigrationDashboard.Core.Audit;

/// <summary>Takes secrets out of commands and outputs before they are written down.</summary>
/// <remarks>By shape (private keys, words that name a password followed by a value, credentials in URLs) and by value, for secrets the dashboard itself knows.</remarks>
public sealed partial class AuditRedaction
{
    public const string Mark = "[removed]";

    // Shorter ones would take pieces out of ordinary words.
    private const int ShortestSecret = 6;

    private readonly ConcurrentDictionary<string, byte> _secrets = new(StringComparer.Ordinal);

    /// <summary>A value that must never be written down, whatever stands around it.</summary>
    public void Register(string secret)
    {
        if (secret.Length >= ShortestSecret)
            _secrets.TryAdd(secret, 0);
    }

    public AuditEvent Clean(AuditEvent what) => what with
    {
        Command = what.Command is null ? null : Clean(what.Command),
        Detail = Clean(what.Detail),
    };

    public string Clean(string text)
    {
        // The longest first: one may be part of another.
        foreach (var secret in _secrets.Keys.OrderByDescending(secret => secret.Length))
            text = text.Replace(secret, Mark, StringComparison.Ordinal);
        text = PrivateKey().Replace(text, "$1" + Mark + "$2");
        text = Bearer().Replace(text, "$1" + Mark);
        text = Named().Replace(text, "${name}" + Mark);
        text = InUrl().Replace(text, "$1" + Mark + "@");
        return text;
    }

    // Every repetition has a bound, and none stands before the word that is looked for: output of a host, megabytes of it, must not make this slow.

    // Up to the end of the text when the end line is missing, as in output that was cut off.
    [GeneratedRegex(@"(-----BEGIN [A-Za-z0-9 ]{0,40}(?:PRIVATE KEY|Static key V1)-----).*?(-----END [A-Za-z0-9 ]{0,60}-----|\z)", RegexOptions.Singleline)]
    private static partial Regex PrivateKey();

    [GeneratedRegex(@"(?<![A-Za-z0-9])((?:Bearer|Basic)\s{1,5})[A-Za-z0-9+/=._~-]{8,}", RegexOptions.IgnoreCase)]
    private static partial Regex Bearer();

    // password=…  "token": "…"  PGPASSWORD='…'  --api-key …  secret: …
    // A value that is a shell variable ($PASSWORD) or empty is no secret, and telling what was run matters.
    [GeneratedRegex(
        """
        (?<name>(?:passw(?:or)?d|passphrase|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credential)(?:[A-Za-z0-9_-]{0,40}["']?\s{0,5}[=:]\s{0,5}|(?<=--[a-z-]{1,20})\s{1,5}))(?!\[removed\]|["']?\$)(?:"(?:[^"\\]|\\.){1,2000}"|'(?:[^']|'\\''){1,2000}'|[^\s"',;&|]+)
        """, RegexOptions.IgnoreCase)]
    private static partial Regex Named();

    [GeneratedRegex(@"(://[^\s/:@]{1,200}:)[^\s/@]{1,500}@")]
    private static partial Regex InUrl();
}
