using System.Globalization;

namespace MigrationDashboard.Core.Preflight;

/// <summary>What came of arming a harmless change on a host and confirming it never.</summary>
/// <param name="Ms">From arming it for one second until it was gone.</param>
/// <param name="Problem">Why it did not happen; empty when it did.</param>
public sealed record CheckpointTrial(bool Reverted, int Ms, string Problem);

/// <summary>Does the server put itself back when nobody confirms? Tried, not supposed: everything else rests on it.</summary>
public sealed class CheckpointCheck() : HostCheck("checkpoint", "Goes back by itself when nobody confirms")
{
    /// <summary>Armed for 1 s with an accuracy of 100 ms; a server that takes three is too busy to keep a hold's limit.</summary>
    private const int SlowMs = 3000;

    protected override IEnumerable<CheckResult> Judge(HostView view)
    {
        if (view.Input.Trial(view.Role) is not { } trial)
            yield break;
        if (!trial.Reverted)
            yield return Result(view.Role, CheckStatus.Fail, trial.Problem, "If the dashboard were cut off during a change, this server would stay half-changed.", "See that systemd timers run there (systemd-run --on-active=1 true).");
        else if (trial.Ms > SlowMs)
            yield return Result(view.Role, CheckStatus.Warn, Seconds(trial), "A hold may last longer than its limit by as much.", "Find out what keeps the server so busy before the cutover.");
        else
            yield return Result(view.Role, CheckStatus.Pass, Seconds(trial), "", "Each change of this server is armed the same way.");
    }

    private static string Seconds(CheckpointTrial trial) => string.Create(CultureInfo.InvariantCulture, $"a harmless change, armed for 1 s, was taken back after {trial.Ms / 1000.0:0.00} s");
}
