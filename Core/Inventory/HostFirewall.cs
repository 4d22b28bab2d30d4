using System.Net.Sockets;

namespace MigrationDashboard.Core.Inventory;

/// <summary>What filters and translates packets on the host.</summary>
public sealed record HostFirewall
{
    /// <summary>Tables of nf_tables that are not those of iptables itself; empty without nft.</summary>
    public ValueList<NftTable> Nft { get; init; } = [];

    /// <summary>All of <c>nft list ruleset</c>, without counters; empty without nft.</summary>
    public string NftText { get; init; } = "";

    /// <summary>The kernel would take rules like ours by nft; null when the host has no nft.</summary>
    public bool? NftWorks { get; init; }

    /// <summary>Why not, in nft's words; empty when it works.</summary>
    public string NftProblem { get; init; } = "";

    /// <summary>Chains of iptables, of both spellings (nf_tables and legacy).</summary>
    public ValueList<IptablesChain> Iptables { get; init; } = [];

    /// <summary>There are rules of the legacy interface beside an iptables that uses nf_tables: two rule sets are in force.</summary>
    public bool MixedIptables { get; init; }

    public UfwState? Ufw { get; init; }

    /// <summary>Files whose next load removes every rule on the host (<c>flush ruleset</c>).</summary>
    public ValueList<string> FlushingFiles { get; init; } = [];

    public IptablesChain? Chain(AddressFamily family, string table, string name) =>
        Iptables.FirstOrDefault(chain => chain.Family == family && chain.Table == table && chain.Name == name);
}

/// <param name="Family"><c>ip</c>, <c>ip6</c>, <c>inet</c>, …</param>
public sealed record NftTable(string Family, string Name, ValueList<NftChain> Chains);

/// <param name="Hook">Null for a chain that is only jumped to.</param>
/// <param name="Policy"><c>accept</c> or <c>drop</c>.</param>
public sealed record NftChain(string Name, string? Type, string? Hook, string? Priority, string Policy, ValueList<string> Rules);

/// <param name="Policy">Null for a chain of an administrator's own.</param>
/// <param name="Rules">What follows <c>-A CHAIN</c>.</param>
/// <param name="Legacy">Held by the old kernel interface.</param>
public sealed record IptablesChain(AddressFamily Family, string Table, string Name, string? Policy, ValueList<string> Rules, bool Legacy);

/// <param name="Active">Switched on, and its chains are loaded.</param>
/// <param name="Input">Default for what arrives: <c>ACCEPT</c>, <c>DROP</c> or <c>REJECT</c>.</param>
public sealed record UfwState(bool Active, string Input, string Forward);
