using System.Globalization;
using System.Text;
using MigrationDashboard.Web.Security;
using MigrationDashboard.Web.Settings;

namespace MigrationDashboard.Web.Metrics;

/// <summary>/metrics in the Prometheus text exposition format 0.0.4.</summary>
public static class MetricsEndpoint
{
    public static void AddMetrics(this WebApplicationBuilder builder)
    {
        builder.AddSettings<MetricsSettings>("Metrics");
        builder.Services.AddSingleton<IMetricSource, ProcessMetrics>();
        builder.Services.AddSingleton<IMetricSource, SshMetrics>();
    }

    public static void MapMetrics(this WebApplication app)
    {
        var endpoint = app.MapGet("/metrics", async (IEnumerable<IMetricSource> sources, CancellationToken cancel) =>
        {
            var text = new StringBuilder();
            foreach (var source in sources)
                foreach (var metric in await source.ReadAsync(cancel)) Write(text, metric);
            return Results.Text(text.ToString(), "text/plain; version=0.0.4", Encoding.UTF8);
        }).ExcludeFromDescription();
        if (app.Services.GetRequiredService<MetricsSettings>().Anonymous) endpoint.AllowAnonymous();
        else endpoint.RequireAuthorization(Policies.View);
    }

    public static void Write(StringBuilder text, Metric metric)
    {
        text.Append("# HELP ").Append(metric.Name).Append(' ').Append(metric.Help.Replace("\\", @"\\", StringComparison.Ordinal).Replace("\n", @"\n", StringComparison.Ordinal)).Append('\n');
        text.Append("# TYPE ").Append(metric.Name).Append(metric.Type == MetricType.Counter ? " counter\n" : " gauge\n");
        foreach (var sample in metric.Samples)
        {
            text.Append(metric.Name);
            if (sample.Labels.Length > 0)
                text.Append('{').AppendJoin(',', sample.Labels.Select(l => $"{l.Name}=\"{Escape(l.Value)}\"")).Append('}');
            text.Append(' ').Append(sample.Value.ToString("R", CultureInfo.InvariantCulture)).Append('\n');
        }
    }

    private static string Escape(string value) =>
        value.Replace("\\", @"\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", @"\n", StringComparison.Ordinal);
}
