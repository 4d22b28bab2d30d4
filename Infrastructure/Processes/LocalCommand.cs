using System.ComponentModel;
using System.Diagnostics;
using System.Text;

namespace MigrationDashboard.Infrastructure.Processes;

/// <summary>What a program on this computer answered.</summary>
public sealed record LocalResult(int ExitCode, string Output, string ErrorOutput);

/// <summary>A short-lived program on this computer: arguments go as they are (no shell), input by stdin, both outputs are kept.</summary>
public static class LocalCommand
{
    /// <summary>Runs the program to its end; it is killed on cancellation.</summary>
    /// <param name="environment">Added to this process's environment. LC_ALL is always C, because messages are compared.</param>
    /// <exception cref="FileNotFoundException">The program is not installed.</exception>
    public static async Task<LocalResult> RunAsync(
        string program,
        IEnumerable<string> arguments,
        ReadOnlyMemory<byte> input = default,
        IReadOnlyDictionary<string, string>? environment = null,
        CancellationToken cancellation = default)
    {
        var info = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.UTF8,
            StandardErrorEncoding = Encoding.UTF8,
        };
        info.Environment["LC_ALL"] = "C";
        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
            info.Environment[name] = value;

        using var process = StartOrSayMissing(info);
        var output = process.StandardOutput.ReadToEndAsync(cancellation);
        var errors = process.StandardError.ReadToEndAsync(cancellation);
        try
        {
            await FeedAsync(process, input, cancellation);
            await process.WaitForExitAsync(cancellation);
            return new(process.ExitCode, await output, await errors);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }
    }

    /// <summary>Writes all input and closes it. A program that stops reading early is no error here: its exit code tells.</summary>
    public static async Task FeedAsync(Process process, ReadOnlyMemory<byte> input, CancellationToken cancellation)
    {
        try
        {
            await process.StandardInput.BaseStream.WriteAsync(input, cancellation);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // EPIPE: the reader is gone.
        }
    }

    private static Process StartOrSayMissing(ProcessStartInfo info)
    {
        try
        {
            return Process.Start(info)!;
        }
        catch (Win32Exception problem) when (problem.NativeErrorCode == 2)
        {
            throw new FileNotFoundException($"The program {info.FileName} is not installed on the computer that runs the dashboard.", info.FileName, problem);
        }
    }
}
