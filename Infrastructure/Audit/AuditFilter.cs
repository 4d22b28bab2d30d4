using System.Text;
using Dapper;
using MigrationDashboard.Core.Audit;

namespace MigrationDashboard.Infrastructure.Audit;

/// <summary>Which entries are wanted. Every part that is set must match; one that is null does not count.</summary>
public sealed record AuditFilter
{
    public string? Host { get; init; }

    public Guid? MigrationId { get; init; }

    public string? Actor { get; init; }

    public AuditOutcome? Outcome { get; init; }

    /// <summary>The action itself or what comes below it: <c>stage</c> finds <c>stage.apply</c> too.</summary>
    public string? Action { get; init; }

    /// <summary>Found anywhere in action, command or detail, whatever its case.</summary>
    public string? Text { get; init; }

    /// <summary>At this moment or later.</summary>
    public DateTimeOffset? From { get; init; }

    /// <summary>Before this moment.</summary>
    public DateTimeOffset? Until { get; init; }

    /// <summary>The condition, made of constants; every value is a parameter.</summary>
    internal string Where(DynamicParameters parameters)
    {
        var where = new StringBuilder("true");
        Add("host = @Host", nameof(Host), Host);
        Add("migration_id = @MigrationId", nameof(MigrationId), MigrationId);
        Add("actor = @Actor", nameof(Actor), Actor);
        Add("outcome = @Outcome", nameof(Outcome), Outcome?.ToString());
        Add($"at >= @From AND sequence >= coalesce(({Nearest("<= @From - interval '1 day'", "DESC")}), 0)", nameof(From), From);
        Add($"at < @Until AND sequence <= coalesce(({Nearest(">= @Until + interval '1 day'", "ASC")}), {long.MaxValue})", nameof(Until), Until);
        Add("(action = @Action OR action LIKE @Below)", nameof(Action), Action);
        if (Action is not null)
            parameters.Add("Below", Pattern(Action) + ".%");
        // The expression of the index audit_entry_text, letter by letter.
        Add("(action || ' ' || coalesce(command, '') || ' ' || detail) ILIKE @Text", nameof(Text), string.IsNullOrEmpty(Text) ? null : $"%{Pattern(Text)}%");
        return where.ToString();

        void Add(string condition, string name, object? value)
        {
            if (value is null)
                return;
            where.Append(" AND ").Append(condition);
            parameters.Add(name, value);
        }
    }

    /// <summary>
    /// Bounds the sequence, so that a span long ago is found without reading all that came later. Sequence and time go together but for the
    /// difference between nodes' clocks and the wait for a database that is away: a day is far more than either.
    /// </summary>
    private static string Nearest(string at, string order) => $"SELECT sequence FROM audit_entry WHERE at {at} ORDER BY at {order}, sequence {order} LIMIT 1";

    /// <summary>Text that LIKE takes literally.</summary>
    private static string Pattern(string text) =>
        text.Replace(@"\", @"\\", StringComparison.Ordinal).Replace("%", @"\%", StringComparison.Ordinal).Replace("_", @"\_", StringComparison.Ordinal);
}

/// <param name="Next">Give it as <c>before</c> to get the next page; null at the end.</param>
public sealed record AuditPage(IReadOnlyList<AuditEntry> Entries, long? Next);
