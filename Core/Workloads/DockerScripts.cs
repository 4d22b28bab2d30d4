using MigrationDashboard.Core.HostScripts;
using MigrationDashboard.Core.Migrations;
using MigrationDashboard.Core.Stages;

namespace MigrationDashboard.Core.Workloads;

/// <summary>Docker containers: one by its name, or all of a Compose project, which keep their Compose labels, so that Compose knows them on the other host.</summary>
internal sealed class DockerScripts(Migration migration, string container, string project, string? folder) : WorkloadScripts(migration)
{
    private protected override IEnumerable<string> KindFiles => ["workload-docker.sh"];

    private protected override string KindValues => $"CONTAINER={Shell.Quote(container)}\nPROJECT={Shell.Quote(project)}";

    public override string Inspect() => Compose(null, Role.Old, ["workload-inspect.sh", "workload-docker-inspect.sh"],
        folder is null ? "inspect_docker" : $"inspect_docker\nprint_path {Shell.Quote(folder)}");

    public override (string? Script, ValueList<string> Notes) Rehearse(string inspectedOld, string inspectedNew, ValueList<SyncFolder> folders)
    {
        if (DockerHost.Parse(inspectedOld).Containers is not [var only])
            return base.Rehearse(inspectedOld, inspectedNew, folders);
        // In the trial's own network there is nothing but the trial.
        var health = Compose(null, Role.New, ["workload-health.sh"],
            $"kind_targets() {{ printf %s {Shell.Quote(DockerRehearsal.Targets(only))}; }}\nkind_is_alive() {{ :; }}\nstep health wait_healthy");
        var (values, notes) = DockerRehearsal.Render(only, folders, DockerHost.Parse(inspectedNew), Own, health);
        return (Compose(null, Role.New, ["workload-rehearsal.sh"], "rehearse", values), notes);
    }

    public override Preparation Prepare(string inspectedOld, string inspectedNew)
    {
        var old = DockerHost.Parse(inspectedOld);
        var plan = new DockerPlan(old, DockerHost.Parse(inspectedNew), AddressesOnNew()).Make(folder);
        // Docker finds a container by part of its id as well, which its copy does not have.
        if (folder is null && old.Containers is [var only] && only.Name != container)
            plan = plan with { Errors = [.. plan.Errors, $"name the container by its name, {only.Name}: its copy has another id"] };
        return plan with { Script = Compose(null, Role.New, [], $"{plan.Script}locked prepare\nprint_running") };
    }
}
