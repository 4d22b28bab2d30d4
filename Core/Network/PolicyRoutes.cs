using System.Globalization;
using System.Net.Sockets;

namespace MigrationDashboard.Core.Network;

/// <summary>One <c>ip rule</c>: at this preference, what carries the mark is looked up in the table.</summary>
/// <param name="Selector">What follows <c>ip rule add pref N</c>.</param>
public sealed record PolicyRule(AddressFamily Family, int Preference, string Selector);

/// <summary>The routing rules and the routes of our own table that a configuration wants (ip-rule(8), ip-route(8)).</summary>
public sealed record PolicyRoutes(ValueList<PolicyRule> Rules, ValueList<(AddressFamily Family, string Route)> Routes)
{
    /// <summary>Preferences one migration may use; those a configuration does not want are emptied.</summary>
    public const int PreferencesPerMigration = 3;

    public static PolicyRoutes Of(HostConfig config)
    {
        var own = config.Allocation;
        var rules = new List<PolicyRule>();
        var routes = new List<(AddressFamily, string)>();
        foreach (var path in config.ReturnPaths)
        {
            // No look into the main table before it for this mark: a client in the server's own subnet would be answered directly and time out.
            rules.Add(new(path.Family, own.Preference, $"fwmark {Printed(own.Return)} lookup {own.Table}"));
            routes.Add((path.Family, $"default via {path.Gateway} dev {path.Link}"));
        }

        if (config.Egress is { } egress)
        {
            // The workload's own connections are different: networks the host is in stay local.
            rules.Add(new(egress.Family, own.Preference + 1, $"fwmark {Printed(own.Egress)} lookup main suppress_prefixlength 0"));
            rules.Add(new(egress.Family, own.Preference + 2, $"fwmark {Printed(own.Egress)} lookup {own.Table}"));
            if (!routes.Any(route => route.Item1 == egress.Family))
                routes.Add((egress.Family, $"default via {egress.Gateway} dev {egress.Link}"));
        }

        // With the link down the kernel drops the default route: what is marked must not leak out of the public interface with a wrong source.
        // One less than the highest metric, because ip-route takes an unreachable IPv6 default of that one for the kernel's own and never flushes it.
        foreach (var family in routes.Select(route => route.Item1).Distinct().ToList())
            routes.Add((family, "unreachable default metric 4294967294"));
        return new(rules.ToValueList(), routes.ToValueList());
    }

    /// <summary>As <c>ip rule</c> prints a mark, without leading zeros, so that what is found can be compared with what is wanted.</summary>
    internal static string Printed(ConnectionMark mark) => string.Create(CultureInfo.InvariantCulture, $"0x{mark.Value:x}/0x{mark.Mask:x}");
}
