using System.Reflection;

namespace MigrationDashboard.Web.Tests;

/// <summary>Where the built program and the repository are, as the build noted them.</summary>
internal static class Places
{
    /// <summary>The folder with the dashboard to test; the environment may name a published one.</summary>
    public static string Program => Environment.GetEnvironmentVariable("WEB_TESTS_PROGRAM") ?? Noted("WebOutput");

    public static string Screens => Directory.CreateDirectory(Path.Combine(Noted("Repository"), "artifacts", "screens")).FullName;

    /// <summary>Pictures for the documentation; they are made anew when the environment says so, and looked at before they are committed.</summary>
    public static bool UpdatesScreens => Environment.GetEnvironmentVariable("UPDATE_SCREENS") == "1";

    public static string DocumentedScreens => Directory.CreateDirectory(UpdatesScreens ? Path.Combine(Noted("Repository"), "docs", "screens") : Path.Combine(Screens, "docs")).FullName;

    public static string Cache => Directory.CreateDirectory(Path.Combine(Noted("Repository"), "artifacts", "cache")).FullName;

    private static string Noted(string key) => Path.GetFullPath(
        typeof(Places).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().First(a => a.Key == key).Value!);
}
