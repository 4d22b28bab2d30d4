using MigrationDashboard.Core.HostScripts;
using MigrationDashboard.Core.Migrations;
using MigrationDashboard.Core.Stages;

namespace MigrationDashboard.Core.Workloads;

/// <summary>Docker containers: one by its name, or all of a Compose project.</summary>
internal sealed class DockerScripts(Migration migration, string container, string project) : WorkloadScripts(migration)
{
    private protected override string File => "workload-docker.sh";

    private protected override string KindValues => $"CONTAINER={Shell.Quote(container)}\nPROJECT={Shell.Quote(project)}";

    public override string Inspect() => Compose(null, Role.Old, ["workload-docker-inspect.sh"], "inspect_docker");

    public override Preparation Prepare(string inspectedOld, string inspectedNew, bool replace = false)
    {
        var plan = new DockerPlan(DockerHost.Parse(inspectedOld), DockerHost.Parse(inspectedNew), AddressesOnNew()).Make();
        return plan with { Script = Compose(null, Role.New, [], $"REPLACE={(replace ? "yes" : "no")}\n{plan.Script}locked prepare\nprint_running") };
    }
}
