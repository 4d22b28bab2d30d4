using System.Globalization;
using MigrationDashboard.Core.Network;

namespace MigrationDashboard.Core.Preflight;

/// <summary>Are our routing table and preferences free, and is no foreign rule asked before ours?</summary>
public sealed class PolicyRoutingCheck() : HostCheck("routing", "Routing rules do not collide")
{
    protected override IEnumerable<CheckResult> Judge(HostView view)
    {
        var own = view.Input.Allocation ?? new(1, "00000000", Allocation.FirstMask);
        var preferences = Enumerable.Range(own.Preference, PolicyRoutes.PreferencesPerMigration).ToList();
        var rules = view.Host.Rules.Where(rule => preferences.Contains(rule.Preference) && rule.Table != own.Table && !MarkChoice.IsOurs(rule)).ToList();
        var routes = view.Host.Routes.Where(route => route.Table == own.Table).ToList();
        var ours = view.Host.Own.Migrations.Contains(own.Key);
        if (rules.Count > 0)
        {
            yield return Result(view.Role, CheckStatus.Fail, string.Create(CultureInfo.InvariantCulture, $"rule {rules[0].Preference}: {rules[0].Text}"), "The preference is taken by somebody else's rule.", "Remove the rule, or move it to another preference.");
            yield break;
        }

        if (routes.Count > 0 && !ours)
        {
            yield return Result(view.Role, CheckStatus.Fail, routes[0].Text, $"Routing table {own.Table} is in use by somebody else.", $"Empty the table: ip route flush table {own.Table}.");
            yield break;
        }

        // The kernel's own rule for local addresses is always first, at 0.
        var earlier = view.Host.Rules.Where(rule => rule.Preference > 0 && rule.Preference < own.Preference && rule.Mark is null && !MarkChoice.IsOurs(rule)
            && rule.Text.StartsWith("from all ", StringComparison.Ordinal) && !rule.Text.Contains(" to ", StringComparison.Ordinal)
            && !rule.Text.Contains(" iif ", StringComparison.Ordinal) && !rule.Text.Contains(" oif ", StringComparison.Ordinal)).ToList();
        yield return earlier.Count > 0
            ? Result(view.Role, CheckStatus.Warn, string.Create(CultureInfo.InvariantCulture, $"rule {earlier[0].Preference}: {earlier[0].Text}"), "It is asked before ours: if its table has a default route, replies leave by that and not over the link.",
                string.Create(CultureInfo.InvariantCulture, $"Move it behind {own.Preference + PolicyRoutes.PreferencesPerMigration}; the probe at the Forward stage tells for sure."))
            : Result(view.Role, CheckStatus.Pass, string.Create(CultureInfo.InvariantCulture, $"table {own.Table} and preferences {preferences[0]} to {preferences[^1]} are free"));
    }
}
