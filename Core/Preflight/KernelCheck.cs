using MigrationDashboard.Core.Inventory;
using MigrationDashboard.Core.Migrations;

namespace MigrationDashboard.Core.Preflight;

/// <summary>Does the kernel have what the rules rest on?</summary>
public sealed class KernelCheck() : HostCheck("kernel", "Kernel new enough")
{
    /// <summary>ip rule's suppress_prefixlength came with 3.12 and is backported to RHEL 7's 3.10, the oldest system with systemd timers and OpenSSH of use.</summary>
    private static readonly Version Oldest = new(3, 10);

    /// <summary>Oldest kernel of a distribution still cared for (Debian 11, 5.10; RHEL 8, 4.18; Ubuntu 20.04, 5.4).</summary>
    private static readonly Version Usual = new(5, 4);

    protected override IEnumerable<CheckResult> Judge(HostView view)
    {
        var kernel = view.Host.System.Kernel;
        var found = $"Linux {view.Host.System.KernelRelease}";
        yield return kernel < Oldest
            ? Result(view.Role, CheckStatus.Fail, found, "It lacks parts that the rules rest on.", "Boot a newer kernel.")
            : kernel < FactsFromInventory.NatOfBoth && FactsFromInventory.Backend(view.Host) != RulesBackend.Iptables
                ? Result(view.Role, CheckStatus.Fail, found, "Before 4.18, nft's address translation does not work beside Docker's (kernel commit 9971a514ed26), and iptables is not there.", "Boot a kernel from 4.18 on, or install iptables.")
                : kernel < FactsFromInventory.NatOfBoth
                    ? Result(view.Role, CheckStatus.Warn, found, "Before 4.18, nft's address translation does not work beside Docker's.", "iptables is used instead.")
                    : kernel < Usual
                        ? Result(view.Role, CheckStatus.Warn, found, "All that is needed is there; but no distribution maintains it any more, but RHEL 8.", "Nothing; keep the migration short.")
                        : Result(view.Role, CheckStatus.Pass, found);
    }
}
