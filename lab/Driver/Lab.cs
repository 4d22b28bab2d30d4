using System.Diagnostics;
using System.Text.Json;

namespace MigrationDashboard.Driver;

/// <summary>The lab that this program runs in: started by <c>script/lab up</c>, and this program by <c>script/lab exec</c>.</summary>
public sealed class Lab
{
    private readonly JsonElement _facts;

    private Lab(string root, string id, JsonElement facts)
    {
        Root = root;
        Id = id;
        _facts = facts;
    }

    /// <summary>The repository's folder.</summary>
    public string Root { get; }

    public string Id { get; }

    public string Fact(string name) => _facts.TryGetProperty(name, out var value) ? value.GetString()! : throw new InvalidOperationException($"lab.json says nothing of {name}.");

    /// <exception cref="InvalidOperationException">The lab is not up.</exception>
    public static async Task<Lab> AttachAsync()
    {
        var root = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(root, "MigrationDashboard.sln")))
            root = Path.GetDirectoryName(root) ?? throw new InvalidOperationException("This runs from a checkout only.");
        var id = Environment.GetEnvironmentVariable("LAB_ID") is { Length: > 0 } given ? given : "lab";
        var env = await RunAsync(Path.Combine(root, "script/lab"), ["env"]);
        if (env.ExitCode != 0)
            throw new InvalidOperationException($"The lab {id} is not up: {env.Error}{env.Output}");
        var facts = env.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split('=', 2)).Where(pair => pair.Length == 2).ToDictionary(pair => pair[0], pair => pair[1].Trim('\'', '"'));
        return new(root, id, JsonSerializer.SerializeToElement(facts));
    }

    /// <summary>Runs a command as root on a machine, without the network.</summary>
    public async Task<string> ShellAsync(string host, string command)
    {
        var result = await TryShellAsync(host, command);
        return result.ExitCode == 0 ? result.Output : throw new InvalidOperationException($"{host}: {command}: exit code {result.ExitCode}: {result.Error}{result.Output}");
    }

    public Task<CommandResult> TryShellAsync(string host, string command) => RunAsync(Path.Combine(Root, "script/lab"), ["shell", host, "sh", "-c", command]);

    public async Task<string> CommandAsync(params string[] arguments)
    {
        // What changes namespaces must do so outside, where whoever started us is: in here their mounts would be ours alone.
        var script = Path.Combine(Root, "script/lab");
        var result = Environment.GetEnvironmentVariable("LAB_OUTSIDE") is { Length: > 0 } outside
            ? await RunAsync("nsenter", ["--target", outside, "--net", "--mount", script, .. arguments])
            : await RunAsync(script, arguments);
        return result.ExitCode == 0 ? result.Output : throw new InvalidOperationException($"script/lab {string.Join(' ', arguments)}: {result.Error}{result.Output}");
    }

    public static async Task<CommandResult> RunAsync(string program, IReadOnlyList<string> arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(4));
        await process.WaitForExitAsync(limit.Token);
        return new(process.ExitCode, await output, await error);
    }

    /// <summary>What an engineer would look at when something went wrong.</summary>
    public async Task<string> DiagnoseAsync()
    {
        var text = new System.Text.StringBuilder();
        foreach (var host in new[] { "old", "new" })
            text.AppendLine($"──── {host}").AppendLine((await TryShellAsync(host,
                "nft list ruleset 2>/dev/null | grep -A200 'table ip md_' | head -120; ip rule; ip -6 rule; ip neigh; ip -6 neigh; conntrack -L -f ipv6 2>/dev/null | head -30; ip route show table all | grep -v 'table local' | head -40; docker ps -a; " +
                "ls -la /var/lib/migration-dashboard/* 2>/dev/null; for one in /var/lib/migration-dashboard/*/current.sh; do echo drift; sh $one state | diff ${one%/*}/applied-state -; done 2>&1; " +
                "systemctl list-units --no-pager --plain --no-legend --all 'migration-dashboard*'; journalctl -q -n 30 --no-pager -u 'migration-dashboard*' 2>/dev/null; cat /var/lib/migration-dashboard/*/revert.log 2>/dev/null; systemctl status ssh --no-pager -n 5; ss -ltn; journalctl -n 30 --no-pager 2>/dev/null")).Output);
        return text.ToString();
    }
}

public sealed record CommandResult(int ExitCode, string Output, string Error);
