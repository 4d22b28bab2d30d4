using System.Globalization;
using MigrationDashboard.Core.HostScripts;
using MigrationDashboard.Core.Migrations;
using MigrationDashboard.Core.Servers;
using MigrationDashboard.Core.Stages;

namespace MigrationDashboard.Core.Workloads;

/// <summary>A systemd unit with its folders. The program itself comes from a package on both hosts; unit files of the administrator's own are copied.</summary>
internal sealed class SystemdScripts(Migration migration, SystemdUnit unit) : WorkloadScripts(migration)
{
    private protected override IEnumerable<string> KindFiles => ["workload-host.sh", "workload-systemd.sh"];

    private protected override string KindValues => $"UNIT={Shell.Quote(unit.Unit.Value)}\nFOLDERS={Shell.Quote(string.Join('\n', unit.DataFolders))}";

    public override string Inspect() => Compose(null, Role.Old, ["workload-inspect.sh"], "inspect_unit");

    public override Preparation Prepare(string inspectedOld, string inspectedNew)
    {
        var (from, to) = (HostInspection.Parse(inspectedOld), HostInspection.Parse(inspectedNew));
        var plan = new HostPlan(from, to);
        if (from.Load != "loaded")
            plan.Errors.Add($"there is no unit {unit.Unit} on the first host");
        if (from.EnvironmentFiles.Count > 0)
            plan.Notes.Add($"{unit.Unit} reads {string.Join(", ", from.EnvironmentFiles)}: see that the other host has the same, or name it among the folders that move");
        if (to.Load != "loaded" && from.Files.Count == 0)
            plan.Errors.Add($"there is no unit {unit.Unit} on the other host: install the package it belongs to");
        foreach (var (index, (path, text)) in from.Files.Index())
        {
            plan.Functions.Append(Shell.Function($"text_{index}", text)).Append(CultureInfo.InvariantCulture, $"put_{index}() {{ text_{index} | put_unit_file {Shell.Quote(path)}; }}\n");
            plan.Actions.Add($"copy {path}, if it is not there");
            plan.Step(path, $"put_{index}");
        }

        plan.Step("unit", "unit_fits");
        plan.Step("idle", "unit_is_idle");
        plan.Actions.Add($"keep {unit.Unit} from starting until it has moved");
        plan.Step("fence", "fence_unit");
        if (from.Enabled)
        {
            plan.Actions.Add($"enable {unit.Unit}");
            plan.Step("enable", "enable_unit");
        }

        plan.Folders(unit.DataFolders);
        return plan.Make(text => Compose(null, Role.New, [], $"{text}locked prepare\nprint_running"));
    }
}
