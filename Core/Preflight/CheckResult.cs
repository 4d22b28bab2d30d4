using MigrationDashboard.Core.Stages;

namespace MigrationDashboard.Core.Preflight;

public enum CheckStatus
{
    /// <summary>Not looked at, because something else must be known first.</summary>
    Unknown,

    Pass,

    /// <summary>The migration can go on; the operator should know.</summary>
    Warn,

    /// <summary>The migration cannot start before this is put right.</summary>
    Fail,

    /// <summary>It could not be evaluated.</summary>
    Error,
}

/// <summary>What one check says of one host, or of both together.</summary>
/// <param name="Id">Stable name for the API, such as <c>kernel</c>.</param>
/// <param name="Role">Null when it is about both hosts.</param>
/// <param name="Found">The evidence: what was seen on the host.</param>
/// <param name="Means">What follows from it for this migration; empty when nothing does.</param>
/// <param name="WillDo">What the product will do, or what the operator is to do; empty when nothing is needed.</param>
public sealed record CheckResult(string Id, string Title, Role? Role, CheckStatus Status, string Found, string Means = "", string WillDo = "");
