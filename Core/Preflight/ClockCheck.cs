using System.Globalization;
using MigrationDashboard.Core.Inventory;

namespace MigrationDashboard.Core.Preflight;

/// <summary>Do both hosts agree on the time?</summary>
public sealed class ClockCheck() : PairCheck("clock", "Clocks agree")
{
    /// <summary>Seconds. Below it, what people compare (logs, mail headers, sessions) still reads in order.</summary>
    private const double Most = 5;

    protected override IEnumerable<CheckResult> Judge(PreflightInput input, HostInventory old, HostInventory @new)
    {
        if (old.System.ClockOffset is not { } one || @new.System.ClockOffset is not { } other)
        {
            yield return Result(null, CheckStatus.Unknown, "the clocks were not compared");
            yield break;
        }

        var apart = Math.Abs((one - other).TotalSeconds);
        yield return apart > Most
            ? Result(null, CheckStatus.Warn, string.Create(CultureInfo.InvariantCulture, $"the clocks are {apart:0} s apart"),
                "Logs of both servers will not line up, and the application may find that its data come from the future: sessions and certificates can be refused after the cutover.",
                "Start time synchronisation on both servers (chrony or systemd-timesyncd).")
            : Result(null, CheckStatus.Pass, string.Create(CultureInfo.InvariantCulture, $"{apart:0.0} s apart"));
    }
}
