using System.Diagnostics;
using System.Text.Json;

namespace MigrationDashboard.Load.Tests;

/// <summary>The program as scripts start it: arguments, signals, streams, exit code.</summary>
public sealed class ProcessTests : IDisposable
{
    private readonly string _stopFile = Path.Combine(Path.GetTempPath(), $"load-stop-{Guid.NewGuid():N}");

    public void Dispose() => File.Delete(_stopFile);

    private static Process Start(params string[] args)
    {
        // Whatever the tests run under may ignore an interrupt (a shell's background job does), and what they start would be deaf to it.
        var start = new ProcessStartInfo("env", ["--default-signal=INT", Path.Combine(AppContext.BaseDirectory, "MigrationDashboard.Load"), .. args])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        return Process.Start(start)!;
    }

    private static async Task<(int Code, string Output, string Error)> EndAsync(Process process)
    {
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, await output, await error);
    }

    private static void Signal(Process process, string signal) =>
        Process.Start("/bin/sh", ["-c", $"kill -{signal} {process.Id}"]).WaitForExit();

    [Fact]
    public async Task The_summary_is_one_json_object_with_the_agreed_names()
    {
        using var server = new FakeServer(Behaviour.Honest);
        using var process = Start("--target", $"127.0.0.1:{server.Port}", "--rate", "50", "--count", "10", "--run", "r1");
        var (code, output, error) = await EndAsync(process);
        Assert.Equal((0, ""), (code, error));
        var summary = JsonDocument.Parse(output).RootElement;
        Assert.Equal("r1", summary.GetProperty("run").GetString());
        Assert.Equal(10, summary.GetProperty("ok").GetInt32());
        Assert.Equal(0, summary.GetProperty("failed_by_reason").GetProperty("connect-refused").GetInt32());
        Assert.Equal(10, summary.GetProperty("by_target").GetProperty($"127.0.0.1:{server.Port}/tcp").GetProperty("attempted").GetInt32());
        Assert.True(summary.GetProperty("connect_ms").GetProperty("p99").GetDouble() > 0);
        Assert.Equal(0, summary.GetProperty("by_second")[0].GetProperty("t").GetInt32());
        foreach (var name in new[]
                 {
                     "attempted", "failed", "wrong_source", "wrong_source_examples", "total_ms", "late_ms", "sessions", "mail", "first_failures", "cpu_ms",
                     "started", "elapsed_s", "ended_by", "in_flight_max",
                 })
            Assert.True(summary.TryGetProperty(name, out _), name);
    }

    [Theory]
    [InlineData("TERM")]
    [InlineData("INT")]
    public async Task A_signal_ends_the_run_in_order(string signal)
    {
        using var server = new FakeServer(Behaviour.AnswersAfter(TimeSpan.FromSeconds(0.5)));
        using var process = Start("--target", $"127.0.0.1:{server.Port}", "--rate", "50");
        await Runs.UntilAsync(() => server.Callers.Count > 5, "connections");
        Signal(process, signal);
        var (code, output, _) = await EndAsync(process);
        var summary = JsonDocument.Parse(output).RootElement;
        Assert.Equal(0, code);
        Assert.Equal("signal", summary.GetProperty("ended_by").GetString());
        Assert.Equal(summary.GetProperty("attempted").GetInt32(), summary.GetProperty("ok").GetInt32());
        Assert.Equal(server.Callers.Count, summary.GetProperty("attempted").GetInt32());
    }

    [Fact]
    public async Task A_second_signal_does_not_wait()
    {
        using var server = new FakeServer(Behaviour.SaysNothing);
        using var process = Start("--target", $"127.0.0.1:{server.Port}", "--rate", "50", "--timeout", "300");
        await Runs.UntilAsync(() => server.Callers.Count > 5, "connections");
        Signal(process, "TERM");
        await Task.Delay(300);
        Assert.False(process.HasExited, "the first signal waits for what is under way");
        Signal(process, "TERM");
        var (_, output, _) = await EndAsync(process);
        var summary = JsonDocument.Parse(output).RootElement;
        Assert.Equal(summary.GetProperty("attempted").GetInt32(), summary.GetProperty("failed_by_reason").GetProperty("abandoned").GetInt32());
    }

    [Fact]
    public async Task A_stop_file_ends_the_run_in_order_and_progress_is_told_each_second()
    {
        using var server = new FakeServer(Behaviour.Honest);
        using var process = Start("--target", $"127.0.0.1:{server.Port}", "--rate", "50", "--stop-file", _stopFile, "--progress");
        var first = JsonDocument.Parse((await process.StandardError.ReadLineAsync())!).RootElement;
        Assert.Equal(1, first.GetProperty("t").GetInt32());
        Assert.InRange(first.GetProperty("attempted").GetInt32(), 45, 60);
        await File.WriteAllTextAsync(_stopFile, "");
        var (_, output, _) = await EndAsync(process);
        var summary = JsonDocument.Parse(output).RootElement;
        Assert.Equal("stop-file", summary.GetProperty("ended_by").GetString());
        Assert.Equal(0, summary.GetProperty("failed").GetInt32());
    }

    [Fact]
    public async Task Wrong_arguments_print_each_error_and_exit_with_2()
    {
        using var process = Start("--target", "127.0.0.1:25/x", "--rate", "fast");
        var (code, output, error) = await EndAsync(process);
        Assert.Equal((2, ""), (code, output));
        Assert.Contains("--target: '127.0.0.1:25/x'", error, StringComparison.Ordinal);
        Assert.Contains("--rate: 'fast'", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_source_address_that_is_not_here_is_told_before_anything_is_sent()
    {
        using var server = new FakeServer(Behaviour.Honest);
        using var process = Start("--target", $"127.0.0.1:{server.Port}", "--rate", "1", "--from", "192.0.2.77");
        var (code, _, error) = await EndAsync(process);
        Assert.Equal(2, code);
        Assert.StartsWith("--from: 192.0.2.77 is not an address of this machine", error, StringComparison.Ordinal);
        Assert.Empty(server.Callers);
    }

    [Fact]
    public async Task A_mail_log_that_cannot_be_written_is_told()
    {
        using var process = Start("--target", "127.0.0.1:25/smtp", "--mail-rate", "1", "--mail-log", "/nowhere/log");
        var (code, _, error) = await EndAsync(process);
        Assert.Equal(2, code);
        Assert.StartsWith("--mail-log: ", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Help_names_every_option()
    {
        using var process = Start("--help");
        var (code, output, _) = await EndAsync(process);
        Assert.Equal(0, code);
        foreach (var option in new[]
                 {
                     "target", "from", "rate", "duration", "count", "connect-timeout", "timeout", "sessions", "session-interval", "mail-rate", "mail-log", "run",
                     "stop-file", "progress",
                 })
            Assert.Contains($"--{option} ", output, StringComparison.Ordinal);
    }
}
