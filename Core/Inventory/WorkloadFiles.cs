using MigrationDashboard.Core.Servers;

namespace MigrationDashboard.Core.Inventory;

/// <summary>Files of a host that are a workload's own, and come and go with it.</summary>
internal static class WorkloadFiles
{
    private const string Units = "/etc/systemd/system/";

    /// <summary>Its unit and the socket, timer or path that starts it, with their drop-ins and the links that enable them; and its folders.</summary>
    public static bool Belongs(string path, Workload workload) => workload switch
    {
        SystemdUnit unit => IsOfUnit(path, unit.Unit.Value) || IsIn(path, unit.DataFolders),
        CustomCommands commands => IsIn(path, commands.DataFolders),
        ComposeProject project => IsIn(path, [project.Folder]),
        _ => false,
    };

    private static bool IsOfUnit(string path, string unit)
    {
        if (!path.StartsWith(Units, StringComparison.Ordinal))
            return false;
        var stem = unit[..unit.LastIndexOf('.')];
        var names = new[] { unit, stem + ".socket", stem + ".timer", stem + ".path" };
        return path[Units.Length..].Split('/') is var parts && (names.Contains(parts[^1]) || names.Select(name => name + ".d").Contains(parts[0]));
    }

    private static bool IsIn(string path, IEnumerable<string> folders) =>
        folders.Any(folder => path == folder.TrimEnd('/') || path.StartsWith(folder.TrimEnd('/') + "/", StringComparison.Ordinal));
}
