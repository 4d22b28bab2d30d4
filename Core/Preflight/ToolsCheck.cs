namespace MigrationDashboard.Core.Preflight;

/// <summary>Are the programs there that every script uses? All are part of any distribution's base system.</summary>
public sealed class ToolsCheck() : HostCheck("tools", "Programs that are needed")
{
    private static readonly string[] Needed = ["ip", "flock", "awk", "sed", "sha256sum", "setsid", "timeout", "ss"];

    protected override IEnumerable<CheckResult> Judge(HostView view)
    {
        var missing = Needed.Where(tool => !view.Host.Has(tool)).ToList();
        if (missing.Count > 0)
            yield return Result(view.Role, CheckStatus.Fail, $"missing: {string.Join(", ", missing)}", "The scripts on the server cannot run without.", "Install iproute2, util-linux, coreutils and awk.");
        else if (view.Host.Failures.Count > 0)
            yield return Result(view.Role, CheckStatus.Warn, string.Join("; ", view.Host.Failures.Select(failure => $"{failure.Part}: {failure.Reason}")), "These parts could not be read; what depends on them may be missing in the checks.");
        else
            yield return Result(view.Role, CheckStatus.Pass, string.Join(", ", Needed));
    }
}
