using System.Net;
using MigrationDashboard.Core.Servers;

namespace MigrationDashboard.Core.Inventory;

/// <param name="Problem">Why the daemon gave no answer; null when it did.</param>
/// <param name="RootFolder">Where images and volumes are.</param>
/// <param name="FirewallBackend"><c>iptables</c> or <c>nftables</c>; daemons before 28 do not say and use iptables.</param>
/// <param name="Compose">A Compose command is there.</param>
public sealed record DockerState(
    string? Problem, string Version, string RootFolder, string FirewallBackend, bool Compose, bool Swarm, ValueList<Container> Containers, ValueList<DockerNetwork> Networks)
{
    public bool Answers => Problem is null;

    public Container? Container(string nameOrId) =>
        Containers.FirstOrDefault(container => container.Name == nameOrId) ??
        Containers.FirstOrDefault(container => nameOrId.Length >= 12 && container.Id.StartsWith(nameOrId, StringComparison.Ordinal));

    public IEnumerable<Container> Project(string name) => Containers.Where(container => container.ComposeProject == name);
}

/// <param name="Name">Without the leading slash.</param>
/// <param name="Status"><c>running</c>, <c>exited</c>, …</param>
/// <param name="NetworkMode"><c>host</c>, <c>none</c>, <c>container:ID</c>, or the name of its first network.</param>
/// <param name="Restart">Restart policy: <c>no</c>, <c>always</c>, <c>unless-stopped</c>, <c>on-failure</c>.</param>
/// <param name="ComposeProject">Null when Compose did not make it.</param>
/// <param name="ComposeFolder">Compose's working directory.</param>
public sealed record Container(
    string Id,
    string Name,
    string Status,
    bool Running,
    string Image,
    string NetworkMode,
    string Restart,
    string? ComposeProject,
    string? ComposeFolder,
    ValueList<PublishedPort> Ports,
    ValueList<ContainerMount> Mounts,
    ValueList<ContainerNetwork> Networks);

/// <param name="Address">Any address when published on all.</param>
/// <param name="HostPort">The port clients call.</param>
public sealed record PublishedPort(IPAddress Address, ushort HostPort, ushort ContainerPort, Transport Transport);

/// <param name="Kind"><c>volume</c>, <c>bind</c>, <c>tmpfs</c>.</param>
/// <param name="Name">The volume's name, null for others.</param>
/// <param name="Source">Path on the host.</param>
public sealed record ContainerMount(string Kind, string? Name, string Source, string Destination, bool Writable);

/// <param name="Address">Null while the container does not run.</param>
public sealed record ContainerNetwork(string Name, string NetworkId, IPAddress? Address, int PrefixLength, IPAddress? AddressV6, int GatewayPriority);

/// <param name="Bridge">The interface of a bridge network; null for other drivers.</param>
public sealed record DockerNetwork(string Id, string Name, string Driver, bool Internal, string? Bridge, ValueList<IPNetwork> Subnets);
