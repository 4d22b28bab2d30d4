using System.Diagnostics;
using System.Text.Json;

namespace MigrationDashboard.Driver;

/// <summary>The load generator, running among the lab's clients until it is stopped.</summary>
public sealed class Load : IAsyncDisposable
{
    private readonly Process _process;
    private readonly string _stopFile;
    private readonly Task<string> _output;
    private readonly Task<string> _error;
    private readonly Stopwatch _clock = Stopwatch.StartNew();

    private Load(Process process, string stopFile)
    {
        _process = process;
        _stopFile = stopFile;
        _output = process.StandardOutput.ReadToEndAsync();
        _error = process.StandardError.ReadToEndAsync();
    }

    /// <param name="arguments">As for <c>script/lab load</c>; every run is bounded by them and by 600 s.</param>
    public static Load Start(Lab lab, params string[] arguments)
    {
        var stopFile = Path.Combine(Path.GetTempPath(), $"md-load-{Guid.NewGuid():N}.stop");
        var start = new ProcessStartInfo(Path.Combine(lab.Root, "script/lab"), ["load", "--", .. arguments, "--stop-file", stopFile])
        {
            RedirectStandardOutput = true, RedirectStandardError = true,
        };
        return new(Process.Start(start)!, stopFile);
    }

    /// <summary>Since it was started.</summary>
    public TimeSpan Elapsed => _clock.Elapsed;

    public bool IsRunning => !_process.HasExited;

    /// <returns>The generator's summary (see lab/Load/Summary.cs).</returns>
    public async Task<JsonElement> StopAsync()
    {
        await File.WriteAllTextAsync(_stopFile, "");
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(120));
        await _process.WaitForExitAsync(limit.Token);
        var output = await _output;
        File.Delete(_stopFile);
        var json = output.Split('\n').LastOrDefault(line => line.StartsWith('{'));
        return json is null ? throw new InvalidOperationException($"The load generator said nothing (exit code {_process.ExitCode}): {await _error}{output}") : JsonSerializer.Deserialize<JsonElement>(json);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            await StopAsync();
        _process.Dispose();
    }
}
