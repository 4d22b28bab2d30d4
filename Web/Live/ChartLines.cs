using System.Globalization;
using System.Text;
using MigrationDashboard.Core.Stages;
using MigrationDashboard.Infrastructure.Connections;

namespace MigrationDashboard.Web.Live;

/// <summary>One path's area of a stacked chart.</summary>
/// <param name="Area">An SVG path in a box of <see cref="ChartLines.Width"/> by <see cref="ChartLines.Height"/>.</param>
/// <param name="Most">The most established at once in the time shown.</param>
public sealed record ChartArea(ConnectionPath Path, string Area, long Now, long Most);

/// <summary>Established connections by path over time, stacked: those that should be gone are at the bottom, where they are easiest to see.</summary>
/// <param name="Top">The number at the upper edge, a round one.</param>
public sealed record ChartLines(DateTimeOffset From, DateTimeOffset To, long Top, IReadOnlyList<ChartArea> Areas)
{
    /// <summary>Units of the drawing; it is stretched to the page's width.</summary>
    public const int Width = 600;

    public const int Height = 160;

    /// <summary>No screen shows more columns than this in the place the chart has.</summary>
    private const int MostColumns = 300;

    private static readonly ConnectionPath[] Order = [ConnectionPath.Direct, ConnectionPath.Tail, ConnectionPath.Forwarded, ConnectionPath.Local];

    public bool IsEmpty => Areas.All(area => area.Most == 0);

    public static ChartLines Of(IReadOnlyList<SeriesPoint> points, DateTimeOffset now, ChartSpan span)
    {
        var from = now - span.Length;
        var columns = (int)Math.Min(MostColumns, span.Length / span.Resolution);
        var values = Order.ToDictionary(path => path, path => Columns(points.Where(point => point.Path == path), from, now, columns, span));
        var top = Round(Enumerable.Range(0, columns).Max(column => Order.Sum(path => values[path][column])));
        var floor = new long[columns];
        var areas = new List<ChartArea>();
        foreach (var path in Order)
        {
            var ceiling = floor.Zip(values[path], (below, own) => below + own).ToArray();
            areas.Add(new(path, Area(floor, ceiling, top), values[path][^1], values[path].Max()));
            floor = ceiling;
        }

        return new(from, now, top, areas);
    }

    /// <summary>The most within each column; a number stands until the next is counted or too old.</summary>
    private static long[] Columns(IEnumerable<SeriesPoint> points, DateTimeOffset from, DateTimeOffset to, int columns, ChartSpan span)
    {
        var width = (to - from) / columns;
        var values = new long[columns];
        using var next = points.Where(point => point.Established is not null).OrderBy(point => point.At).GetEnumerator();
        var more = next.MoveNext();
        (DateTimeOffset At, long Value)? last = null;
        for (var column = 0; column < columns; column++)
        {
            var end = from + (width * (column + 1));
            long? most = null;
            while (more && next.Current.At < end)
            {
                last = (next.Current.At, next.Current.Established!.Value);
                if (next.Current.At >= end - width)
                    most = Math.Max(most ?? 0, last.Value.Value);
                more = next.MoveNext();
            }

            values[column] = most ?? (last is { } known && end - known.At <= span.Carry + width ? known.Value : 0);
        }

        return values;
    }

    private static string Area(long[] floor, long[] ceiling, long top)
    {
        var text = new StringBuilder();
        for (var column = 0; column < ceiling.Length; column++)
            Add(column == 0 ? 'M' : 'L', column, ceiling[column]);
        for (var column = floor.Length - 1; column >= 0; column--)
            Add('L', column, floor[column]);
        return text.Append('Z').ToString();

        void Add(char command, int column, long value) => text.Append(CultureInfo.InvariantCulture,
            $"{command}{(int)Math.Round((double)column * Width / (ceiling.Length - 1))} {Math.Round(Height - ((double)value * Height / top), 1):0.#}");
    }

    /// <summary>The next of 5, 10, 20, 50, 100 … that is not below the number.</summary>
    private static long Round(long number)
    {
        for (long power = 1; ; power *= 10)
            foreach (var step in new[] { 1, 2, 5 })
                if (power * step >= Math.Max(5, number))
                    return power * step;
    }
}
