using System.Net.Sockets;
using MigrationDashboard.Core.Servers;

namespace MigrationDashboard.Core.Network;

/// <summary>
/// Everything one migration wants to be true on one host. A value: it is rendered for the preview, compared for the diff, applied, read back
/// and compared again. Applying it sets the host to exactly this, whatever was there of this migration before; the empty one takes all away.
/// </summary>
public sealed record HostConfig(Allocation Allocation)
{
    public ValueList<ForwardedPort> Ports { get; init; } = [];

    public LinkEnd? Link { get; init; }

    public ValueList<Counting> Counting { get; init; } = [];

    public ValueList<Forwarding> Forwardings { get; init; } = [];

    public ValueList<ReturnPath> ReturnPaths { get; init; } = [];

    public ValueList<Hold> Holds { get; init; } = [];

    /// <summary>Held while the host boots, from before its network is up until what answers on the ports was started.</summary>
    public ValueList<Hold> BootHolds { get; init; } = [];

    public Egress? Egress { get; init; }

    public EgressExit? EgressExit { get; init; }

    /// <summary>Families in which this host did not forward before: whatever is forwarded and not ours is dropped, so that it does not become an open router.</summary>
    public ValueList<AddressFamily> GuardedForwarding { get; init; } = [];

    public ValueList<Sysctl> Sysctls { get; init; } = [];

    public ValueList<FirewallOpening> Openings { get; init; } = [];

    public bool IsEmpty => this == new HostConfig(Allocation);
}
