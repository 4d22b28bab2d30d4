namespace MigrationDashboard.Core.Dns;

/// <summary>What one resolver said of one watched name when it was last asked, and what is known from before.</summary>
/// <param name="Resolver">Address of the resolver, or <c>system</c> for the computer's own.</param>
/// <param name="Said">The addresses it gave, or why it gave none.</param>
/// <param name="Ttl">For how many seconds others may keep that; null without an answer.</param>
/// <param name="Leads">Whether its last answer led to the new server and nowhere else.</param>
/// <param name="Since">Since when it is so.</param>
/// <param name="OldTtl">The longest TTL, seconds, of an answer that led elsewhere; null when there was none.</param>
/// <param name="At">When it was last asked.</param>
public sealed record WatchedName(string Name, string Resolver, string Said, int? Ttl, bool Leads, DateTimeOffset Since, int? OldTtl, DateTimeOffset At)
{
    /// <summary>
    /// When the old records have run out in every cache that respects them. The first resolver that leads to the new server tells that the record was
    /// changed; whoever asked just before that keeps the old one for its TTL. A resolver that still leads elsewhere says nothing of that.
    /// </summary>
    /// <returns>Null when no name was seen to change.</returns>
    public static DateTimeOffset? OldRecordsEnd(IEnumerable<WatchedName> names) => names
        .GroupBy(watched => watched.Name)
        .Select(same => same.Any(watched => watched.Leads) ? same.Where(watched => watched.Leads).Min(watched => watched.Since) + TimeSpan.FromSeconds(same.Max(watched => watched.OldTtl) ?? 0) : (DateTimeOffset?)null)
        .Max();
}
