using MigrationDashboard.Core.Inventory;
using MigrationDashboard.Core.Network;

namespace MigrationDashboard.Core.Preflight;

/// <summary>Is a field of the packet mark free on both hosts?</summary>
public sealed class MarkCheck() : PairCheck("mark", "A free field in the packet mark")
{
    protected override IEnumerable<CheckResult> Judge(PreflightInput input, HostInventory old, HostInventory @new)
    {
        var choice = MarkChoice.Of(old, @new);
        var tailscale = new[] { old, @new }.Any(host => host.Managers.IsActive("tailscaled.service") || host.Links.Any(link => link.Name == "tailscale0"));
        var found = choice.Taken.Count > 0 ? choice.Taken[0].Where : choice.Beside.Count > 0 ? $"{choice.Beside[0].Use}, other bits" : tailscale ? "Tailscale runs" : "no other rule uses the mark";
        yield return choice.Mask switch
        {
            null => Result(null, CheckStatus.Fail, string.Join("; ", choice.Taken.Select(use => use.Where)), "Both fields that are known to be free elsewhere (0x00ff0000, 0x0f000000) are in use: our marks and theirs would disturb each other.",
                "Stop the software that uses these bits for the time of the migration."),
            Allocation.FirstMask when tailscale => Result(null, CheckStatus.Warn, found, "Tailscale marks in 0x00ff0000 once it has set its rules.", $"Start Tailscale before the migration, or leave it stopped; the mark is {Mask(Allocation.FirstMask)}."),
            { } mask => Result(null, CheckStatus.Pass, found, "", $"Marks are set in {Mask(mask)} only; all other bits are kept."),
        };
    }

    private static string Mask(uint mask) => "0x" + mask.ToString("x8", System.Globalization.CultureInfo.InvariantCulture);
}
