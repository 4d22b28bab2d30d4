using System.Net.Sockets;

namespace MigrationDashboard.Core.Inventory;

/// <summary>
/// What a host's own rules do by default with a new packet that comes in and goes out by given interfaces. Rules that ask for more than
/// interfaces (ports, addresses, states, limits) are taken as not matching, so the answer is about traffic that nobody has made a rule for:
/// where it is "dropped", what we forward needs an opening.
/// </summary>
public static class PacketWalk
{
    /// <summary>True when iptables drops or rejects it.</summary>
    /// <param name="hook"><c>INPUT</c> or <c>FORWARD</c>.</param>
    /// <param name="outgoing">Null for INPUT.</param>
    public static bool IptablesDrops(HostFirewall firewall, AddressFamily family, string hook, string incoming, string? outgoing)
    {
        foreach (var legacy in new[] { false, true })
        {
            var chains = firewall.Iptables.Where(chain => chain.Family == family && chain.Table == "filter" && chain.Legacy == legacy)
                .GroupBy(chain => chain.Name).ToDictionary(group => group.Key, group => group.First(), StringComparer.Ordinal);
            if (chains.TryGetValue(hook, out var start) && (Walk(chains, start, incoming, outgoing, 0) ?? start.Policy) is "DROP" or "REJECT" or "QUEUE")
                return true;
        }

        return false;
    }

    /// <summary>The base chains of plain nft tables that drop it. An accept in one table does not undo a drop in another (nft(8)).</summary>
    /// <param name="manager">Null for tables without a manager; else the manager's table, such as <c>firewalld</c>.</param>
    public static IEnumerable<(NftTable Table, NftChain Chain)> NftDrops(
        HostFirewall firewall, AddressFamily family, string hook, string incoming, string? outgoing, string? manager = null)
    {
        var own = family == AddressFamily.InterNetwork ? "ip" : "ip6";
        foreach (var table in firewall.Nft.Where(table => (table.Family == "inet" || table.Family == own) && (manager is null ? !IsOurs(table) && !HasManager(table) : table.Name == manager)))
        {
            var chains = table.Chains.GroupBy(chain => chain.Name).ToDictionary(group => group.Key, group => group.First(), StringComparer.Ordinal);
            foreach (var chain in table.Chains.Where(chain => string.Equals(chain.Hook, hook, StringComparison.OrdinalIgnoreCase) && chain.Type == "filter"))
                if ((WalkNft(chains, chain, incoming, outgoing, 0) ?? chain.Policy) is "drop" or "reject")
                    yield return (table, chain);
        }
    }

    public static bool IsOurs(NftTable table) => table.Name.StartsWith("md_", StringComparison.Ordinal);

    /// <summary>Tables that Docker or firewalld make and remake; openings in them would not last.</summary>
    private static bool HasManager(NftTable table) => table.Name is "docker-bridges" or "firewalld";

    // The kernel allows jumps 16 deep (NFT_JUMP_STACK_SIZE); this also ends loops that cannot be.
    private const int Deepest = 16;

    private static string? Walk(Dictionary<string, IptablesChain> chains, IptablesChain chain, string incoming, string? outgoing, int depth)
    {
        foreach (var rule in chain.Rules)
        {
            if (!Matches(rule, incoming, outgoing, out var target))
                continue;
            switch (target)
            {
                case "ACCEPT" or "DROP" or "REJECT" or "QUEUE":
                    return target;
                case "RETURN":
                    return null;
                default:
                    if (target is not null && depth < Deepest && chains.TryGetValue(target, out var next) && Walk(chains, next, incoming, outgoing, depth + 1) is { } verdict)
                        return verdict;
                    break;
            }
        }

        return null;
    }

