using System.Globalization;
using System.Net;
using System.Text.Json;
using MigrationDashboard.Core.Servers;

namespace MigrationDashboard.Core.Inventory;

/// <summary>Reads the JSON that the Docker command prints: one object a line. What an older or newer Docker leaves out or adds does no harm.</summary>
internal static class DockerText
{
    public static DockerState? Parse(Section info, Section containers, Section networks, bool composeV1)
    {
        if (info.IsAbsent)
            return null;
        using var document = Json(string.Concat(info.Lines));
        if (!info.IsGood || document is null || Text(document.RootElement, "ServerVersion") is not { Length: > 0 } version)
            return new(info.Exit == 0 ? "the daemon does not answer" : info.Reason, "", "", "", composeV1, false, [], []);
        var root = document.RootElement;
        var failed = containers.IsGood ? networks.IsGood ? null : networks : containers;
        return new(
            failed?.Reason,
            version,
            Text(root, "DockerRootDir") ?? "",
            Text(Get(root, "FirewallBackend"), "Driver") is { } driver && driver.StartsWith("nftables", StringComparison.Ordinal) ? "nftables" : "iptables",
            composeV1 || Items(Get(Get(root, "ClientInfo"), "Plugins")).Any(plugin => Text(plugin, "Name") == "compose"),
            Text(Get(root, "Swarm"), "LocalNodeState") == "active",
            Objects(containers, Container),
            Objects(networks, Network));
    }

    private static ValueList<T> Objects<T>(Section section, Func<JsonElement, T?> read)
        where T : class
    {
        var objects = new List<T>();
        foreach (var line in section.Lines)
        {
            using var document = Json(line);
            if (document is not null && read(document.RootElement) is { } value)
                objects.Add(value);
        }

        return objects.ToValueList();
    }

    private static Container? Container(JsonElement json)
    {
        if (Text(json, "id") is not { } id || Text(json, "name")?.TrimStart('/') is not { } name)
            return null;
        var labels = Get(json, "labels");
        return new(
            id,
            name,
            Text(json, "status") ?? "",
            Get(json, "running") is { ValueKind: JsonValueKind.True },
            Text(json, "image") ?? "",
            Text(json, "networkMode") ?? "",
            Text(json, "restart") ?? "",
            Text(labels, "com.docker.compose.project"),
            Text(labels, "com.docker.compose.project.working_dir"),
            Ports(Get(json, "ports")).Concat(Ports(Get(json, "bindings"))).Distinct().ToValueList(),
            Items(Get(json, "mounts")).Select(mount => new ContainerMount(
                Text(mount, "Type") ?? "bind",
                Text(mount, "Name") is { Length: > 0 } volume ? volume : null,
                Text(mount, "Source") ?? "",
                Text(mount, "Destination") ?? "",
                Get(mount, "RW") is not { ValueKind: JsonValueKind.False })).ToValueList(),
            Members(Get(json, "networks")).Select(network => new ContainerNetwork(
                network.Name,
                Text(network.Value, "NetworkID") ?? "",
                Address(Text(network.Value, "IPAddress")),
                Number(network.Value, "IPPrefixLen"),
                Address(Text(network.Value, "GlobalIPv6Address")),
                Number(network.Value, "GwPriority"))).OrderBy(network => network.Name, StringComparer.Ordinal).ToValueList());
    }

    /// <summary><c>{"25/tcp":[{"HostIp":"0.0.0.0","HostPort":"25"}]}</c>; null instead of the list for a port that is only exposed.</summary>
    private static IEnumerable<PublishedPort> Ports(JsonElement? ports)
    {
        foreach (var port in Members(ports))
        {
            var parts = port.Name.Split('/');
            Transport? transport = parts.ElementAtOrDefault(1) switch { "tcp" or null => Transport.Tcp, "udp" => Transport.Udp, _ => null };
            if (transport is null || !ushort.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var inside))
                continue;
            foreach (var binding in Items(port.Value))
            {
                // An empty address means all, of both families; the daemon writes those out for running containers.
                var address = Text(binding, "HostIp") is { Length: > 0 } host ? Address(host) : IPAddress.Any;
                if (address is not null && ushort.TryParse(Text(binding, "HostPort"), NumberStyles.None, CultureInfo.InvariantCulture, out var outside) && outside != 0)
                    yield return new(address, outside, inside, transport.Value);
            }
        }
    }

    private static DockerNetwork? Network(JsonElement json)
    {
        if (Text(json, "id") is not { } id || Text(json, "name") is not { } name)
            return null;
        var driver = Text(json, "driver") ?? "";

        // Docker names a bridge after the network's id unless told otherwise.
        var bridge = driver != "bridge" ? null : Text(Get(json, "options"), "com.docker.network.bridge.name") ?? (id.Length >= 12 ? "br-" + id[..12] : null);
        var subnets = Items(Get(json, "ipam")).Select(part => IPNetwork.TryParse(Text(part, "Subnet"), out var network) ? network : (IPNetwork?)null).OfType<IPNetwork>();
        return new(id, name, driver, Get(json, "internal") is { ValueKind: JsonValueKind.True }, bridge, subnets.ToValueList());
    }

    private static JsonDocument? Json(string text)
    {
        try
        {
            return JsonDocument.Parse(text);
        }
        catch (JsonException)
        {
            // A line that Docker did not mean as JSON (a warning, say) is none of ours; a missing object shows in the checks.
            return null;
        }
    }

    private static JsonElement? Get(JsonElement? json, string name) =>
        json is { ValueKind: JsonValueKind.Object } found && found.TryGetProperty(name, out var value) ? value : null;

    private static string? Text(JsonElement? json, string name) => Get(json, name) is { ValueKind: JsonValueKind.String } text ? text.GetString() : null;

    private static int Number(JsonElement json, string name) => Get(json, name) is { ValueKind: JsonValueKind.Number } number && number.TryGetInt32(out var value) ? value : 0;

    private static List<JsonElement> Items(JsonElement? json) => json is { ValueKind: JsonValueKind.Array } array ? [.. array.EnumerateArray()] : [];

    private static List<JsonProperty> Members(JsonElement? json) => json is { ValueKind: JsonValueKind.Object } found ? [.. found.EnumerateObject()] : [];

    private static IPAddress? Address(string? text) => IPAddress.TryParse(text, out var address) ? address : null;
}
