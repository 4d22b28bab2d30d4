using System.Net;
using System.Text.Json;

namespace MigrationDashboard.Core.Workloads;

/// <summary>What the inspection of a host with Docker found: the workload itself, if it is there, and all that could be in the way of making it.</summary>
public sealed record DockerHost
{
    public required DockerSettings Settings { get; init; }

    /// <summary>The workload's containers, in the order in which they start.</summary>
    public ValueList<ContainerDefinition> Containers { get; init; } = [];

    public ValueList<DockerNetwork> Networks { get; init; } = [];

    public ValueList<DockerVolume> Volumes { get; init; } = [];

    public ValueList<DockerImage> Images { get; init; } = [];

    /// <summary>Names of all containers of the host.</summary>
    public ValueList<string> ContainerNames { get; init; } = [];

    /// <summary>Destinations of the host's routes, without the default ones.</summary>
    public ValueList<IPNetwork> Routes { get; init; } = [];

    /// <summary>What listens on the host: <c>tcp 25 0.0.0.0</c>.</summary>
    public ValueList<string> Listening { get; init; } = [];

    /// <summary>The sources of bind mounts: what is there.</summary>
    public ValueList<HostPath> Paths { get; init; } = [];

    /// <exception cref="InvalidInputException">The output is not that of a successful inspection.</exception>
    public static DockerHost Parse(string inspected)
    {
        var output = ScriptOutput.Parse(inspected);
        if (output.Failure is { } failure)
            throw new InvalidInputException("inspection", failure.Output);
        if (output.Result("docker")?.Member("data") is not { } docker)
            throw new InvalidInputException("inspection", "Docker did not answer");
        var settings = new DockerSettings(
            docker.Text("root") ?? "/var/lib/docker", docker.Text("version") ?? "", docker.Text("cgroup") ?? "1", docker.Text("runtime") ?? "runc",
            docker.Text("logging") ?? "json-file", docker.Texts("security"));
        IEnumerable<JsonElement> All(string name) => output.Results.Where(result => result.Name == name).Select(result => result.Json.Member("data") ?? result.Json);
        ValueList<string> Lines(string name) => output.Result(name)?.Lines("data") ?? [];
        var images = All("image").ToLookup(image => image.Text("Id") ?? "");
        var changed = output.Results.Where(result => result.Name == "changed").Select(result => result.Json.Lines("data")).Where(lines => lines.Count > 0)
            .ToLookup(lines => lines[0], lines => lines.Skip(1));
        return new()
        {
            Settings = settings,
            Containers = All("container").Select(container =>
            {
                JsonElement? image = images[container.Text("Image") ?? ""].Select(found => (JsonElement?)found).FirstOrDefault();
                return ContainerReading.Read(container, image, settings, changed[(container.Text("Name") ?? "").TrimStart('/')].SelectMany(lines => lines).ToValueList());
            }).ToValueList(),
            Networks = All("network").Select(DockerNetwork.Read).ToValueList(),
            Volumes = All("volume").Select(volume => new DockerVolume(
                volume.Text("Name") ?? "", volume.Text("Driver") ?? "local", volume.Text("Mountpoint") ?? "", volume.Pairs("Options"), volume.Pairs("Labels"))).ToValueList(),
            Images = Lines("images").Select(line => line.Split(' ', 2)).Where(parts => parts.Length == 2).Select(parts => new DockerImage(parts[0], parts[1])).ToValueList(),
            ContainerNames = Lines("containers"),
            Routes = Lines("routes").Where(route => route is not ("default" or "unreachable")).Select(Network).OfType<IPNetwork>().ToValueList(),
            Listening = Lines("listening"),
            Paths = output.Results.Where(result => result.Name == "path")
                .Select(result => new HostPath(result.Json.Text("path") ?? "", result.Json.Text("kind") ?? "missing")).Distinct().ToValueList(),
        };
    }

    /// <summary>A network as <c>ip route</c> and Docker write it: a single address is one without a length, and Docker's may have host bits.</summary>
    public static IPNetwork? Network(string? text)
    {
        var parts = (text ?? "").Split('/', 2);
        if (!IPAddress.TryParse(parts[0], out var address))
            return null;
        var bytes = address.GetAddressBytes();
        var length = parts.Length == 2 && int.TryParse(parts[1], out var given) ? given : bytes.Length * 8;
        if (length < 0 || length > bytes.Length * 8)
            return null;
        for (var bit = length; bit < bytes.Length * 8; bit++)
            bytes[bit / 8] &= (byte)~(0x80 >> (bit % 8));
        return new IPNetwork(new IPAddress(bytes), length);
    }

    public static bool Overlap(IPNetwork one, IPNetwork other) => one.Contains(other.BaseAddress) || other.Contains(one.BaseAddress);
}

/// <param name="Options"><c>name=value</c> each.</param>
/// <param name="Taken">Addresses that running containers have in it.</param>
public sealed record DockerNetwork(
    string Name,
    string Driver,
    bool Internal,
    bool Attachable,
    bool Ipv6,
    ValueList<DockerSubnet> Subnets,
    ValueList<string> Options,
    ValueList<string> Labels,
    ValueList<IPAddress> Taken)
{
    /// <summary>Docker makes these itself.</summary>
    public bool IsBuiltIn => Name is "bridge" or "host" or "none";

    internal static DockerNetwork Read(JsonElement json) => new(
        json.Text("Name") ?? "",
        json.Text("Driver") ?? "",
        json.Flag("Internal"),
        json.Flag("Attachable"),
        json.Flag("EnableIPv6"),
        json.Items("IPAM", "Config").Select(item => (Subnet: DockerHost.Network(item.Text("Subnet")), Item: item)).Where(pair => pair.Subnet is not null)
            .Select(pair => new DockerSubnet(pair.Subnet!.Value, pair.Item.Text("Gateway"), pair.Item.Text("IPRange"))).ToValueList(),
        json.Pairs("Options"),
        json.Pairs("Labels"),
        json.Members("Containers").SelectMany(container => new[] { container.Value.Text("IPv4Address"), container.Value.Text("IPv6Address") })
            .Select(text => IPAddress.TryParse((text ?? "").Split('/')[0], out var address) ? address : null).OfType<IPAddress>().ToValueList());
}

public sealed record DockerSubnet(IPNetwork Network, string? Gateway, string? Range);

public sealed record DockerVolume(string Name, string Driver, string Mountpoint, ValueList<string> Options, ValueList<string> Labels);

/// <param name="Reference">Repository and tag; <c>&lt;none&gt;:&lt;none&gt;</c> for an image without a name.</param>
public sealed record DockerImage(string Id, string Reference);

/// <param name="Kind"><c>folder</c>, <c>file</c>, <c>special</c> (socket, device) or <c>missing</c>.</param>
public sealed record HostPath(string Path, string Kind);
