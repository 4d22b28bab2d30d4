using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;

namespace MigrationDashboard.Core.Dns;

/// <summary>An address that a resolver gives for a name.</summary>
/// <param name="Ttl">Seconds the resolver lets others keep it.</param>
public sealed record DnsRecord(string Name, IPAddress Address, int Ttl);

/// <summary>What one resolver says of one name.</summary>
/// <param name="Resolver">Address of the resolver, or <c>system</c> for the computer's own.</param>
/// <param name="Error">Why there is no answer, null when there is one.</param>
public sealed record DnsAnswer(string Name, string Resolver, ValueList<DnsRecord> Records, string? Error)
{
    /// <summary>Whether the name leads to these addresses and to no others of the families asked for.</summary>
    public bool LeadsTo(IEnumerable<IPAddress> addresses)
    {
        var wanted = addresses.ToHashSet();
        return Error is null && Records.Count > 0 && Records.All(record => wanted.Contains(record.Address));
    }
}

/// <summary>DNS names as they may be typed and given to <c>dig</c>.</summary>
public static partial class DnsNames
{
    /// <returns>The reason why the text is no DNS name, null when it is one (RFC 1035 §2.3.4, RFC 2181 §11 for underscores).</returns>
    public static string? Refuse(string? text) =>
        string.IsNullOrWhiteSpace(text) ? "name a DNS name, such as mail.example.org"
        : text.Length > 253 ? "a DNS name has at most 253 characters"
        : !Pattern().IsMatch(text) ? $"“{(text.Length > 60 ? text[..60] + "…" : text)}” is not a DNS name"
        : null;

    /// <summary>Reads the answer section as <c>dig +noall +answer</c> prints it: name, TTL, class, type, value.</summary>
    public static ValueList<DnsRecord> ParseAnswer(string name, string text) =>
        text.Split('\n').Select(line => line.Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries))
            .Where(words => words.Length >= 5 && words[2] == "IN" && words[3] is "A" or "AAAA")
            .Select(words => (Parsed: IPAddress.TryParse(words[4], out var address) && int.TryParse(words[1], CultureInfo.InvariantCulture, out _), Words: words, Address: address))
            .Where(record => record.Parsed)
            .Select(record => new DnsRecord(name, record.Address!, int.Parse(record.Words[1], CultureInfo.InvariantCulture)))
            .ToValueList();

    [GeneratedRegex(@"\A(?=.{1,253}\z)[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)*\.?\z")]
    private static partial Regex Pattern();
}
