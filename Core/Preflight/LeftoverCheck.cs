namespace MigrationDashboard.Core.Preflight;

/// <summary>Is something of this product on the host already?</summary>
public sealed class LeftoverCheck() : HostCheck("leftovers", "Nothing left of earlier attempts")
{
    protected override IEnumerable<CheckResult> Judge(HostView view)
    {
        var own = view.Host.Own;
        if (view.Input.Allocation is { } allocation && own.Migrations.Contains(allocation.Key))
            yield return view.Input.Started
                ? Result(view.Role, CheckStatus.Pass, $"this migration's own configuration ({allocation.Key})")
                : Result(view.Role, CheckStatus.Warn, $"configuration of this migration ({allocation.Key}) is here already", "It is left of an earlier attempt, or another dashboard is at work.", "It is replaced by the next stage.");
        else if (own.Migrations.Count > 0)
            yield return Result(view.Role, CheckStatus.Pass, $"{own.Migrations.Count} other migration(s) on this server: {own.Migrations}", "", "Each has its own table, marks and routes.");
        else
            yield return Result(view.Role, CheckStatus.Pass, "nothing of ours");
    }
}
