using System.Globalization;
using System.Text.Json;
using MigrationDashboard.Driver;

namespace MigrationDashboard.Bench;

/// <param name="P50">Milliseconds until connected, of the time when both addresses were called; <paramref name="Max"/> of all.</param>
internal sealed record LoadSummary(long Attempted, long Failed, long WrongSource, double P50, double P99, double Max, Dictionary<string, long> FailedByReason, HashSet<string> Accepted);

/// <summary>Clients as they are in a migration: at first they call old, and from the Forward stage on both.</summary>
internal sealed class StagedLoad : IAsyncDisposable
{
    /// <summary>New connections a second, from 200 addresses.</summary>
    private const int Rate = 300;

    /// <summary>The load goes on until this many were made to both, however quick the migration was.</summary>
    public const int LeastConnections = 20_000;

    /// <summary>Seconds. A held connection must live through the hold: far longer than its limit.</summary>
    private const int ConnectTimeout = 60;

    private readonly Lab _lab;
    private readonly string _kind;
    private readonly int[] _ports;
    private readonly string[] _more;
    private readonly string _run;
    private readonly List<(Load Load, string MailLog)> _loads = [];

    public StagedLoad(Lab lab, string kind, int[] ports, string[] more, string run)
    {
        (_lab, _kind, _ports, _more, _run) = (lab, kind, ports, more, run);
        Start(lab.Fact("LAB_OLD"));
    }

    public bool IsRunning => _loads[^1].Load.IsRunning;

    /// <summary>From now on both addresses are called; the first load ends once the second runs.</summary>
    public void Both() => Start(_lab.Fact("LAB_OLD"), _lab.Fact("LAB_NEW"));

    public async Task<LoadSummary> FinishAsync()
    {
        var first = await _loads[0].Load.StopAsync();
        var last = _loads[^1].Load;
        var enough = TimeSpan.FromSeconds(((double)LeastConnections / Rate) + 5);
        while (last.IsRunning && last.Elapsed < enough)
            await Task.Delay(200);
        JsonElement[] all = [first, await last.StopAsync()];
        var accepted = new HashSet<string>();
        foreach (var (_, log) in _loads)
            accepted.UnionWith(await File.ReadAllLinesAsync(log));
        var connect = all[1].GetProperty("connect_ms");
        return new(
            Sum("attempted"), Sum("failed"), Sum("wrong_source"), connect.GetProperty("p50").GetDouble(), connect.GetProperty("p99").GetDouble(),
            all.Max(summary => summary.GetProperty("connect_ms").GetProperty("max").GetDouble()),
            all.SelectMany(summary => summary.GetProperty("failed_by_reason").EnumerateObject()).Where(reason => reason.Value.GetInt64() > 0)
                .GroupBy(reason => reason.Name).ToDictionary(group => group.Key, group => group.Sum(reason => reason.Value.GetInt64())),
            accepted);

        long Sum(string name) => all.Sum(summary => summary.GetProperty(name).GetInt64());
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var (load, log) in _loads)
        {
            await load.DisposeAsync();
            File.Delete(log);
        }
    }

    private void Start(params string[] hosts)
    {
        var log = Path.GetTempFileName();
        var targets = _ports.SelectMany(port => hosts.SelectMany(host => new[] { "--target", string.Create(CultureInfo.InvariantCulture, $"{host}:{port}/{_kind}") }));
        _loads.Add((Load.Start(_lab,
        [
            .. targets, "--rate", Text(Rate), "--duration", "500", "--from", "198.51.100.2-198.51.100.201", "--connect-timeout", Text(ConnectTimeout),
            .. _more, .. _more.Length > 0 ? ["--mail-log", log] : Array.Empty<string>(), "--run", $"{_run}{_loads.Count}",
        ]), log));
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
