using System.Text.Json;
using System.Text.Json.Nodes;
using MigrationDashboard.Core.Workloads;

namespace MigrationDashboard.Core.Tests.Workloads;

/// <summary>What the inspection of hosts prints, put together from Docker's own JSON with only what a test is about.</summary>
public static class Inspections
{
    public const string ImageId = "sha256:1111111111111111111111111111111111111111111111111111111111111111";

    /// <param name="config">Members of Config, HostConfig and so on that differ from a plain container, as JSON.</param>
    public static string Container(string name = "mail", string config = "{}", string host = "{}", string mounts = "[]", string networks = "{}") => new JsonObject
    {
        ["Id"] = "e57ad3a2c7b701dd903f9280db8938fa0147db5049ca4a2a7c3822fbbbea0bf1",
        ["Name"] = "/" + name,
        ["Image"] = ImageId,
        ["Config"] = Merged("""{"Hostname":"e57ad3a2c7b7","Image":"app:1","Env":["PATH=/bin"],"Cmd":["serve"],"Entrypoint":["/init"],"Labels":{"maker":"us"},"WorkingDir":"/srv","ExposedPorts":{"25/tcp":{}}}""", config),
        ["HostConfig"] = Merged("""{"NetworkMode":"default","LogConfig":{"Type":"json-file","Config":{}},"RestartPolicy":{"Name":"always","MaximumRetryCount":0},"CgroupnsMode":"host","IpcMode":"private","ShmSize":67108864,"Runtime":"runc","PidsLimit":null}""", host),
        ["Mounts"] = JsonNode.Parse(mounts),
        ["NetworkSettings"] = new JsonObject { ["Networks"] = JsonNode.Parse(networks) },
    }.ToJsonString();

    public const string Image = $$"""{"Id":"{{ImageId}}","Config":{"Env":["PATH=/bin"],"Cmd":["serve"],"Entrypoint":["/init"],"Labels":{"maker":"us"},"WorkingDir":"/srv","ExposedPorts":{"25/tcp":{} } } }""";

    public static string Line(string result, string data) => $$"""{"result":"{{result}}","data":{{data}}}""" + "\n";

    public static string Text(string result, string data) => Line(result, JsonSerializer.Serialize(data));

    public static string Docker(string security = "[]") =>
        Line("docker", $$"""{"root":"/var/lib/docker","version":"20.10.24","cgroup":"1","runtime":"runc","logging":"json-file","security":{{security}}}""");

    /// <summary>A host with one container, its image and what else is given.</summary>
    public static string Old(string container, params string[] more) =>
        Docker() + Line("container", container) + Line("image", Image) + Text("images", $"{ImageId} app:1") + string.Concat(more);

    public static string New(params string[] more) => Docker() + string.Concat(more);

    public static ContainerDefinition Definition(string container) => DockerHost.Parse(Old(container)).Containers[0];

    private static JsonObject Merged(string one, string other)
    {
        var merged = JsonNode.Parse(one)!.AsObject();
        foreach (var (name, value) in JsonNode.Parse(other)!.AsObject())
            merged[name] = value?.DeepClone();
        return merged;
    }
}
