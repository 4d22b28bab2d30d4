using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using MigrationDashboard.Core.HostScripts;

namespace MigrationDashboard.Core.Workloads;

/// <summary>Works out, from what two hosts have, how the containers of one are made on the other. Nothing is asked of the hosts here.</summary>
/// <param name="addresses">Addresses of the first host and what stands for each on the other: its public address becomes the other's public and link address.</param>
public sealed class DockerPlan(DockerHost from, DockerHost to, IReadOnlyDictionary<IPAddress, ValueList<IPAddress>> addresses)
{
    private readonly List<string> actions = [];
    private readonly List<string> notes = [];
    private readonly List<string> errors = [];
    private readonly List<SyncFolder> folders = [];
    private readonly List<ImageToMove> images = [];
    private readonly Dictionary<string, DockerNetwork> networks = [];
    private readonly StringBuilder functions = new();
    private readonly StringBuilder steps = new();

    /// <param name="folder">The folder of a Compose project, which moves with it; null without one.</param>
    public Preparation Make(string? folder = null)
    {
        if (from.Containers.Count == 0)
            errors.Add("the workload is not there: no such container");
        if (from.Settings.Security.Any(option => option.Contains("userns", StringComparison.Ordinal)) != to.Settings.Security.Any(option => option.Contains("userns", StringComparison.Ordinal)))
            errors.Add("one Docker remaps user ids (userns-remap) and the other does not: the files would belong to the wrong users");
        foreach (var container in from.Containers)
            Image(container);
        foreach (var name in from.Containers.SelectMany(container => container.HasOwnNetworks ? container.Networks : []).Select(attachment => attachment.Network).Distinct())
            Network(name);
        // A folder before what is in it, so that each is known for ours or not before anything is put into it.
        IEnumerable<ContainerMount> ofProject = folder is null ? [] : [new(MountKind.Bind, folder, folder, false, "", [])];
        foreach (var mount in from.Containers.SelectMany(container => container.Mounts).Concat(ofProject).DistinctBy(mount => (mount.Kind, mount.Source)).OrderBy(mount => mount.Source, StringComparer.Ordinal))
            if (mount.Kind == MountKind.Volume)
                Volume(mount.Source);
            else if (mount.Kind == MountKind.Bind)
                Bind(mount);
        foreach (var (index, container) in from.Containers.Index())
            Container(index, container);
        return new(
            functions + "prepare() {\n" + steps + "}\n",
            folders.Where(folder => !folders.Exists(other => other != folder && folder.Source.StartsWith(other.Source + "/", StringComparison.Ordinal))).ToValueList(),
            images.ToValueList(),
            actions.ToValueList(),
            notes.ToValueList(),
            errors.ToValueList());
    }

    private void Step(string name, params IEnumerable<string> command) => steps.Append(CultureInfo.InvariantCulture, $"  step {Shell.Quote(name)} {Shell.Words(command)}\n");

    /// <summary>The name where it means the same image on both hosts, the id otherwise: a name that is taken on the other host stays what it is there.</summary>
    private string ImageReference(ContainerDefinition container)
    {
        var theirs = to.Images.FirstOrDefault(image => image.Reference == container.Image);
        var named = from.Images.Any(image => image.Reference == container.Image && image.Id == container.ImageId);
        return theirs is null ? named ? container.Image : container.ImageId : theirs.Id == container.ImageId ? container.Image : container.ImageId;
    }

    private void Image(ContainerDefinition container)
    {
        var reference = ImageReference(container);
        if (to.Images.All(image => image.Id != container.ImageId) && images.TrueForAll(image => image.Id != container.ImageId))
            images.Add(new(container.ImageId, reference));
        if (reference != container.Image)
            notes.Add($"image {container.Image} is another one by that name on the other host or has lost its name: {container.Name} is made from its id");
        Step($"image of {container.Name}", "image_is_there", reference);
    }

