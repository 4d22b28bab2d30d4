namespace MigrationDashboard.Web.Metrics;

/// <summary>Something that has figures for /metrics. Register implementations in the container; each is asked at every scrape.</summary>
public interface IMetricSource
{
    Task<IReadOnlyList<Metric>> ReadAsync(CancellationToken cancel);
}

/// <summary>One named figure with its samples, as Prometheus understands it.</summary>
/// <param name="Name">Like <c>migration_dashboard_connections</c>: lower case, unit last.</param>
/// <param name="Help">One sentence.</param>
/// <param name="Type">Whether it only grows.</param>
public sealed record Metric(string Name, string Help, MetricType Type, IReadOnlyList<MetricSample> Samples)
{
    /// <summary>A figure without labels.</summary>
    public Metric(string name, string help, MetricType type, double value)
        : this(name, help, type, [new MetricSample(value)])
    {
    }
}

public enum MetricType
{
    Gauge,
    Counter,
}

/// <summary>One value and the labels that tell it from its siblings.</summary>
public sealed record MetricSample(double Value, params (string Name, string Value)[] Labels);
