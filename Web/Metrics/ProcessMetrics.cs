using System.Diagnostics;

namespace MigrationDashboard.Web.Metrics;

/// <summary>What the process itself uses, under the names that Prometheus clients share.</summary>
public sealed class ProcessMetrics : IMetricSource
{
    public Task<IReadOnlyList<Metric>> ReadAsync(CancellationToken cancel)
    {
        using var process = Process.GetCurrentProcess();
        var started = new DateTimeOffset(process.StartTime).ToUnixTimeMilliseconds() / 1000.0;
        return Task.FromResult<IReadOnlyList<Metric>>(
        [
            new("process_cpu_seconds_total", "Processor time used, user and system.", MetricType.Counter, process.TotalProcessorTime.TotalSeconds),
            new("process_resident_memory_bytes", "Memory in use.", MetricType.Gauge, process.WorkingSet64),
            new("process_start_time_seconds", "Start, in seconds since 1970.", MetricType.Gauge, started),
            new("process_threads", "Threads.", MetricType.Gauge, process.Threads.Count),
            new("dotnet_gc_heap_bytes", "Managed memory in use.", MetricType.Gauge, GC.GetTotalMemory(false)),
            new("dotnet_gc_collections_total", "Garbage collections by generation.", MetricType.Counter,
                [.. Enumerable.Range(0, GC.MaxGeneration + 1).Select(g => new MetricSample(GC.CollectionCount(g), ("generation", $"{g}")))]),
        ]);
    }
}
