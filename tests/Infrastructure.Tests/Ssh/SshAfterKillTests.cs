namespace MigrationDashboard.Infrastructure.Tests.Ssh;

public sealed class SshAfterKillTests(SshServer server)
{
    [Fact]
    public async Task A_dashboard_that_is_killed_leaves_no_connection_and_no_agent_behind()
    {
        var pem = await server.Runtime.WriteAsync("child.pem", server.Key.PrivateKey, default);
        using var child = await ChildProcess.StartAsync("ssh", $"{server.Port}", server.HostKey.ToString(), pem);
        File.Delete(pem);
        Assert.Equal(["ssh", "ssh-agent"], Processes(child.Line).Order());

        child.Kill();

        // ssh-agent(1) looks at its parent every ten seconds.
        for (var deadline = DateTime.UtcNow.AddSeconds(15); Processes(child.Line).Any() && DateTime.UtcNow < deadline;)
            await Task.Delay(100);
        Assert.Empty(Processes(child.Line));
        Directory.Delete(child.Line, recursive: true);
    }

    // Programs whose command line names the directory. A zombie's command line is empty.
    private static IEnumerable<string> Processes(string directory)
    {
        foreach (var process in Directory.GetDirectories("/proc").Where(path => char.IsAsciiDigit(path[6])))
        {
            string[] words;
            try
            {
                words = File.ReadAllText(process + "/cmdline").Split('\0');
            }
            catch (IOException)
            {
                continue; // It ended meanwhile.
            }

            if (words.Any(word => word.Contains(directory, StringComparison.Ordinal)))
                yield return Path.GetFileName(words[0]);
        }
    }
}
