using System.Net;

namespace MigrationDashboard.Load;

/// <summary>
/// Targets in turn, and for each target the sources of its family in turn. Each target counts for itself: with one count for both, two
/// targets and 250 sources would mean that every source only ever meets one of the two. For one thread.
/// </summary>
internal sealed class Rotation(IReadOnlyList<Target> targets, LoadOptions options)
{
    private readonly IReadOnlyList<IPAddress>[] _sources = [.. targets.Select(target => options.SourcesFor(target.EndPoint.AddressFamily))];
    private long _taken;

    /// <summary>The next pair; the source is null when the kernel is to choose.</summary>
    public (Target Target, IPAddress? Source) Next()
    {
        var index = (int)(_taken % targets.Count);
        var round = _taken++ / targets.Count;
        var sources = _sources[index];
        return (targets[index], sources.Count == 0 ? null : sources[(int)(round % sources.Count)]);
    }
}
