using MigrationDashboard.Core.Inventory;
using MigrationDashboard.Core.Servers;

namespace MigrationDashboard.Core.Preflight;

/// <summary>Is Docker there where containers are to run?</summary>
public sealed class DockerCheck() : HostCheck("docker", "Docker")
{
    protected override IEnumerable<CheckResult> Judge(HostView view)
    {
        if (!view.IsDocker)
            yield break;
        var docker = view.Host.Docker;
        if (docker is null)
            yield return Result(view.Role, CheckStatus.Fail, "Docker is not installed", view.IsOld ? "The container cannot be here." : "The container cannot run here.", "Install Docker.");
        else if (!docker.Answers)
            yield return Result(view.Role, CheckStatus.Fail, docker.Problem!, "Containers can be neither looked at nor started.", "Start the daemon: systemctl start docker.");
        else if (view.Spec.Workload is ComposeProject && !docker.Compose)
            yield return Result(view.Role, CheckStatus.Fail, $"Docker {docker.Version} without Compose", "The project cannot be started here.", "Install the Compose plugin.");
        else if (view.IsOld && FactsFromInventory.WorkloadContainer(view.Host, view.Spec.Workload, view.Spec.Ports) is { } container && Foreign(docker, container) is { } driver)
            yield return Result(view.Role, CheckStatus.Fail, $"{container.Name} is on a {driver} network", "It has an address of its own outside this server, so nothing on this server can forward to or from it.", "Put it on a bridge network and publish its ports.");
        else if (docker.Swarm)
            yield return Result(view.Role, CheckStatus.Warn, $"Docker {docker.Version} in a swarm", "The swarm's own balancing (ingress) hides clients' addresses already, and it starts containers when it pleases.", "Migrate a container that is no swarm service.");
        else
            yield return Result(view.Role, CheckStatus.Pass, $"Docker {docker.Version}, data in {docker.RootFolder}");
    }

    /// <summary>The driver of a network that does not go through this host's own rules.</summary>
    private static string? Foreign(DockerState docker, Container container)
    {
        var drivers = container.Networks.Select(joined => docker.Networks.FirstOrDefault(network => network.Id == joined.NetworkId)?.Driver).OfType<string>().ToList();
        return drivers.Count > 0 && !drivers.Any(driver => driver is "bridge" or "host") ? drivers[0] : null;
    }
}
