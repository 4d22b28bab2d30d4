namespace MigrationDashboard.Core.Preflight;

/// <summary>Is there what data are copied with?</summary>
public sealed class RsyncCheck() : HostCheck("rsync", "Programs that copy the data")
{
    private static readonly string[] OnOld = ["rsync", "ssh", "ssh-keygen"];
    private static readonly string[] OnNew = ["rsync"];

    protected override IEnumerable<CheckResult> Judge(HostView view)
    {
        if (!view.MovesData)
            yield break;

        // Old signs in to new over the link, with a key made for the run.
        var missing = (view.IsOld ? OnOld : OnNew).Where(tool => !view.Host.Has(tool)).ToList();
        yield return missing.Count > 0
            ? Result(view.Role, CheckStatus.Fail, $"missing: {string.Join(", ", missing)}", "The data cannot be copied from old to new.", $"Install {string.Join(" and ", missing.Select(tool => tool == "rsync" ? "rsync" : "openssh-client").Distinct())}.")
            : Result(view.Role, CheckStatus.Pass, view.IsOld ? "rsync, ssh" : "rsync", "", view.IsOld ? "Data go straight to new over the link." : "");
    }
}
