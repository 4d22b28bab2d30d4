using System.Net;
using MigrationDashboard.Core.Dns;
using MigrationDashboard.Infrastructure.Processes;

namespace MigrationDashboard.Infrastructure.Dns;

/// <summary>From a domain somebody types to the names below it that lead to a server.</summary>
public static class NameSearch
{
    /// <summary>What mail and web servers are usually called, below a domain (RFC 6186 and common practice).</summary>
    private static readonly string[] Usual = ["mail", "smtp", "imap", "pop", "mx", "mx1", "webmail", "www", "autoconfig", "autodiscover"];

    /// <summary>Names looked for at once at most: a domain's usual ones and its mail servers.</summary>
    private const int Most = 40;

    /// <summary>The names themselves, and of what is usual below them, and of their mail servers, those that exist.</summary>
    /// <param name="resolver">Null for the computer's own.</param>
    /// <returns>The typed ones first, also when they have no answer; of the others only those that have one.</returns>
    public static async Task<IReadOnlyList<DnsAnswer>> FindAsync(IReadOnlyList<string> typed, IPAddress? resolver, bool ipv6, CancellationToken cancellation)
    {
        var names = typed.Select(Plain).Distinct().ToList();
        var exchangers = await Task.WhenAll(names.Where(name => DnsNames.Refuse(name) is null).Select(name => ExchangersAsync(name, resolver, cancellation)));
        var more = names.Where(name => DnsNames.Refuse(name) is null).SelectMany(name => Usual.Select(usual => $"{usual}.{name}")).Concat(exchangers.SelectMany(all => all)).Select(Plain).Distinct().Except(names).Take(Most);
        var answers = await Task.WhenAll(names.Concat(more).Select(name => DnsLookup.AskAsync(name, resolver, ipv6, cancellation)));
        return [.. answers.Where((answer, index) => index < names.Count || answer is { Error: null, Records.Count: > 0 })];
    }

    private static async Task<IEnumerable<string>> ExchangersAsync(string name, IPAddress? resolver, CancellationToken cancellation)
    {
        try
        {
            string[] at = resolver is null ? [] : ["@" + resolver];
            var result = await LocalCommand.RunAsync("dig", [.. at, "-q", name, "-t", "MX", "+short", "+time=2", "+tries=1"], cancellation: cancellation);
            // A line is a preference and a name.
            return result.Output.Split('\n').Select(line => line.Trim().Split(' ')).Where(words => words.Length == 2 && DnsNames.Refuse(words[1]) is null).Select(words => words[1]);
        }
        catch (FileNotFoundException)
        {
            // Said with the answers: dig is not installed.
            return [];
        }
    }

    private static string Plain(string name) => name.Trim().TrimEnd('.').ToLowerInvariant();
}
