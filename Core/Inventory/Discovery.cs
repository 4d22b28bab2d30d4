using MigrationDashboard.Core.Servers;

namespace MigrationDashboard.Core.Inventory;

/// <summary>Something on a server that could be moved.</summary>
/// <param name="Name">What the migration could be called.</param>
/// <param name="Program">The image, or the unit's own description.</param>
/// <param name="Ports">Ports that clients can call; SSH is never among them.</param>
/// <param name="Data">Volumes and folders that it writes to, as far as they are known.</param>
/// <param name="Problem">Why it cannot be moved as it is; null when it can.</param>
public sealed record WorkloadCandidate(string Name, Workload Workload, string Program, ValueList<ForwardedPort> Ports, ValueList<string> Data, string? Problem = null);

/// <summary>A port that clients can call, with who answers.</summary>
/// <param name="Container">Name of the container behind it, null for a process of the host.</param>
public sealed record OpenPort(ForwardedPort Port, string Owner, string? Container, string? Unit);

/// <summary>What a new migration can choose from: read from the servers, so that nobody has to type it.</summary>
public static class Discovery
{
    /// <summary>Ports of a server that clients can call, lowest first; without SSH and without what listens on loopback only.</summary>
    public static ValueList<OpenPort> Ports(HostInventory host) => Sockets(host)
        .Select(socket => (Socket: socket, Container: Publisher(host, socket.ForwardedPort) ?? host.Docker?.Containers.FirstOrDefault(container => container.Id == socket.Container)))
        .Select(found => new OpenPort(found.Socket.ForwardedPort, found.Container?.Name ?? found.Socket.Process ?? "the kernel", found.Container?.Name, found.Container is null ? found.Socket.Unit : null))

        // Without Docker's proxy processes a published port has no socket.
        .Concat((host.Docker?.Containers ?? []).Where(container => container.Running).SelectMany(container => Published(container).Select(port => new OpenPort(port, container.Name, container.Name, null))))
        .DistinctBy(port => port.Port).OrderBy(port => port.Port.Number).ThenBy(port => port.Port.Transport).ToValueList();

    /// <summary>Compose projects, containers and units that serve clients; those with the most ports first.</summary>
    public static ValueList<WorkloadCandidate> Workloads(HostInventory host)
    {
        var containers = (host.Docker?.Containers ?? []).Where(container => container.Running).ToList();
        return Projects(containers, host).Concat(Containers(containers, host)).Concat(Units(host))
            .OrderBy(candidate => candidate.Problem is null ? 0 : 1).ThenByDescending(candidate => candidate.Ports.Count).ThenBy(candidate => candidate.Name, StringComparer.Ordinal).ToValueList();
    }

    private static IEnumerable<WorkloadCandidate> Projects(List<Container> containers, HostInventory host) =>
        from project in containers.Where(container => container.ComposeProject is not null).GroupBy(container => container.ComposeProject!)
        where DockerName.Refuse(project.Key) is null
        let folder = project.Select(container => container.ComposeFolder).FirstOrDefault(folder => folder is not null)
        let ports = project.SelectMany(container => Ports(container, host)).Distinct().Order().ToValueList()
        where ports.Count > 0 && folder is not null
        select new WorkloadCandidate(project.Key, new ComposeProject(DockerName.Of(project.Key), folder), string.Join(", ", project.Select(container => container.Image).Distinct()), ports,
            project.SelectMany(Data).Distinct().ToValueList(), project.Select(container => Problem(container, host)).FirstOrDefault(problem => problem is not null));

    private static IEnumerable<WorkloadCandidate> Containers(List<Container> containers, HostInventory host) =>
        from container in containers
        where container.ComposeProject is null && DockerName.Refuse(container.Name) is null
        let ports = Ports(container, host).Distinct().Order().ToValueList()
        where ports.Count > 0
        select new WorkloadCandidate(container.Name, new DockerContainer(DockerName.Of(container.Name)), container.Image, ports, Data(container).ToValueList(), Problem(container, host));

    private static IEnumerable<WorkloadCandidate> Units(HostInventory host) =>
        from unit in Sockets(host).Where(socket => socket.Unit is not null && !IsInfrastructure(socket.Unit)).GroupBy(socket => socket.Unit!)
        where UnitName.Refuse(unit.Key) is null
        let service = host.Services.FirstOrDefault(service => service.Unit == unit.Key)
        select new WorkloadCandidate(unit.Key[..^".service".Length], new SystemdUnit(UnitName.Of(unit.Key), []), service?.Description ?? unit.Key,
            unit.Select(socket => socket.ForwardedPort).Distinct().Order().ToValueList(), []);

    /// <summary>Sockets that clients can reach from outside.</summary>
    private static IEnumerable<ListeningSocket> Sockets(HostInventory host) => host.Sockets.Where(socket =>
        !socket.IsLoopback && !(socket.Transport == Transport.Tcp && host.Ssh.Ports.Contains(socket.Port)) && !socket.Address.IsIPv6LinkLocal && socket.Interface is null);

    private static IEnumerable<ForwardedPort> Ports(Container container, HostInventory host) => container.NetworkMode == "host"
        ? Sockets(host).Where(socket => socket.Container == container.Id).Select(socket => socket.ForwardedPort)
        : Published(container);

    private static IEnumerable<ForwardedPort> Published(Container container) =>
        container.Ports.Where(port => !System.Net.IPAddress.IsLoopback(port.Address)).Select(port => new ForwardedPort(port.HostPort, port.Transport));

    private static Container? Publisher(HostInventory host, ForwardedPort port) =>
        host.Docker?.Containers.FirstOrDefault(container => container.Running && Published(container).Contains(port));

    private static IEnumerable<string> Data(Container container) => container.Mounts.Where(mount => mount.Writable && mount.Kind is "volume" or "bind").Select(mount => mount.Name ?? mount.Source);

    private static string? Problem(Container container, HostInventory host) =>
        container.NetworkMode != "host" && container.Networks.Select(joined => host.Docker?.Networks.FirstOrDefault(network => network.Id == joined.NetworkId)?.Driver).FirstOrDefault(driver => driver is "macvlan" or "ipvlan") is { } driver
            ? $"it is on a {driver} network, whose packets do not pass through this server" : null;

    /// <summary>Units that belong to the server and not to what it serves.</summary>
    private static bool IsInfrastructure(string unit) => unit.StartsWith("systemd-", StringComparison.Ordinal) || unit.StartsWith("migration-dashboard", StringComparison.Ordinal)
        || unit.StartsWith("openvpn", StringComparison.Ordinal) || unit is "ssh.service" or "sshd.service" or "docker.service" or "containerd.service" or "chrony.service" or "chronyd.service"
            or "ntp.service" or "ntpsec.service" or "rpcbind.service" or "avahi-daemon.service" or "cups.service" or "tailscaled.service" or "NetworkManager.service" or "snmpd.service";
}
