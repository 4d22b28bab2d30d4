using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using MigrationDashboard.Infrastructure.Tests.Ssh;

namespace MigrationDashboard.Web.Tests.Pages;

/// <summary>Two registered servers, which are one sshd by two names, and migrations between them; made by the API.</summary>
internal static class Site
{
    private static int _migrations;

    public static async Task<(Guid Old, Guid New)> ServersAsync(World world, SshServer ssh)
    {
        using var client = world.Dashboard.Client(Dashboard.Token);
        var key = await KeyAsync(client, ssh);
        return (await ServerAsync(client, "mail-old", "127.0.0.1", ssh, key), await ServerAsync(client, "mail-new", "localhost", ssh, key));
    }

    public static async Task<Guid> KeyAsync(HttpClient client, SshServer ssh)
    {
        var known = (await client.GetFromJsonAsync<JsonElement>("/api/v1/keys")).EnumerateArray().FirstOrDefault(key => key.GetProperty("name").GetString() == "lab");
        return known.ValueKind == JsonValueKind.Object
            ? known.GetProperty("id").GetGuid()
            : (await PostAsync(client, "/api/v1/keys", new { name = "lab", privateKey = Encoding.ASCII.GetString(ssh.Key.PrivateKey.Span) })).GetProperty("id").GetGuid();
    }

    /// <summary>Moves ports of its own: on one pair of servers a port can only go one way.</summary>
    public static async Task<Guid> MigrationAsync(World world, string name, Guid old, Guid @new)
    {
        using var client = world.Dashboard.Client(Dashboard.Token);
        var number = Interlocked.Increment(ref _migrations);
        return (await PostAsync(client, "/api/v1/migrations", new
        {
            name,
            oldServer = old,
            newServer = @new,
            ports = $"{2000 + number}, {4000 + number}",
            link = new { kind = "openVpnTap", oldInterface = "md0", newInterface = "md0", oldIpv4 = "10.254.0.1/30", newIpv4 = "10.254.0.2/30" },
            workload = new { kind = "docker", container = "mail" },
        })).GetProperty("id").GetGuid();
    }

    public static async Task<JsonElement> PostAsync(HttpClient client, string path, object body)
    {
        var answer = await client.PostAsJsonAsync(path, body);
        Assert.True(answer.IsSuccessStatusCode, $"{path}: {await answer.Content.ReadAsStringAsync()}");
        return await answer.Content.ReadFromJsonAsync<JsonElement>();
    }

    private static async Task<Guid> ServerAsync(HttpClient client, string name, string host, SshServer ssh, Guid keyId)
    {
        var known = (await client.GetFromJsonAsync<JsonElement>("/api/v1/servers")).EnumerateArray().FirstOrDefault(server => server.GetProperty("name").GetString() == name);
        return known.ValueKind == JsonValueKind.Object
            ? known.GetProperty("id").GetGuid()
            : (await PostAsync(client, "/api/v1/servers", new { name, host, port = ssh.Port, user = "root", hostKeys = new[] { ssh.HostKey.ToString() }, keyId })).GetProperty("id").GetGuid();
    }
}
