using System.Diagnostics;

namespace MigrationDashboard.Web.Tests;

/// <summary>Runs a command to its end.</summary>
internal static class Shell
{
    public static async Task<(int ExitCode, string Out, string Error)> RunAsync(string program, IEnumerable<string> arguments, string? folder = null)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = folder ?? "/tmp",
        })!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, await output, await error);
    }

    public static async Task<string> CheckedAsync(string program, IEnumerable<string> arguments, string? folder = null)
    {
        var (code, output, error) = await RunAsync(program, arguments, folder);
        return code == 0 ? output : throw new InvalidOperationException($"{program} ended with {code}: {error}{output}");
    }
}
