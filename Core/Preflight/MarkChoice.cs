using System.Net.Sockets;
using System.Text.RegularExpressions;
using MigrationDashboard.Core.Inventory;
using MigrationDashboard.Core.Network;

namespace MigrationDashboard.Core.Preflight;

/// <param name="Where">The rule that uses the mark, for people.</param>
public sealed record MarkEvidence(MarkUse Use, string Where);

/// <summary>Which field of the mark is free on the hosts: the first, or else the second (DESIGN §5).</summary>
/// <param name="Mask">Null when both are taken.</param>
/// <param name="Taken">Uses that reach into a field, by field.</param>
/// <param name="Beside">Uses of other bits, which do no harm.</param>
public sealed partial record MarkChoice(uint? Mask, ValueList<MarkEvidence> Taken, ValueList<MarkEvidence> Beside)
{
    public static MarkChoice Of(params IEnumerable<HostInventory> hosts)
    {
        var uses = hosts.SelectMany(Uses).Distinct().ToList();
        var mask = new[] { Allocation.FirstMask, Allocation.SecondMask }.Where(mask => !uses.Any(use => Reaches(use.Use, mask))).Select(mask => (uint?)mask).FirstOrDefault();
        var taken = uses.Where(use => Reaches(use.Use, Allocation.FirstMask) || Reaches(use.Use, Allocation.SecondMask)).ToValueList();
        return new(mask, taken, uses.Except(taken).ToValueList());
    }

    /// <summary>
    /// A use under a mask touches the bits of the mask. One of the whole mark is compared or set as a value (wg-quick's 51820): it reaches
    /// into a field when the value has bits there.
    /// </summary>
    public static bool Reaches(MarkUse use, uint field) => ((use.IsWhole ? use.Value : use.Mask) & field) != 0;

    /// <summary>Every use of a mark on the host that is not ours.</summary>
    public static IEnumerable<MarkEvidence> Uses(HostInventory host)
    {
        foreach (var rule in host.Rules.Where(rule => rule.Mark is not null && !IsOurs(rule)))
            yield return new(rule.Mark!, $"ip rule {rule.Preference}: {rule.Text}");
        foreach (var chain in host.Firewall.Iptables.Where(chain => !chain.Name.StartsWith("MD-", StringComparison.Ordinal)))
            foreach (var rule in chain.Rules)
                foreach (var use in OfIptables(rule))
                    yield return new(use, $"{(chain.Family == AddressFamily.InterNetwork ? "iptables" : "ip6tables")} {chain.Name}: {rule}");
        foreach (var table in host.Firewall.Nft.Where(table => !PacketWalk.IsOurs(table)))
            foreach (var chain in table.Chains)
                foreach (var rule in chain.Rules)
                    foreach (var use in OfNft(rule))
                        yield return new(use, $"nft {table.Family} {table.Name} {chain.Name}: {rule}");
    }

    /// <summary>Ours: at a preference of ours, to a table of ours, or past it for local networks (<see cref="PolicyRoutes"/>).</summary>
    public static bool IsOurs(HostRule rule) => rule.Preference is >= FirstPreference and < FirstPreference + ((Most + 1) * 10)
        && (rule.Table is >= FirstTable and < FirstTable + Most
            || (rule.Mark is { Mask: Allocation.FirstMask or Allocation.SecondMask } && rule.Text.Contains("suppress_prefixlength 0", StringComparison.Ordinal)));

    private const int FirstTable = 7300;
    private const int FirstPreference = 3000;

    // More slots than any mask has.
    private const int Most = 100;

    /// <summary>Marks in one rule of iptables, as the save command prints it.</summary>
    public static IEnumerable<MarkUse> OfIptables(string rule)
    {
        foreach (Match match in IptablesMark().Matches(rule))
            if (NetworkText.Mark(match.Groups["mark"].Value) is { } use)
                yield return use;

        // --save-mark and --restore-mark copy the bits of their masks; without masks, or with all bits, they copy ours along, which does no harm.
        foreach (Match match in IptablesCopy().Matches(rule))
            if (NetworkText.Mark("0/" + match.Groups["mask"].Value) is { IsWhole: false } use)
                yield return use;
    }

    /// <summary>Marks in one rule of nft, as it lists it.</summary>
    public static IEnumerable<MarkUse> OfNft(string rule)
    {
        foreach (Match match in NftMark().Matches(rule))
        {
            // "mark set mark & KEEP | VALUE" touches what is not kept; "mark & MASK == VALUE" looks at the mask; else it is the whole mark.
            var set = match.Groups["set"].Success;
            var and = NetworkText.Number(match.Groups["and"].Value);
            var value = NetworkText.Number(match.Groups["value"].Value) ?? 0;
            if (and is { } bits)
                yield return set ? new((uint)value, ~(uint)bits | (uint)value) : new((uint)value, (uint)bits);
            else if (match.Groups["value"].Success)
                yield return set && match.Groups["or"].Success ? new((uint)value, (uint)value) : new((uint)value, uint.MaxValue);
        }
    }

    [GeneratedRegex(@"--(?:set-xmark|set-mark|mark|or-mark) (?<mark>[0-9a-fx]+(?:/[0-9a-fx]+)?)")]
    private static partial Regex IptablesMark();

    [GeneratedRegex(@"--(?:nfmask|ctmask) (?<mask>[0-9a-fx]+)")]
    private static partial Regex IptablesCopy();

    [GeneratedRegex(@"\b(?:meta |ct )?mark (?<set>set )?(?:(?:meta |ct )mark )?(?:(?:&|and) (?<and>0x[0-9a-f]+|\d+) ?)?(?:(?<or>\||or) |== |!= |xor |\^ )?(?<value>0x[0-9a-f]+|\d+)?")]
    private static partial Regex NftMark();
}
