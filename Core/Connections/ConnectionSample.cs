using System.Net.Sockets;
using MigrationDashboard.Core.Stages;

namespace MigrationDashboard.Core.Connections;

/// <summary>What one host of a migration counted, as of one line of its sampler.</summary>
/// <param name="Reporter">The host: <c>old</c> counts Direct and Tail, <c>new</c> counts Forwarded and Local.</param>
/// <param name="At">When the line arrived, by the dashboard's clock: hosts' clocks differ.</param>
/// <param name="Full">Connections were listed: <see cref="MigrationLine.Counts"/> are all there are. Otherwise only <see cref="New"/> is known.</param>
/// <param name="Gapless">False when new connections may have been missed before this sample (<see cref="CounterStep.Gapless"/>).</param>
public sealed record ConnectionSample(
    Guid Migration,
    Role Reporter,
    DateTimeOffset At,
    bool Full,
    ValueList<NewConnections> New,
    bool Gapless,
    MigrationLine Counted,
    SampleLine Line)
{
    /// <summary>Totals of each path of this host: what pages show and what is told to them.</summary>
    public SampleSummary Summary()
    {
        var paths = new List<PathSummary>();
        foreach (var path in Enum.GetValues<ConnectionPath>().Where(path => ClassifyPath.ReporterOf(path) == Reporter))
        {
            var counts = Counted.Counts.Where(count => count.Path == path).ToList();
            var @new = New.Where(item => item.Path == path).ToList();
            if (Full || @new.Count > 0)
                paths.Add(new(
                    path,
                    Full ? counts.Sum(count => count.Established) : null,
                    Full ? counts.Sum(count => count.Other) : null,
                    Full ? Counted.Distinct.FirstOrDefault(item => item.Path == path)?.Clients ?? 0 : null,
                    @new.Sum(item => item.New)));
        }

        return new(Migration, Reporter, At, paths.ToValueList(), New.Sum(item => item.Held), Line.ConntrackEntries, Line.ConntrackMost, Line.Error);
    }
}

/// <summary>Turns the lines of one host into samples. Keeps the last reading of each counter, so it sees every line in order.</summary>
/// <param name="marks">The last readings from before, whichever node took them.</param>
public sealed class SampleTrack(IEnumerable<SampledEnd> ends, IReadOnlyDictionary<(Guid Migration, AddressFamily Family), CounterMark> marks)
{
    private readonly Dictionary<string, SampledEnd> _ends = ends.ToDictionary(end => end.Allocation.Key);
    private readonly Dictionary<(Guid Migration, AddressFamily Family), CounterMark> _marks = new(marks);
    private DateTimeOffset _last = DateTimeOffset.MinValue;

    public IReadOnlyCollection<SampledEnd> Ends => _ends.Values;

    public IEnumerable<ConnectionSample> Next(SampleLine line, DateTimeOffset at)
    {
        // Lines that were held up arrive together, and clocks are set back: two samples never have the same time, or the second would be lost.
        at = at > _last ? at : _last.AddMilliseconds(1);
        _last = at;
        foreach (var counted in line.Migrations)
        {
            var end = _ends[counted.Key];
            var steps = new List<CounterStep>();
            foreach (var reading in counted.Counters)
            {
                var now = new CounterMark(reading, at);
                steps.Add(CounterStep.Between(_marks.GetValueOrDefault((end.Migration, reading.Family)), now));
                _marks[(end.Migration, reading.Family)] = now;
            }

            // Without counters nothing watches: a family whose rules are gone breaks the watch as well.
            var gapless = counted.Counters.Count == end.Addresses.Count(address => address.Link is not null) && steps.All(step => step.Gapless);
            yield return new(end.Migration, end.Role, at, line.Full, steps.Select(step => step.New).ToValueList(), gapless && steps.Count > 0, counted, line);
        }
    }
}
