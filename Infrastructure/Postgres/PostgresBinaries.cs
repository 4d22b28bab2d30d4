using System.Globalization;
using MigrationDashboard.Infrastructure.Processes;

namespace MigrationDashboard.Infrastructure.Postgres;

/// <summary>Where PostgreSQL's server programs are installed.</summary>
internal static class PostgresBinaries
{
    /// <param name="madeBy">Major version that made the cluster; null to take the newest one installed.</param>
    /// <returns>The folder that holds <c>postgres</c> and <c>initdb</c>.</returns>
    /// <exception cref="EmbeddedPostgresException">Not installed, or not in this version.</exception>
    public static async Task<string> FindAsync(int? madeBy, CancellationToken cancellation)
    {
        var found = new List<(string Folder, int Version)>();
        foreach (var folder in Candidates().Where(folder => File.Exists(Path.Combine(folder, "postgres")) && File.Exists(Path.Combine(folder, "initdb"))).Distinct())
            found.Add((folder, await VersionAsync(folder, cancellation)));
        if (found.Count == 0)
            throw new EmbeddedPostgresException(
                "PostgreSQL is not installed on this computer. Install it (apt-get install postgresql), or give a connection string to a server you have.");
        if (madeBy is null)
            return found.MaxBy(one => one.Version).Folder;
        return found.Where(one => one.Version == madeBy).Select(one => one.Folder).FirstOrDefault()
            ?? throw new EmbeddedPostgresException(
                $"The database was made by PostgreSQL {madeBy}, and installed is only {string.Join(", ", found.Select(one => one.Version).Distinct())}. " +
                $"Install version {madeBy} again (apt-get install postgresql-{madeBy}), or bring the database over with pg_upgrade.");
    }

    private static IEnumerable<string> Candidates() =>
    [
        .. Matching("/usr/lib/postgresql", "*").Select(home => Path.Combine(home, "bin")), // Debian, Ubuntu
        .. Matching("/usr", "pgsql-*").Select(home => Path.Combine(home, "bin")), // the PostgreSQL project's packages for Red Hat
        .. Matching("/usr/libexec", "postgresql*"), // Alpine
        .. (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries),
    ];

    private static string[] Matching(string parent, string pattern) => Directory.Exists(parent) ? Directory.GetDirectories(parent, pattern) : [];

    // “postgres (PostgreSQL) 15.18 (Debian …)”, “postgres (PostgreSQL) 18beta1”.
    private static async Task<int> VersionAsync(string folder, CancellationToken cancellation)
    {
        var version = await LocalCommand.RunAsync(Path.Combine(folder, "postgres"), ["--version"], cancellation: cancellation);
        var number = version.Output.Split(' ', StringSplitOptions.RemoveEmptyEntries).ElementAtOrDefault(2) ?? "";
        return int.TryParse(string.Concat(number.TakeWhile(char.IsAsciiDigit)), CultureInfo.InvariantCulture, out var major) ? major : 0;
    }
}
