using System.Globalization;
using System.Net;
using System.Text.Json;

namespace MigrationDashboard.Core.Workloads;

/// <summary>Reads <see cref="ContainerDefinition"/> from what <c>docker inspect</c> says of a container and its image (Docker Engine API, ContainerInspect and ImageInspect).</summary>
public static class ContainerReading
{
    /// <param name="image">Null when the image is gone: then everything is taken for the container's own.</param>
    public static ContainerDefinition Read(JsonElement container, JsonElement? image, DockerSettings docker, ValueList<string> changed)
    {
        var config = container.Member("Config") ?? default;
        var ofImage = image?.Member("Config") ?? default;
        var host = container.Member("HostConfig") ?? default;
        var (entrypoint, command) = Process(config, ofImage);
        var id = container.Text("Id") ?? "";
        var shortId = id.Length > 12 ? id[..12] : id;
        return new()
        {
            Name = (container.Text("Name") ?? "").TrimStart('/'),
            Image = config.Text("Image") ?? "",
            ImageId = container.Text("Image") ?? "",
            Entrypoint = entrypoint,
            Command = command,
            Environment = config.Texts("Env").Except(ofImage.Texts("Env")).ToValueList(),
            Options = ContainerOptions.Read(config, ofImage, host, docker, shortId),
            Mounts = Mounts(container, host),
            Published = Published(host),
            NetworkMode = host.Text("NetworkMode") ?? "default",
            Networks = Networks(container, shortId),
            Restart = Restart(host),
            Seccomp = host.Texts("SecurityOpt").FirstOrDefault(option => option.StartsWith("seccomp={", StringComparison.Ordinal))?["seccomp=".Length..],
            Changed = changed,
            Refusals = Refusals(config, host),
        };
    }

    /// <summary>Entrypoint and command as far as they are not the image's. An entrypoint of one's own switches off the image's command (docker run reference).</summary>
    private static (ValueList<string>? Entrypoint, ValueList<string>? Command) Process(JsonElement config, JsonElement image)
    {
        var entrypoint = config.Texts("Entrypoint");
        var command = config.Texts("Cmd");
        var sameEntrypoint = entrypoint.Equals(image.Texts("Entrypoint"));
        if (sameEntrypoint && command.Equals(image.Texts("Cmd")))
            return (null, null);
        return sameEntrypoint && command.Count > 0 ? (null, command) : (entrypoint, command);
    }

    private static ValueList<ContainerMount> Mounts(JsonElement container, JsonElement host)
    {
        var wanted = host.Items("Mounts").ToLookup(mount => mount.Text("Target") ?? "");
        var mounts = new List<ContainerMount>();
        foreach (var mount in container.Items("Mounts"))
        {
            var target = mount.Text("Destination") ?? "";
            var readOnly = mount.Member("RW") is { ValueKind: JsonValueKind.False };
            var propagation = mount.Text("Propagation") is { Length: > 0 } value && value != "rprivate" ? [$"bind-propagation={value}"] : ValueList<string>.Empty;
            if (mount.Text("Type") == "bind")
                mounts.Add(new(MountKind.Bind, mount.Text("Source") ?? "", target, readOnly, Relabel(mount.Text("Mode")), propagation));
            else if (mount.Text("Type") == "volume")
                mounts.Add(new(MountKind.Volume, mount.Text("Name") ?? "", target, readOnly, "", []));
        }

        foreach (var mount in wanted.SelectMany(group => group).Where(mount => mount.Text("Type") == "tmpfs"))
        {
            var more = new List<string>();
            if (mount.Number("TmpfsOptions", "SizeBytes") is > 0 and var size)
                more.Add(string.Create(CultureInfo.InvariantCulture, $"tmpfs-size={size}"));
            if (mount.Number("TmpfsOptions", "Mode") is > 0 and var mode)
                more.Add("tmpfs-mode=" + Convert.ToString(mode, 8));
            mounts.Add(new(MountKind.Tmpfs, "", mount.Text("Target") ?? "", mount.Flag("ReadOnly"), "", more.ToValueList()));
        }

        return mounts.OrderBy(mount => mount.Target, StringComparer.Ordinal).ToValueList();
    }

    private static string Relabel(string? mode) => (mode ?? "").Split(',') is var words && words.Contains("Z") ? "Z" : words.Contains("z") ? "z" : "";

    private static ValueList<PublishedPort> Published(JsonElement host) => host.Members("PortBindings")
        .SelectMany(port => port.Value.ValueKind == JsonValueKind.Array
            ? port.Value.EnumerateArray().Select(binding => new PublishedPort(port.Name, binding.Text("HostIp") ?? "", binding.Text("HostPort") ?? ""))
            : [])
        .OrderBy(port => port.Inside, StringComparer.Ordinal).ThenBy(port => port.HostAddress, StringComparer.Ordinal).ThenBy(port => port.HostPort, StringComparer.Ordinal)
        .ToValueList();

    private static ValueList<NetworkAttachment> Networks(JsonElement container, string shortId) => container.Members("NetworkSettings", "Networks")
        .Where(network => network.Name is not ("bridge" or "host" or "none"))
        .Select(network => new NetworkAttachment(
            network.Name,
            // Docker adds the short id by itself.
            network.Value.Texts("Aliases").Where(alias => alias != shortId).ToValueList(),
            Address(network.Value.Text("IPAMConfig", "IPv4Address")),
            Address(network.Value.Text("IPAMConfig", "IPv6Address"))))
        .OrderBy(network => network.Network, StringComparer.Ordinal).ToValueList();

    private static IPAddress? Address(string? text) => IPAddress.TryParse(text, out var address) ? address : null;

    private static string Restart(JsonElement host)
    {
        var name = host.Text("RestartPolicy", "Name");
        var count = host.Number("RestartPolicy", "MaximumRetryCount");
        return string.IsNullOrEmpty(name) ? "no" : name == "on-failure" && count > 0 ? string.Create(CultureInfo.InvariantCulture, $"{name}:{count}") : name;
    }

    private static ValueList<string> Refusals(JsonElement config, JsonElement host)
    {
        var refusals = new List<string>();
        if (host.Flag("AutoRemove"))
            refusals.Add("it removes itself when it stops (--rm), so it could not be started again if the move fails: make it without --rm");
        if (config.Member("Labels", "com.docker.swarm.service.id") is not null)
            refusals.Add("it belongs to a Swarm service, which would start it again by itself");
        if (config.Member("Labels", "io.kubernetes.pod.name") is not null)
            refusals.Add("it belongs to a Kubernetes pod, which would start it again by itself");
        if (host.Text("NetworkMode")?.StartsWith("container:", StringComparison.Ordinal) == true)
            refusals.Add("it shares the network of another container, which would have to move with it");
        if (host.Items("Links").Any())
            refusals.Add("it uses links (--link), which Docker has replaced by networks: put both containers in one network");
        return refusals.ToValueList();
    }
}

/// <summary>What a host's Docker does unless told otherwise.</summary>
/// <param name="CgroupVersion"><c>1</c> or <c>2</c>.</param>
public sealed record DockerSettings(string Root, string Version, string CgroupVersion, string Runtime, string Logging, ValueList<string> Security);
