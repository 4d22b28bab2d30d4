using System.Net;
using System.Net.Sockets;
using MigrationDashboard.Core;
using MigrationDashboard.Core.Dns;
using MigrationDashboard.Infrastructure.Processes;

namespace MigrationDashboard.Infrastructure.Dns;

/// <summary>Asks resolvers for addresses with <c>dig</c> (dig(1)).</summary>
public static class DnsLookup
{
    /// <summary>Two tries of two seconds: a resolver that does not answer in four is as good as none.</summary>
    private static readonly string[] Patience = ["+time=2", "+tries=2"];

    /// <param name="resolver">Null for the computer's own.</param>
    public static async Task<DnsAnswer> AskAsync(string name, IPAddress? resolver, bool ipv6, CancellationToken cancellation)
    {
        var shown = resolver?.ToString() ?? "system";
        if (DnsNames.Refuse(name) is { } reason)
            return new(name, shown, [], reason);
        try
        {
            var records = new List<DnsRecord>();
            foreach (var type in ipv6 ? new[] { "A", "AAAA" } : ["A"])
            {
                string[] at = resolver is null ? [] : ["@" + resolver];
                var result = await LocalCommand.RunAsync("dig", [.. at, "-q", name, "-t", type, "+noall", "+answer", "+comments", .. Patience], cancellation: cancellation);
                if (result.ExitCode != 0)
                    return new(name, shown, [], result.Output.Contains("no servers could be reached", StringComparison.Ordinal) ? "no answer" : "dig failed: " + (result.ErrorOutput + result.Output).Trim());
                if (result.Output.Contains("status: NXDOMAIN", StringComparison.Ordinal))
                    return new(name, shown, [], "there is no such name");
                if (result.Output.Contains("status: SERVFAIL", StringComparison.Ordinal) || result.Output.Contains("status: REFUSED", StringComparison.Ordinal))
                    return new(name, shown, [], "the resolver refuses to answer");
                records.AddRange(DnsNames.ParseAnswer(name, result.Output));
            }

            return new(name, shown, records.ToValueList(), null);
        }
        catch (FileNotFoundException)
        {
            return new(name, shown, [], "dig is not installed where the dashboard runs");
        }
    }

    /// <summary>Every name at every resolver of a migration.</summary>
    public static async Task<IReadOnlyList<DnsAnswer>> AskAllAsync(Core.Migrations.MigrationSpec spec, CancellationToken cancellation)
    {
        var resolvers = spec.DnsResolvers.Count == 0 ? [null] : spec.DnsResolvers.Select(address => (IPAddress?)address).ToList();
        return await Task.WhenAll(spec.DnsNames.SelectMany(name => resolvers.Select(resolver => AskAsync(name, resolver, spec.Link.Ipv6 is not null, cancellation))));
    }
}
