using MigrationDashboard.Core.Stages;

namespace MigrationDashboard.Driver.Faults;

/// <summary>A run during which something goes wrong, and the moments of it by the names of its steps.</summary>
/// <param name="Name">As it is called on the command line and in the report.</param>
/// <param name="Moments">From a moment's name to the beginning of the name of the step that must have begun.</param>
/// <param name="CallsOld">Clients call <c>old</c> all the while; not where the run's end is that nobody answers there.</param>
/// <param name="CallsNew">Clients call <c>new</c> all the while.</param>
public sealed record Move(string Name, Stage From, Stage Target, Direction Direction, IReadOnlyDictionary<string, string> Moments, bool CallsOld = true, bool CallsNew = true)
{
    public Stage Destination => (Direction, Target) == (Direction.Advance, Stage.Cutover) ? Stage.Tail : Target;

    /// <summary>Something waits for its confirmation on the hosts while it runs.</summary>
    public bool ChangesHosts => Moments.ContainsKey("between");

    public bool MovesWorkload => Moments.ContainsKey("hold");

    public static IReadOnlyList<Move> All { get; } =
    [
        new("preflight", Stage.Preflight, Stage.Preflight, Direction.Advance, Of(("during", "read")), CallsNew: false),
        new("link", Stage.Preflight, Stage.Link, Direction.Advance, Of(("during", "apply"), ("between", "probe link")), CallsNew: false),
        new("forward", Stage.Link, Stage.Forward, Direction.Advance, Of(("during", "apply"), ("between", "probe via")), CallsNew: false),
        new("dns", Stage.Forward, Stage.Dns, Direction.Advance, Of(("during", "probe via"))),
        new("drain", Stage.Dns, Stage.Drain, Direction.Advance, Of(("during", "dns"))),
        new("cutover", Stage.Drain, Stage.Cutover, Direction.Advance, Cutover),
        new("back", Stage.Tail, Stage.Drain, Direction.Rollback, Cutover),
        new("unforward", Stage.Forward, Stage.Link, Direction.Rollback, Of(("during", "apply"), ("between", "probe link")), CallsNew: false),
        new("unlink", Stage.Link, Stage.Preflight, Direction.Rollback, Of(("during", "apply"), ("between", "confirm")), CallsNew: false),
        new("decommission", Stage.Tail, Stage.Decommission, Direction.Advance, Of(("during", "apply"), ("between", "confirm")), CallsOld: false),
    ];

    private static Dictionary<string, string> Cutover => Of(("copy", "copy the data"), ("during", "hold"), ("hold", "hold"), ("stop", "stop and copy"), ("start", "start"), ("between", "release"));

    private static Dictionary<string, string> Of(params (string Moment, string Step)[] moments) => moments.ToDictionary(pair => pair.Moment, pair => pair.Step);
}