    /// <summary>True when the rule asks for nothing, or for interfaces that are these.</summary>
    private static bool Matches(string rule, string incoming, string? outgoing, out string? target)
    {
        target = null;
        var negated = false;
        var words = rule.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        for (var i = 0; i < words.Length; i++)
        {
            switch (words[i])
            {
                case "!":
                    negated = true;
                    continue;
                case "-i" or "-o":
                    var actual = words[i] == "-i" ? incoming : outgoing;
                    var wanted = words.ElementAtOrDefault(++i) ?? "";
                    var same = actual is not null && (wanted.EndsWith('+') ? actual.StartsWith(wanted[..^1], StringComparison.Ordinal) : actual == wanted);
                    if (same == negated)
                        return false;
                    negated = false;
                    break;
                case "-j" or "-g":
                    // What follows are the target's own options.
                    target = words.ElementAtOrDefault(i + 1);
                    return true;
                case "-m" when words.ElementAtOrDefault(i + 1) == "comment":
                    i++;
                    break;
                case "--comment":
                    // A comment may hold spaces, in quotes.
                    if (words.ElementAtOrDefault(i + 1) is { } begin && begin.StartsWith('"') && (begin.Length == 1 || !begin.EndsWith('"')))
                        for (i++; i + 1 < words.Length && !words[i + 1].EndsWith('"'); i++)
                        {
                        }

                    i++;
                    break;
                default:
                    return false;
            }
        }

        return false;
    }

    private static string? WalkNft(Dictionary<string, NftChain> chains, NftChain chain, string incoming, string? outgoing, int depth)
    {
        foreach (var rule in chain.Rules)
        {
            var rest = WithoutComment(rule);
            if (!MatchesNft(ref rest, incoming, outgoing))
                continue;
            var words = rest.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            switch (words.ElementAtOrDefault(0))
            {
                case "accept" or "drop" or "reject" or "queue":
                    return words[0] == "queue" ? "accept" : words[0];
                case "return":
                    return null;
                case "jump" or "goto" when depth < Deepest && words.Length > 1 && chains.TryGetValue(words[1], out var next):
                    var verdict = WalkNft(chains, next, incoming, outgoing, depth + 1);
                    if (verdict is not null || words[0] == "goto")
                        return verdict;
                    break;
            }
        }

        return null;
    }

    /// <summary>Takes interface matches and statements that decide nothing off the front of the rule; false when one of the interfaces is another.</summary>
    private static bool MatchesNft(ref string rule, string incoming, string? outgoing)
    {
        while (true)
        {
            var words = rule.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (words.Length == 0)
                return false;
            var taken = words[0] switch
            {
                "counter" => 1,
                "log" => LogWords(words),
                "iif" or "iifname" or "oif" or "oifname" => InterfaceWords(words, incoming, outgoing),
                _ => 0,
            };
            if (taken < 0)
                return false;
            if (taken == 0)
                return true;
            rule = string.Join(' ', words[taken..]);
        }
    }

    private static int LogWords(string[] words)
    {
        var taken = 1;
        while (taken + 1 < words.Length && words[taken] is "prefix" or "level" or "flags" or "group" or "snaplen" or "queue-threshold")
        {
            taken++;
            // A prefix may hold spaces, in quotes.
            if (words[taken].StartsWith('"') && (words[taken].Length == 1 || !words[taken].EndsWith('"')))
                for (taken++; taken < words.Length - 1 && !words[taken].EndsWith('"');)
                    taken++;
            taken++;
        }

        return taken;
    }

    /// <summary>How many words the match has, or -1 when it does not match.</summary>
    private static int InterfaceWords(string[] words, string incoming, string? outgoing)
    {
        var actual = words[0][0] == 'i' ? incoming : outgoing;
        var negated = words.ElementAtOrDefault(1) == "!=";
        var at = negated ? 2 : 1;
        var names = new List<string>();
        if (words.ElementAtOrDefault(at) == "{")
        {
            for (at++; at < words.Length && words[at] != "}"; at++)
                names.Add(words[at].TrimEnd(',').Trim('"'));
            at++;
        }
        else
            names.Add((words.ElementAtOrDefault(at++) ?? "").Trim('"'));

        var same = actual is not null && names.Any(name => name.EndsWith('*') ? actual.StartsWith(name[..^1], StringComparison.Ordinal) : name == actual);
        return same == negated ? -1 : at;
    }

    private static string WithoutComment(string rule) => rule.LastIndexOf(" comment \"", StringComparison.Ordinal) is var at and >= 0 ? rule[..at] : rule;
}
