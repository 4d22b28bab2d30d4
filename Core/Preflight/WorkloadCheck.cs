using MigrationDashboard.Core.Inventory;
using MigrationDashboard.Core.Migrations;
using MigrationDashboard.Core.Servers;

namespace MigrationDashboard.Core.Preflight;

/// <summary>Does what is to move run on old, and not on new?</summary>
public sealed class WorkloadCheck() : HostCheck("workload", "The application")
{
    protected override IEnumerable<CheckResult> Judge(HostView view) => view.Spec.Workload switch
    {
        DockerContainer container => OfContainers(view, container.Label, view.Host.Docker?.Container(container.Container.Value) is { } found ? [found] : []),
        ComposeProject project => OfContainers(view, project.Label, view.Host.Docker?.Project(project.Project.Value).ToList() ?? []),
        SystemdUnit unit => [OfUnit(view, unit)],
        _ => view.IsOld ? [Result(view.Role, CheckStatus.Pass, "it is started and stopped by your own commands, which only a rehearsal can check")] : [],
    };

    private IEnumerable<CheckResult> OfContainers(HostView view, string label, List<Container> containers)
    {
        var stopped = containers.Where(container => !container.Running).ToList();
        if (view.Host.Docker is not { Answers: true })
            yield return Result(view.Role, view.IsOld ? CheckStatus.Fail : CheckStatus.Unknown, "Docker does not answer", "The container cannot be looked at.");
        else if (view.IsOld)
            yield return containers.Count == 0
                ? Result(view.Role, CheckStatus.Fail, $"there is no {label}", "There is nothing to move.", Running(view.Host) is { Length: > 0 } others ? $"Running containers: {others}." : "No container runs on this server.")
                : stopped.Count > 0
                    ? Result(view.Role, CheckStatus.Fail, $"{stopped[0].Name} is {stopped[0].Status}", "Forwarded clients would be refused.", $"Start it: docker start {stopped[0].Name}.")
                    : Result(view.Role, CheckStatus.Pass, $"{string.Join(", ", containers.Select(container => $"{container.Name} ({container.Image})"))} running");
        else if (containers.Count > stopped.Count && view.Spec.Mode == CutoverMode.Exclusive)
            yield return Result(view.Role, CheckStatus.Fail, $"{label} runs here already", "Only one may run, since it owns data.", $"Stop it on this server: docker stop {containers.First(container => container.Running).Name}.");
        else
            yield return containers.Count > 0
                ? Result(view.Role, CheckStatus.Warn, $"there is a {containers[0].Name} here already ({containers[0].Status})", "It is in the way of the one that moves here.", "Remove it if it is left of an earlier attempt; its volumes are overwritten by the sync.")
                : Result(view.Role, CheckStatus.Pass, $"no {label} yet");
    }

    private static string Running(HostInventory host) => string.Join(", ", (host.Docker?.Containers ?? []).Where(container => container.Running).Select(container => container.Name));

    private CheckResult OfUnit(HostView view, SystemdUnit unit)
    {
        var runs = view.Host.Services.Any(service => service.Unit == unit.Unit.Value);
        return (view.IsOld, runs) switch
        {
            (true, true) => Result(view.Role, CheckStatus.Pass, $"{unit.Unit} runs"),
            (true, false) => Result(view.Role, CheckStatus.Fail, $"{unit.Unit} does not run", "Forwarded clients would be refused.", $"Start it: systemctl start {unit.Unit}."),
            (false, true) when view.Spec.Mode == CutoverMode.Exclusive => Result(view.Role, CheckStatus.Fail, $"{unit.Unit} runs here already", "Only one may run, since it owns data.", $"Stop it on this server: systemctl disable --now {unit.Unit}."),
            (false, true) => Result(view.Role, CheckStatus.Pass, $"{unit.Unit} runs here as well"),
            _ => Result(view.Role, CheckStatus.Pass, $"{unit.Unit} does not run here yet", "", "The unit and its program must be installed here before the cutover."),
        };
    }
}
