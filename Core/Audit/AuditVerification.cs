namespace MigrationDashboard.Core.Audit;

/// <summary>Where the chain does not hold, and why. Everything before this entry is as it was written.</summary>
/// <param name="Sequence">Of the first entry that is wrong or missing.</param>
public sealed record AuditBreak(long Sequence, string Reason);

/// <summary>Goes through the log from its first entry, one by one.</summary>
public sealed class AuditVerification
{
    /// <summary>Entries that hold, up to the first that does not.</summary>
    public long Checked { get; private set; }

    /// <summary>The hash of the last entry that holds. Written down elsewhere, it proves later that nothing before it was changed.</summary>
    public string LastHash { get; private set; } = AuditChain.Genesis;

    /// <summary>Null as long as the chain holds.</summary>
    public AuditBreak? Broken { get; private set; }

    /// <returns>False at the first entry that does not hold; there is no point in going on.</returns>
    public bool Next(AuditEntry entry)
    {
        if (Broken is not null)
            return false;
        var expected = Checked + 1;
        Broken =
            entry.Sequence > expected ? new(expected, entry.Sequence == expected + 1 ? $"entry {expected} is missing" : $"entries {expected} to {entry.Sequence - 1} are missing")
            : entry.Sequence < expected ? new(entry.Sequence, $"entry {entry.Sequence} is there twice or out of order")
            : entry.PreviousHash != LastHash ? new(expected, $"entry {expected} does not follow entry {Checked}: one of them was changed, with its hash")
            : AuditChain.HashOf(entry) != entry.Hash ? new(expected, $"entry {expected} was changed: its hash does not match its content")
            : null;
        if (Broken is not null)
            return false;
        Checked = expected;
        LastHash = entry.Hash;
        return true;
    }

    /// <summary>Compares with the recorded end of the chain, which shows entries cut off or added at the end.</summary>
    public void End(long sequence, string hash)
    {
        if (Broken is not null)
            return;
        Broken =
            sequence > Checked ? new(Checked + 1, $"the log ends at entry {Checked}, but {sequence} were written: the last ones are missing")
            : sequence < Checked ? new(sequence + 1, $"entry {sequence + 1} was not written by the dashboard: only {sequence} were")
            : hash != LastHash ? new(Checked, $"entry {Checked} is not the one that was written last")
            : null;
    }
}