    private void Network(string name)
    {
        if (to.Networks.FirstOrDefault(network => network.Name == name) is { } theirs)
        {
            networks[name] = theirs;
            notes.Add($"network {name} is there already and stays as it is ({string.Join(", ", theirs.Subnets.Select(subnet => subnet.Network))})");
            return;
        }

        if (from.Networks.FirstOrDefault(network => network.Name == name) is not { } ours)
        {
            errors.Add($"network {name} is not known on the first host");
            return;
        }

        if (ours.Driver is not ("bridge" or "macvlan" or "ipvlan"))
        {
            errors.Add($"network {name} is of the kind “{ours.Driver}”, which cannot be made on one host: make it on the other host first");
            return;
        }

        if (ours.Driver != "bridge")
            notes.Add($"network {name} is of the kind “{ours.Driver}” and depends on the interface {string.Join(", ", ours.Options)}: see that the other host has it");
        var taken = to.Routes.Concat(to.Networks.SelectMany(network => network.Subnets).Select(subnet => subnet.Network)).ToList();
        var kept = ours.Subnets.Where(subnet => !taken.Exists(other => DockerHost.Overlap(other, subnet.Network))).ToValueList();
        foreach (var lost in ours.Subnets.Except(kept))
            notes.Add($"network {name} cannot have {lost.Network} on the other host, where it is in use: Docker chooses");
        var ipv6 = ours.Ipv6 && kept.Any(subnet => subnet.Network.BaseAddress.AddressFamily == AddressFamily.InterNetworkV6);
        networks[name] = ours with { Subnets = kept, Taken = [], Ipv6 = ipv6 };
        List<string> command = ["docker", "network", "create", $"--driver={ours.Driver}"];
        if (ours.Internal)
            command.Add("--internal");
        if (ours.Attachable)
            command.Add("--attachable");
        if (ipv6)
            command.Add("--ipv6");
        foreach (var subnet in kept)
        {
            command.Add($"--subnet={subnet.Network}");
            if (subnet.Gateway is not null)
                command.Add($"--gateway={subnet.Gateway.Split('/')[0]}");
            if (!string.IsNullOrEmpty(subnet.Range))
                command.Add($"--ip-range={subnet.Range}");
        }

        command.AddRange(ours.Options.Select(option => $"--opt={option}"));
        command.AddRange(ours.Labels.Select(label => $"--label={label}"));
        command.Add(name);
        actions.Add($"make network {name}");
        Step($"network {name}", ["make", "network", name, .. command]);
    }

    private void Volume(string name)
    {
        var ours = from.Volumes.FirstOrDefault(volume => volume.Name == name);
        if (ours is null)
        {
            errors.Add($"volume {name} is not known on the first host");
            return;
        }

        var theirs = to.Volumes.FirstOrDefault(volume => volume.Name == name);
        if (theirs is not null && (theirs.Driver != ours.Driver || !theirs.Options.Equals(ours.Options)))
        {
            errors.Add($"volume {name} is there already on the other host, but of another kind");
            return;
        }

        actions.Add(theirs is null ? $"make volume {name}" : $"use volume {name}, which is there already");
        Step($"volume {name}", ["make_volume", name, "docker", "volume", "create", $"--driver={ours.Driver}", .. ours.Options.Select(option => $"--opt={option}"), .. ours.Labels.Select(label => $"--label={label}"), name]);
        var options = ours.Options.Select(option => option.Split('=', 2)).ToDictionary(pair => pair[0], pair => pair[1]);
        if (ours.Driver != "local")
        {
            notes.Add($"volume {name} is kept by the driver “{ours.Driver}”: the other host must have it and reach the same data; nothing is copied");
        }
        else if (options.GetValueOrDefault("o", "").Split(',').Contains("bind") && options.TryGetValue("device", out var device))
        {
            // Docker mounts such a volume only while a container uses it: its own folder would be found empty, so the folder behind it is what moves.
            Folder(device, device, isFile: false, $"volume {name}");
            Step($"folder {device}", "make_folder", device);
        }
        else if (options.Count > 0)
        {
            notes.Add($"volume {name} is mounted from elsewhere ({string.Join(", ", ours.Options)}): the other host must reach the same; nothing is copied");
        }
        else
        {
            folders.Add(new(ours.Mountpoint, theirs?.Mountpoint ?? $"{to.Settings.Root}/volumes/{name}/_data", false));
        }
    }

