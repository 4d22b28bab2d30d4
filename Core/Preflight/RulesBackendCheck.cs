using MigrationDashboard.Core.Inventory;
using MigrationDashboard.Core.Migrations;

namespace MigrationDashboard.Core.Preflight;

/// <summary>Which of the kernel's two languages for rules is spoken?</summary>
public sealed class RulesBackendCheck() : HostCheck("rules", "nft or iptables")
{
    protected override IEnumerable<CheckResult> Judge(HostView view)
    {
        var firewall = view.Host.Firewall;
        var nft = view.Host.System.VersionText("nft") ?? "nft";
        var iptables = view.Host.System.VersionText("iptables") ?? "iptables";
        yield return (FactsFromInventory.Backend(view.Host), firewall.NftWorks) switch
        {
            (null, false) => Result(view.Role, CheckStatus.Fail, $"{nft}: {firewall.NftProblem}", "The kernel does not take the rules, and iptables is not there.", "Load nf_tables and nf_nat, or install iptables."),
            (null, _) => Result(view.Role, CheckStatus.Fail, "neither nft nor iptables", "No rule can be made.", "Install nftables."),
            (RulesBackend.Iptables, false) => Result(view.Role, CheckStatus.Warn, $"{nft}: {firewall.NftProblem}", "nft cannot be used.", $"Chains of our own by {iptables}."),
            (RulesBackend.Iptables, _) => Result(view.Role, CheckStatus.Pass, iptables, "", "Chains of our own, hooked in before all others."),
            _ when firewall.MixedIptables => Result(view.Role, CheckStatus.Warn, $"{nft}; rules of iptables-legacy beside those of {iptables}", "Two rule sets are in force, and iptables shows only one of them. What the other drops is not opened.", "A table of our own by nft. Look at iptables-legacy-save if the probe fails."),
            _ => Result(view.Role, CheckStatus.Pass, nft, "", "A table of our own, replaced whole in one transaction; nobody else's is touched."),
        };
    }
}
