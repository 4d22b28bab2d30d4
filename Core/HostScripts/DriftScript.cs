using System.Globalization;
using MigrationDashboard.Core.Network;

namespace MigrationDashboard.Core.HostScripts;

/// <summary>Renders the script that watches on a host whether anybody changes what is ours (drift.sh), to be run as root by <c>sh -s</c>.</summary>
public static class DriftScript
{
    /// <summary>A look costs a host some 40 ms of one core; two must agree before anything is said, so that a change is told within seven seconds.</summary>
    public static readonly TimeSpan Every = TimeSpan.FromSeconds(3);

    public static string Render(IEnumerable<Allocation> migrations, TimeSpan life) => string.Create(CultureInfo.InvariantCulture, $"""
        set -u
        export LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
        umask 077
        HOST={Allocation.HostFolder}
        KEYS={Shell.Quote(string.Join(' ', migrations.Select(own => own.Key)))}
        EVERY={(int)Every.TotalSeconds}
        LIFE={(int)life.TotalSeconds}

        """) + ScriptFile.Read("step.sh") + ScriptFile.Read("drift.sh");
}

/// <summary>One line of <see cref="DriftScript"/>.</summary>
/// <param name="Key">Of the migration; null in a line that only says that the script lives.</param>
/// <param name="Found"><c>same</c>, <c>differs</c> or <c>missing</c>.</param>
/// <param name="Was">What was read back when it was applied; null unless it differs.</param>
/// <param name="Is">What was read back now; null unless it differs.</param>
public sealed record DriftLine(string? Key, string? Found, string? Was, string? Is);
