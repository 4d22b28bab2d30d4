using System.Globalization;

namespace MigrationDashboard.Bench.Viewing;

/// <summary>CPU time of a process, and of all that it has started, from /proc/PID/stat (proc_pid_stat(5)).</summary>
internal static class Processor
{
    /// <summary>Ticks a second: USER_HZ is 100 on every Linux this runs on.</summary>
    private const double Ticks = 100;

    public static (double Own, double WithChildren) Seconds(int process)
    {
        var all = new Dictionary<int, (int Parent, double Seconds)>();
        foreach (var folder in Directory.EnumerateDirectories("/proc").Select(Path.GetFileName).Where(name => int.TryParse(name, CultureInfo.InvariantCulture, out _)))
            try
            {
                var text = File.ReadAllText($"/proc/{folder}/stat");
                // The name in brackets may hold blanks: fields are counted behind it; the first one there is number 3.
                var fields = text[(text.LastIndexOf(')') + 2)..].Split(' ');
                all[int.Parse(folder!, CultureInfo.InvariantCulture)] = (int.Parse(fields[1], CultureInfo.InvariantCulture), (double.Parse(fields[11], CultureInfo.InvariantCulture) + double.Parse(fields[12], CultureInfo.InvariantCulture)) / Ticks);
            }
            catch (IOException)
            {
                // It has ended meanwhile.
            }

        return (all[process].Seconds, Tree(process));

        double Tree(int root) => all[root].Seconds + all.Where(pair => pair.Value.Parent == root).Sum(pair => Tree(pair.Key));
    }

    /// <summary>Megabytes in memory.</summary>
    public static double Memory(int process) =>
        double.Parse(File.ReadLines($"/proc/{process}/status").First(line => line.StartsWith("VmRSS:", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / 1024;
}
