using System.Globalization;

namespace MigrationDashboard.Core.Preflight;

/// <summary>What puts the configuration back after a reboot, and runs the revert when nobody confirms?</summary>
public sealed class SystemdCheck() : HostCheck("systemd", "Survives a reboot")
{
    /// <summary>systemd-run --collect (systemd's NEWS, version 236): the timer of the checkpoint.</summary>
    private const int Oldest = 236;

    protected override IEnumerable<CheckResult> Judge(HostView view)
    {
        if (!view.Host.System.Systemd)
            yield return Result(view.Role, CheckStatus.Warn, "systemd does not run here", "After a reboot nothing puts the configuration back: what is forwarded stops until the stage is applied again.",
                "The revert of unconfirmed changes runs without systemd. Do not reboot during the migration.");
        else if (view.Host.System.VersionOf("systemctl") is { Major: < Oldest and var version })
            yield return Result(view.Role, CheckStatus.Fail, string.Create(CultureInfo.InvariantCulture, $"systemd {version}"), $"Before {Oldest} it cannot run the revert of unconfirmed changes.", "Upgrade the server first.");
        else
            yield return Result(view.Role, CheckStatus.Pass, view.Host.System.VersionText("systemctl") ?? "systemd runs", "", "A unit puts the configuration back after a reboot, before the network is up.");
    }
}
