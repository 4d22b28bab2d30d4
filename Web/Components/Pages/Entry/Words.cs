namespace MigrationDashboard.Web.Components.Pages.Entry;

internal static class Words
{
    public static string TooMany(TimeSpan wait)
    {
        var minutes = (int)Math.Ceiling(wait.TotalMinutes);
        return $"Too many failed tries for this name or from this address. Try again in {minutes} minute{(minutes == 1 ? "" : "s")}.";
    }
}
