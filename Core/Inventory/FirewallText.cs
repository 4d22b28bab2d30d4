using System.Net.Sockets;
using System.Text.RegularExpressions;

namespace MigrationDashboard.Core.Inventory;

/// <summary>Reads rulesets as nft and iptables-save print them, as far as tables, chains, policies and the lines of rules.</summary>
internal static partial class FirewallText
{
    /// <param name="managed">Tables that are really those of iptables and are read from it.</param>
    public static ValueList<NftTable> Nft(IEnumerable<string> lines, IReadOnlySet<(string Family, string Name)> managed)
    {
        var tables = new List<NftTable>();
        NftTable? table = null;
        NftChain? chain = null;
        var chains = new List<NftChain>();
        var rules = new List<string>();
        var depth = 0;
        foreach (var raw in lines)
        {
            var line = raw.Trim();
            if (line.Length == 0 || line[0] == '#')
                continue;
            if (depth == 0 && TableLine().Match(line) is { Success: true } opened)
            {
                table = new(opened.Groups["family"].Value, opened.Groups["name"].Value, []);
                chains.Clear();
                depth = 1;
            }
            else if (line == "}" && depth > 0)
            {
                depth--;
                if (depth == 1 && chain is not null)
                {
                    chains.Add(chain with { Rules = rules.ToValueList() });
                    chain = null;
                }
                else if (depth == 0 && table is not null && !managed.Contains((table.Family, table.Name)))
                    tables.Add(table with { Chains = chains.ToValueList() });
            }
            else if (depth == 1 && line.EndsWith('{'))
            {
                depth = 2;
                rules.Clear();
                if (ChainLine().Match(line) is { Success: true } begun)
                    chain = new(begun.Groups["name"].Value, null, null, null, "accept", []);
            }
            else if (depth == 2 && line.EndsWith('{'))
                depth = 3;
            else if (chain is not null && depth == 2)
            {
                if (HookLine().Match(line) is { Success: true } hooked)
                    chain = chain with
                    {
                        Type = hooked.Groups["type"].Value,
                        Hook = hooked.Groups["hook"].Value,
                        Priority = hooked.Groups["priority"].Value.Trim(),
                        Policy = hooked.Groups["policy"] is { Success: true } policy ? policy.Value : "accept",
                    };
                else
                    rules.Add(line);
            }
        }

        return tables.ToValueList();
    }

    public static ValueList<IptablesChain> Iptables(IEnumerable<string> lines, AddressFamily family, bool legacy)
    {
        var chains = new Dictionary<(string Table, string Name), (string? Policy, List<string> Rules)>();
        var table = "";
        foreach (var line in lines)
        {
            if (line.StartsWith('*'))
                table = line[1..].Trim();
            else if (line.StartsWith(':') && line[1..].Split(' ') is [var name, var policy, ..])
                chains[(table, name)] = (policy == "-" ? null : policy, []);
            else if (line.StartsWith("-A ", StringComparison.Ordinal))
            {
                var end = line.IndexOf(' ', 3);
                var chain = end < 0 ? line[3..] : line[3..end];
                if (chains.TryGetValue((table, chain), out var found))
                    found.Rules.Add(end < 0 ? "" : line[(end + 1)..]);
            }
        }

        return chains.Select(pair => new IptablesChain(family, pair.Key.Table, pair.Key.Name, pair.Value.Policy, pair.Value.Rules.ToValueList(), legacy)).ToValueList();
    }

    [GeneratedRegex(@"\Atable (?<family>[a-z0-9]+) (?<name>.+?) \{")]
    private static partial Regex TableLine();

    [GeneratedRegex(@"\Achain (?<name>.+?) \{\z")]
    private static partial Regex ChainLine();

    [GeneratedRegex(@"\Atype (?<type>[a-z0-9]+) hook (?<hook>[a-z]+) .*?priority (?<priority>[^;]+);(.* policy (?<policy>[a-z]+);)?")]
    private static partial Regex HookLine();
}
