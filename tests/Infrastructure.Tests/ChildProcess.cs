using System.Diagnostics;

namespace MigrationDashboard.Infrastructure.Tests;

/// <summary>This same program started again to play “the dashboard” that a test kills: with an environment variable set it plays a role instead of running tests.</summary>
public sealed class ChildProcess : IDisposable
{
    private const string Variable = "MIGDASH_TEST_ROLE";

    private readonly Process _process;

    private ChildProcess(Process process, string line) => (_process, Line) = (process, line);

    /// <summary>The role this process was started for; null for an ordinary test run.</summary>
    public static string? Role => Environment.GetEnvironmentVariable(Variable);

    /// <summary>What the role printed when it was ready.</summary>
    public string Line { get; }

    /// <summary>Starts the role and waits until it is ready.</summary>
    public static async Task<ChildProcess> StartAsync(string role, params string[] arguments)
    {
        var info = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true, RedirectStandardError = true };
        info.Environment[Variable] = string.Join('\n', [role, .. arguments]);
        var process = Process.Start(info)!;
        var line = await process.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(60));
        if (line is null)
            Assert.Fail($"The child ended: {await process.StandardError.ReadToEndAsync()}");
        return new(process, line);
    }

    /// <summary>Plays the role until it is killed.</summary>
    public static async Task<int> PlayAsync(string role)
    {
        Environment.SetEnvironmentVariable(Variable, null);
        var words = role.Split('\n');
        Console.WriteLine(await Roles.PlayAsync(words[0], words[1..]));
        await Task.Delay(Timeout.Infinite);
        return 0;
    }

    /// <summary>SIGKILL, as the kernel's out-of-memory killer sends it.</summary>
    public void Kill()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    /// <summary>SIGSTOP: it can do nothing more until it is killed.</summary>
    public void Stop() => Process.Start("kill", ["-STOP", $"{_process.Id}"]).WaitForExit();

    public void Dispose()
    {
        if (!_process.HasExited)
            Kill();
        _process.Dispose();
    }
}
