namespace MigrationDashboard.Core.Preflight;

/// <summary>Does something manage the network and remove what it did not make?</summary>
public sealed class NetworkManagerCheck() : HostCheck("network-manager", "Network managers keep our routes")
{
    protected override IEnumerable<CheckResult> Judge(HostView view)
    {
        var managers = view.Host.Managers;
        if (managers.IsActive("systemd-networkd.service") && !(managers.KeepsForeignRules && managers.KeepsForeignRoutes))
        {
            var settings = string.Join(" and ", new[] { managers.KeepsForeignRules ? null : "ManageForeignRoutingPolicyRules=no", managers.KeepsForeignRoutes ? null : "ManageForeignRoutes=no" }.OfType<string>());
            yield return Result(view.Role, CheckStatus.Warn, $"systemd-networkd runs{(managers.Netplan ? " (netplan)" : "")} without {settings}",
                "When it restarts (upgrades, netplan apply), it removes routes and rules that are not in its files (networkd.conf(5)): replies would leave by the wrong way.",
                $"Put {settings} below [Network] in /etc/systemd/networkd.conf.d/foreign.conf and restart it before the migration. It is noticed as drift otherwise.");
        }
        else
        {
            var active = managers.Active.Where(unit => unit is "systemd-networkd.service" or "NetworkManager.service" or "networking.service").Select(unit => unit[..^8]).ToList();
            yield return Result(view.Role, CheckStatus.Pass, active.Count == 0 ? "no manager runs" : $"{string.Join(", ", active)}, which leaves what others made");
        }
    }
}
