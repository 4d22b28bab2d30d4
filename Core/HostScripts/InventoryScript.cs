using MigrationDashboard.Core.Servers;

namespace MigrationDashboard.Core.HostScripts;

/// <summary>The script that reads everything about a host in one round trip, to be run as root; it changes nothing.</summary>
public static class InventoryScript
{
    public static string Text => ScriptFile.Read("inventory.sh");

    /// <summary>Words that make the script measure the workload's data as well; that may take seconds, so only before a migration.</summary>
    /// <param name="workload">Null to read the host alone.</param>
    public static ValueList<string> Arguments(Workload? workload) => workload switch
    {
        DockerContainer container => ["container", container.Container.Value],
        ComposeProject project => ["project", project.Project.Value],
        SystemdUnit unit => unit.DataFolders.SelectMany(folder => new[] { "folder", folder }).ToValueList(),
        CustomCommands commands => commands.DataFolders.SelectMany(folder => new[] { "folder", folder }).ToValueList(),
        _ => [],
    };
}
