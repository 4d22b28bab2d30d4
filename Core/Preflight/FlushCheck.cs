namespace MigrationDashboard.Core.Preflight;

/// <summary>Does a file on the host remove every rule when it is loaded?</summary>
public sealed class FlushCheck() : HostCheck("flush", "No file flushes the rules")
{
    protected override IEnumerable<CheckResult> Judge(HostView view)
    {
        var files = view.Host.Firewall.FlushingFiles;
        if (files.Count == 0)
            yield return Result(view.Role, CheckStatus.Pass, "no file with flush ruleset");
        else if (view.Host.Managers.IsActive("nftables.service") || view.Host.Firewall.Nft.Any(table => !Inventory.PacketWalk.IsOurs(table)))
            yield return Result(view.Role, CheckStatus.Warn, $"{files[0]} begins with flush ruleset, and nftables is in use", "Whoever reloads it (systemctl reload nftables) removes our rules too: forwarding stops.",
                "Do not reload it during the migration. It is noticed as drift, and after a reboot our rules are put back after it.");
        else
            yield return Result(view.Role, CheckStatus.Pass, $"{files[0]} has flush ruleset, but nftables.service does not run", "", "Do not start it during the migration.");
    }
}
