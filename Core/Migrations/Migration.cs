using System.Net;
using System.Net.Sockets;
using MigrationDashboard.Core.Network;
using MigrationDashboard.Core.Servers;
using MigrationDashboard.Core.Stages;

namespace MigrationDashboard.Core.Migrations;

public enum CutoverMode
{
    /// <summary>The workload may run on both servers at once: started on <c>new</c>, then new connections go there; established ones end on <c>old</c>.</summary>
    Parallel,

    /// <summary>Only one may run, because it owns data: new connections are held while it moves.</summary>
    Exclusive,
}

/// <summary>What is to be moved and how: the operator's wish, without anything learned from the hosts.</summary>
public sealed record MigrationSpec
{
    public required string Name { get; init; }

    public required Guid OldServer { get; init; }

    public required Guid NewServer { get; init; }

    public required Link Link { get; init; }

    public required ValueList<ForwardedPort> Ports { get; init; }

    public required Workload Workload { get; init; }

    public CutoverMode Mode { get; init; } = CutoverMode.Exclusive;

    /// <summary>The workload's own outgoing connections leave through <c>new</c> as soon as it forwards.</summary>
    public bool EgressThroughNew { get; init; }

    /// <summary>DNS names whose records are watched; empty when none are known.</summary>
    public ValueList<string> DnsNames { get; init; } = [];

    /// <summary>Addresses of the resolvers that are asked; empty for the dashboard's own.</summary>
    public ValueList<IPAddress> DnsResolvers { get; init; } = [];

    /// <summary>The hold's hard limit, seconds, enforced on the hosts. 1 to 60; 8 because older Windows clients send no third SYN later than that (DESIGN §6).</summary>
    public int HoldLimitSeconds { get; init; } = 8;

    /// <summary>How long the hosts wait for a confirmation of a change before they take it back, seconds. 5 to 600.</summary>
    public int CheckpointSeconds { get; init; } = 30;

    /// <summary>How long established connections get to finish inside the hold, seconds. 0 to 30.</summary>
    public double QuietSeconds { get; init; } = 1;

    public Gate Gate { get; init; } = new();

    /// <summary>How long before its window opens a scheduled cutover begins to copy, minutes. 0 to 1440; 0 begins with the window.</summary>
    public int CopyAheadMinutes { get; init; } = 30;
}

/// <summary>What was learned from a host about this migration, stored before any configuration is computed (DESIGN §2).</summary>
public sealed record HostFacts
{
    public required InterfaceName PublicInterface { get; init; }

    /// <summary>The public address clients call; null when the host has none of that family.</summary>
    public IPAddress? PublicIpv4 { get; init; }

    public IPAddress? PublicIpv6 { get; init; }

    public required RulesBackend Backend { get; init; }

    /// <summary>Firewalls of the host that would drop what we forward unless told otherwise.</summary>
    public ValueList<FirewallKind> ForwardFirewalls { get; init; } = [];

    /// <summary>Firewalls of the host that would drop what arrives for itself unless told otherwise.</summary>
    public ValueList<FirewallKind> InputFirewalls { get; init; } = [];

    /// <summary>Value of net.ipv4.ip_forward before any migration.</summary>
    public bool Ipv4ForwardingWasOn { get; init; }

    public bool Ipv6ForwardingWasOn { get; init; }

    /// <summary>accept_ra of the public interface was 1: it needs 2 while the host forwards IPv6.</summary>
    public bool AcceptsRouterAdvertisements { get; init; }

    /// <summary>SHA-256 fingerprint of the link certificate made on this host; null until it is made and for links without one.</summary>
    public string? LinkFingerprint { get; init; }

    /// <summary>Largest packet that crosses the link whole, bytes with IP header; null until probed.</summary>
    public int? LinkMtu { get; init; }

    /// <summary>Those of the migration's ports on which a process of the host itself listens, rather than Docker for a container. Learned from <c>old</c>.</summary>
    public ValueList<ForwardedPort> ProcessPorts { get; init; } = [];

    /// <summary>Where the workload's packets enter the host, with its address there; null when it is no container or not known.</summary>
    public WorkloadPlace? WorkloadPlace { get; init; }

    public IPAddress? Public(AddressFamily family) => family == AddressFamily.InterNetwork ? PublicIpv4 : PublicIpv6;
}

public sealed record WorkloadPlace(InterfaceName Bridge, IPAddress Address, IPNetwork Network);

public enum RulesBackend
{
    Nft,

    /// <summary>The host has no nft: chains of our own by iptables-restore.</summary>
    Iptables,
}

/// <summary>A migration with all that is known of it: the argument of the one function everything follows from, <see cref="StageConfigs"/>.</summary>
public sealed record Migration
{
    public required Guid Id { get; init; }

    public required MigrationSpec Spec { get; init; }

    public required Allocation Allocation { get; init; }

    public HostFacts? OldFacts { get; init; }

    public HostFacts? NewFacts { get; init; }

    public Stage Stage { get; init; }

    public HostFacts? Facts(Role role) => role == Role.Old ? OldFacts : NewFacts;

    public Migration With(Role role, HostFacts facts) => role == Role.Old ? this with { OldFacts = facts } : this with { NewFacts = facts };
}
