using System.Net.Sockets;
using MigrationDashboard.Core.Connections;
using MigrationDashboard.Core.Servers;
using MigrationDashboard.Core.Stages;

namespace MigrationDashboard.Infrastructure.Connections;

/// <summary>A row of the table of samples: a path's total (no port, with its new connections), or one port of it.</summary>
internal sealed record SampleRow(ConnectionPath Path, AddressFamily Family, ForwardedPort? Port, long? Established, long? Other, long? New)
{
    /// <summary>A total for each path and family of the host, even of zeros, since a row that is not there means “not known”; ports only while they have connections.</summary>
    public static IReadOnlyList<SampleRow> Of(ConnectionSample sample)
    {
        var totals = sample.New.Select(item => (item.Path, item.Family));
        if (sample.Full)
            totals = from path in Enum.GetValues<ConnectionPath>()
                     where ClassifyPath.ReporterOf(path) == sample.Reporter
                     from family in sample.New.Select(item => item.Family).Union(sample.Counted.Counts.Select(count => count.Family))
                     select (path, family);
        var rows = new List<SampleRow>();
        foreach (var (path, family) in totals)
        {
            var counts = sample.Counted.Counts.Where(count => count.Path == path && count.Family == family).ToList();
            var @new = sample.New.Where(item => item.Path == path && item.Family == family).Sum(item => item.New);
            rows.Add(new(path, family, null, sample.Full ? counts.Sum(count => count.Established) : null, sample.Full ? counts.Sum(count => count.Other) : null, @new));
            rows.AddRange(counts.Select(count => new SampleRow(path, family, count.Port, count.Established, count.Other, null)));
        }

        return rows;
    }
}
