using MigrationDashboard.Core.Inventory;

namespace MigrationDashboard.Core.Preflight;

public enum ReachFailureKind
{
    /// <summary>No route, no such name, or no answer in time.</summary>
    Unreachable,

    /// <summary>It answered and took no connection: closed port, too many sessions.</summary>
    Refused,

    /// <summary>It does not take the dashboard's key for the account.</summary>
    KeyRefused,

    /// <summary>No host key was confirmed yet.</summary>
    HostKeyUnknown,

    /// <summary>It shows another host key than the confirmed one.</summary>
    HostKeyChanged,

    /// <summary>The account may not become root without a password.</summary>
    NoSudo,

    /// <summary>The connection broke, or the reading took too long.</summary>
    Interrupted,

    /// <summary>It was read, and what came back makes no sense.</summary>
    Unreadable,
}

/// <param name="Detail">What happened, for the operator, with the host's name.</param>
public sealed record ReachFailure(ReachFailureKind Kind, string Detail);

/// <summary>What came of reading a host: an inventory, or why there is none.</summary>
public sealed record HostReading(HostInventory? Inventory, ReachFailure? Failure)
{
    public static HostReading Of(HostInventory inventory) => new(inventory, null);

    public static HostReading Failed(ReachFailureKind kind, string detail) => new(null, new(kind, detail));
}
