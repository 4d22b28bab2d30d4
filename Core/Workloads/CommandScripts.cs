using MigrationDashboard.Core.HostScripts;
using MigrationDashboard.Core.Migrations;
using MigrationDashboard.Core.Servers;
using MigrationDashboard.Core.Stages;

namespace MigrationDashboard.Core.Workloads;

/// <summary>The operator's own commands, with folders. What starts the workload by itself after a reboot is theirs to switch off.</summary>
internal sealed class CommandScripts(Migration migration, CustomCommands commands) : WorkloadScripts(migration)
{
    private protected override IEnumerable<string> KindFiles => ["workload-host.sh", "workload-commands.sh"];

    private protected override string KindValues => $"""
        START_COMMAND={Shell.Quote(commands.Start)}
        STOP_COMMAND={Shell.Quote(commands.Stop)}
        HEALTH_COMMAND={Shell.Quote(commands.HealthCommand)}
        FOLDERS={Shell.Quote(string.Join('\n', commands.DataFolders))}
        """;

    public override string Inspect() => Compose(null, Role.Old, ["workload-inspect.sh"], "inspect_folders");

    public override Preparation Prepare(string inspectedOld, string inspectedNew)
    {
        var plan = new HostPlan(HostInspection.Parse(inspectedOld), HostInspection.Parse(inspectedNew));
        plan.Folders(commands.DataFolders);
        plan.Notes.Add("the commands must work on the other host as well, and nothing else may start the workload there");
        plan.Step("fence", "fence");
        return plan.Make(text => Compose(null, Role.New, [], $"{text}locked prepare\nprint_running"));
    }
}
