using System.Diagnostics;
using System.Globalization;
using MigrationDashboard.Driver;

namespace MigrationDashboard.Bench.Viewing;

/// <summary>Somebody among the lab's clients who opens one connection whenever asked, and says when: the packet whose way to the pages is timed.</summary>
internal sealed class ClientConnections : IDisposable
{
    private readonly Process _shell;

    public ClientConnections(Lab lab, string host, int port)
    {
        // The time is taken before connect() sends the SYN; bash needs no process for either.
        var script = string.Create(CultureInfo.InvariantCulture, $"while read -r _; do t=$EPOCHREALTIME; exec {{fd}}<>/dev/tcp/{host}/{port} && echo $t; done");
        _shell = Process.Start(new ProcessStartInfo(Path.Combine(lab.Root, "script/lab"), ["client", "--", "bash", "-c", script]) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
    }

    /// <returns>When its first packet was sent.</returns>
    public async Task<DateTimeOffset> OpenAsync()
    {
        await _shell.StandardInput.WriteLineAsync();
        await _shell.StandardInput.FlushAsync();
        var line = await _shell.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException("The client could not connect.");
        return DateTimeOffset.UnixEpoch + TimeSpan.FromSeconds(double.Parse(line, CultureInfo.InvariantCulture));
    }

    public void Dispose()
    {
        _shell.StandardInput.Close();
        _shell.WaitForExit(5000);
        _shell.Dispose();
    }
}
