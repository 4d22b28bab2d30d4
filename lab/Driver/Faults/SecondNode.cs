namespace MigrationDashboard.Driver.Faults;

/// <summary>Another node of the same dashboard: the same database and the same keys, a process of its own.</summary>
public static class SecondNode
{
    public static async Task<Dashboard> StartAsync(World world)
    {
        var socket = Directory.EnumerateFiles(world.Dashboard.Data, ".s.PGSQL.5432", SearchOption.AllDirectories).Concat(PostgresSockets(world.Dashboard.Data)).First();
        var data = Directory.CreateTempSubdirectory("md-node-").FullName;
        var keys = Directory.CreateDirectory(Path.Combine(data, "keys"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        foreach (var key in Directory.EnumerateFiles(Path.Combine(world.Dashboard.Data, "keys")))
            File.Copy(key, Path.Combine(keys.FullName, Path.GetFileName(key)));
        return await Dashboard.StartAsync(world.Program, data, token: world.Dashboard.Token, environment: new Dictionary<string, string>
        {
            ["Database__ConnectionString"] = $"Host={Path.GetDirectoryName(socket)};Username=dashboard;Database=migration_dashboard",
        });
    }

    /// <summary>Where a long path of the data folder has sent the socket elsewhere, the postmaster says where.</summary>
    private static IEnumerable<string> PostgresSockets(string data) =>
        Directory.EnumerateFiles(data, "postmaster.pid", SearchOption.AllDirectories).Select(file => Path.Combine(File.ReadLines(file).Skip(4).First(), ".s.PGSQL.5432"));
}
