using System.Globalization;

namespace MigrationDashboard.Core.Preflight;

/// <summary>Is there room for the entries of forwarded connections?</summary>
public sealed class ConntrackFillCheck() : HostCheck("conntrack-fill", "Room for connections")
{
    /// <summary>Share of the maximum (DESIGN §5). Above the maximum the kernel drops new connections.</summary>
    private const double Most = 0.7;

    protected override IEnumerable<CheckResult> Judge(HostView view)
    {
        if (!long.TryParse(view.Host.Sysctl("net/netfilter/nf_conntrack_count"), out var count) || !long.TryParse(view.Host.Sysctl("net/netfilter/nf_conntrack_max"), out var max) || max == 0)
            yield return Result(view.Role, CheckStatus.Pass, "connections are not tracked yet", "", "Tracking begins with our rules.");
        else if (count > max * Most)
            yield return Result(view.Role, CheckStatus.Warn, string.Create(CultureInfo.InvariantCulture, $"{count:N0} of {max:N0} entries"), "When the table is full, the kernel drops new connections, and every forwarded one takes an entry.",
                string.Create(CultureInfo.InvariantCulture, $"Raise it: sysctl -w net.netfilter.nf_conntrack_max={max * 2}."));
        else
            yield return Result(view.Role, CheckStatus.Pass, string.Create(CultureInfo.InvariantCulture, $"{count:N0} of {max:N0} entries"));
    }
}
