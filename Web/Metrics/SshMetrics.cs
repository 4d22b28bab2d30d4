using MigrationDashboard.Infrastructure.Ssh;

namespace MigrationDashboard.Web.Metrics;

/// <summary>What this process has sent to hosts.</summary>
public sealed class SshMetrics(OpenSsh ssh) : IMetricSource
{
    public Task<IReadOnlyList<Metric>> ReadAsync(CancellationToken cancel) => Task.FromResult<IReadOnlyList<Metric>>(
    [
        new("migration_dashboard_ssh_commands_total", "Scripts sent to hosts, one round trip each.", MetricType.Counter,
            [.. ssh.Sent.Select(sent => new MetricSample(sent.Count, ("host", sent.Host), ("command", sent.Command)))]),
    ]);
}
