using System.Diagnostics;
using System.Globalization;
using MigrationDashboard.Infrastructure.Processes;

namespace MigrationDashboard.Infrastructure.Postgres;

/// <summary>What a killed dashboard or server left of itself. To be looked at only by the one who holds the data folder.</summary>
internal static class StaleServer
{
    /// <summary>The server of a dashboard that was just killed is shutting down on its own: it gets this long before it is told to.</summary>
    private static readonly TimeSpan OwnEnd = TimeSpan.FromSeconds(10);

    /// <summary>Waits for the end of a server that still runs on the cluster, and removes the traces of one that does not.</summary>
    /// <param name="sockets">The folder of its socket, which nobody else uses.</param>
    public static async Task EndAsync(string cluster, string sockets, CancellationToken cancellation)
    {
        var file = Path.Combine(cluster, "postmaster.pid");
        if (!File.Exists(file))
            return;
        if (int.TryParse(File.ReadLines(file).FirstOrDefault(), CultureInfo.InvariantCulture, out var id))
        {
            for (var clock = Stopwatch.StartNew(); Runs(id, cluster) && clock.Elapsed < OwnEnd;)
                await Task.Delay(20, cancellation);
            if (Runs(id, cluster))
                await StopAsync(id, TimeSpan.FromSeconds(30));
        }

        // The number may belong to another process by now, or to a zombie: PostgreSQL would take either for a living server and not start.
        File.Delete(file);
        foreach (var socket in Directory.GetFiles(sockets, ".s.PGSQL.*"))
            File.Delete(socket);
    }

    /// <summary>Fast shutdown, and an immediate one (recovered at the next start) when that takes too long: postgres(1), signals.</summary>
    public static async Task StopAsync(int processId, TimeSpan limit)
    {
        foreach (var signal in new[] { "-INT", "-QUIT", "-KILL" })
        {
            await LocalCommand.RunAsync("kill", [signal, processId.ToString(CultureInfo.InvariantCulture)]);
            for (var clock = Stopwatch.StartNew(); clock.Elapsed < limit;)
            {
                if (!Lives(processId))
                    return;
                await Task.Delay(10);
            }
        }
    }

    private static bool Runs(int processId, string cluster)
    {
        try
        {
            return Lives(processId) && File.ReadAllText($"/proc/{processId}/cmdline").Split('\0').Contains(cluster);
        }
        catch (IOException)
        {
            return false; // It ended between the two looks.
        }
    }

    // A zombie has ended: proc(5), third field of stat, after the name in brackets.
    private static bool Lives(int processId)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{processId}/stat");
            return stat[stat.LastIndexOf(')') + 2] is not ('Z' or 'X');
        }
        catch (IOException)
        {
            return false;
        }
    }
}
