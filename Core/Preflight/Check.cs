using System.Net;
using MigrationDashboard.Core.Inventory;
using MigrationDashboard.Core.Migrations;
using MigrationDashboard.Core.Network;
using MigrationDashboard.Core.Servers;
using MigrationDashboard.Core.Stages;

namespace MigrationDashboard.Core.Preflight;

/// <summary>All that checks may look at.</summary>
public sealed record PreflightInput(MigrationSpec Spec, HostReading Old, HostReading New)
{
    /// <summary>The migration's own names and numbers; null before it has any.</summary>
    public Allocation? Allocation { get; init; }

    /// <summary>The migration is past Preflight: what it has on the hosts is meant to be there.</summary>
    public bool Started { get; init; }

    /// <summary>Ports by which the dashboard reaches the servers, as registered.</summary>
    public int OldSshPort { get; init; } = 22;

    public int NewSshPort { get; init; } = 22;

    /// <summary>What came of trying the dead man's switch; null where it was not tried.</summary>
    public CheckpointTrial? OldTrial { get; init; }

    public CheckpointTrial? NewTrial { get; init; }

    public CheckpointTrial? Trial(Role role) => role == Role.Old ? OldTrial : NewTrial;

    public HostReading Reading(Role role) => role == Role.Old ? Old : New;

    public int SshPort(Role role) => role == Role.Old ? OldSshPort : NewSshPort;
}

/// <summary>One question asked before a migration, answered from readings alone.</summary>
/// <param name="id">Stable name for the API.</param>
/// <param name="title">What is asked, for people.</param>
public abstract class Check(string id, string title)
{
    public string Id => id;

    public string Title => title;

    public abstract IEnumerable<CheckResult> Judge(PreflightInput input);

    protected CheckResult Result(Role? role, CheckStatus status, string found, string means = "", string willDo = "") => new(id, title, role, status, found, means, willDo);
}

/// <summary>A question about each host by itself.</summary>
public abstract class HostCheck(string id, string title) : Check(id, title)
{
    public override IEnumerable<CheckResult> Judge(PreflightInput input) => new[] { Role.Old, Role.New }.SelectMany(role =>
        input.Reading(role).Inventory is not { } host ? [Result(role, CheckStatus.Unknown, "the server could not be read")] : Judge(new HostView(input, role, host)));

    /// <returns>Nothing when the question does not arise for this host.</returns>
    protected abstract IEnumerable<CheckResult> Judge(HostView view);
}

/// <summary>A question about both hosts together.</summary>
public abstract class PairCheck(string id, string title) : Check(id, title)
{
    public override IEnumerable<CheckResult> Judge(PreflightInput input) => (input.Old.Inventory, input.New.Inventory) is ({ } old, { } @new)
        ? Judge(input, old, @new)
        : [Result(null, CheckStatus.Unknown, "both servers must be read first")];

    protected abstract IEnumerable<CheckResult> Judge(PreflightInput input, HostInventory old, HostInventory @new);
}

/// <summary>One host with what the migration wants of it.</summary>
public sealed record HostView(PreflightInput Input, Role Role, HostInventory Host)
{
    public MigrationSpec Spec => Input.Spec;

    public bool IsOld => Role == Role.Old;

    public HostInventory? Peer => Input.Reading(IsOld ? Role.New : Role.Old).Inventory;

    /// <summary>The link's interface on this host.</summary>
    public string Link => (IsOld ? Spec.Link.OldInterface : Spec.Link.NewInterface).Value;

    public string? Public => FactsFromInventory.PublicInterface(Host);

    /// <summary>The link is made by us, so its interface must not be there yet.</summary>
    public bool IsTunnel => Spec.Link.Kind != LinkKind.Existing;

    public IEnumerable<LinkNetwork> LinkNetworks => new[] { Spec.Link.Ipv4, Spec.Link.Ipv6 }.OfType<LinkNetwork>();

    public IPAddress LinkAddress(LinkNetwork network) => IsOld ? network.Old : network.New;

    /// <summary>Data or images are copied by us: a container's image moves in either kind of cutover.</summary>
    public bool MovesData => Spec.Workload switch
    {
        SystemdUnit unit => unit.DataFolders.Count > 0,
        CustomCommands commands => commands.DataFolders.Count > 0,
        _ => true,
    };

    public bool IsDocker => Spec.Workload is DockerContainer or ComposeProject;
}
