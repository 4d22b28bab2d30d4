namespace MigrationDashboard.Web.Components.Pages.Entry;

internal static class LocalUrl
{
    /// <summary>The address if it is a page of ours, else the overview: a link must not send people elsewhere after they signed in.</summary>
    public static string Of(string? url) =>
        url is { Length: > 0 } && url[0] == '/' && !url.StartsWith("//", StringComparison.Ordinal) && !url.Contains('\\', StringComparison.Ordinal) && !url.Any(char.IsControl) ? url : "/";
}