    private void Bind(ContainerMount mount)
    {
        var kind = from.Paths.FirstOrDefault(path => path.Path == mount.Source)?.Kind ?? "missing";
        if (kind is "file" or "folder" && SyncFolder.Refuse(mount.Source) is null)
        {
            Folder(mount.Source, mount.Source, kind == "file", "the bind mount");
            Step($"{kind} {mount.Source}", kind == "file" ? "make_file" : "make_folder", mount.Source);
        }
        else if (kind == "missing")
        {
            errors.Add($"{mount.Source}, which is {mount.Target} in the container, is not there");
        }
        else if (kind != "folder" || mount.ReadOnly || mount.Source.StartsWith("/run", StringComparison.Ordinal))
        {
            // A socket, a device, the time zone: what belongs to the host.
            notes.Add($"{mount.Source} is not copied: the container sees the other host's own");
        }
        else
        {
            errors.Add($"{SyncFolder.Refuse(mount.Source)}: the container may write to it, and it cannot be mirrored");
        }
    }

    private void Folder(string source, string target, bool isFile, string what)
    {
        if (SyncFolder.Refuse(source) is { } reason)
            errors.Add($"{what}: {reason}");
        else
            folders.Add(new(source.TrimEnd('/'), target.TrimEnd('/'), isFile));
    }

    private void Container(int index, ContainerDefinition container)
    {
        errors.AddRange(container.Refusals.Select(refusal => $"container {container.Name}: {refusal}"));
        errors.AddRange(container.Environment.Select(CreateCommand.Refuse).OfType<string>().Select(reason => $"container {container.Name}: {reason}"));
        if (container.Changed.Count > 0)
            notes.Add($"container {container.Name} has {container.Changed.Count} changed files outside of its volumes, which stay behind: {string.Join(", ", container.Changed.Take(5))}{(container.Changed.Count > 5 ? ", …" : "")}");
        var moved = container with
        {
            Image = ImageReference(container),
            Published = container.Published.SelectMany(port => Published(container.Name, port)).Distinct().ToValueList(),
            Networks = container.Networks.Select(Fitting).ToValueList(),
        };
        foreach (var port in moved.Published.Where(port => port.HostPort.Length > 0))
            InTheWay(container.Name, port);
        var command = CreateCommand.Of(moved, "$STATE");
        var text = command.Render(index);
        functions.Append(text);
        actions.Add($"make container {container.Name}, not started");
        Step($"container {container.Name}", "make_container", container.Name, container.Restart, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text))), $"create_{index}");
        foreach (var network in command.Further)
            Step($"network {network.Network} of {container.Name}", ["connect_container", container.Name, network.Network, .. CreateCommand.Attachment(network)]);
    }

    private IEnumerable<PublishedPort> Published(string container, PublishedPort port)
    {
        if (port.HostAddress.Length == 0 || !IPAddress.TryParse(port.HostAddress, out var address) || IPAddress.IsLoopback(address) || address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any))
            return [port];
        if (addresses.TryGetValue(address, out var theirs))
            return theirs.Select(other => port with { HostAddress = other.ToString() });
        errors.Add($"container {container} publishes {port.Inside} at {address}, and nothing on the other host stands for that address");
        return [];
    }

    /// <summary>An address of its own is kept only where the network has it and nobody else uses it.</summary>
    private NetworkAttachment Fitting(NetworkAttachment attachment)
    {
        if (!networks.TryGetValue(attachment.Network, out var network))
            return attachment;
        IPAddress? Fit(IPAddress? address)
        {
            if (address is null || (network.Subnets.Any(subnet => subnet.Network.Contains(address)) && !network.Taken.Contains(address)))
                return address;
            notes.Add($"{address} does not fit network {network.Name} on the other host: Docker chooses an address");
            return null;
        }

        return attachment with { Ipv4 = Fit(attachment.Ipv4), Ipv6 = Fit(attachment.Ipv6) };
    }

    private void InTheWay(string container, PublishedPort port)
    {
        // Our own container, made and tried before, may be up.
        if (to.Containers.Any(theirs => theirs.Name == container && theirs.Published.Any(own => own.HostPort == port.HostPort)))
            return;
        var transport = port.Inside.EndsWith("/udp", StringComparison.Ordinal) ? "udp" : "tcp";
        foreach (var line in to.Listening.Select(line => line.Split(' ')).Where(parts => parts.Length == 3 && parts[0] == transport && parts[1] == port.HostPort))
            if (!IPAddress.TryParse(line[2].Trim('[', ']').Split('%')[0], out var bound) || !IPAddress.IsLoopback(bound) || port.HostAddress.Length == 0)
                errors.Add($"port {port.HostPort}/{transport} of the other host is taken: something listens at {line[2]}");
    }
}
