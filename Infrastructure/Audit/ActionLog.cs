using MigrationDashboard.Core.Audit;
using MigrationDashboard.Core.Users;

namespace MigrationDashboard.Infrastructure.Audit;

/// <summary>Writes to the audit what people do with servers, keys and migrations.</summary>
public sealed class ActionLog(AuditStore audit, TimeProvider time)
{
    public Task DoneAsync(Actor actor, string action, string detail, CancellationToken cancellation, Guid? migration = null, string? host = null) =>
        WriteAsync(actor, action, AuditOutcome.Ok, detail, migration, host, cancellation);

    /// <summary>It was tried and did not succeed.</summary>
    public Task FailedAsync(Actor actor, string action, string reason, CancellationToken cancellation, Guid? migration = null, string? host = null) =>
        WriteAsync(actor, action, AuditOutcome.Failed, reason, migration, host, cancellation);

    /// <summary>It was not tried: the input or the moment was wrong.</summary>
    public Task RefusedAsync(Actor actor, string action, string reason, CancellationToken cancellation, Guid? migration = null, string? host = null) =>
        WriteAsync(actor, action, AuditOutcome.Refused, reason, migration, host, cancellation);

    private Task<AuditEntry> WriteAsync(Actor actor, string action, AuditOutcome outcome, string detail, Guid? migration, string? host, CancellationToken cancellation) => audit.AppendAsync(
        new AuditEvent
        {
            At = time.GetUtcNow(),
            Actor = actor.Name,
            FromAddress = actor.Address?.ToString(),
            Action = action,
            MigrationId = migration,
            Host = host,
            Outcome = outcome,
            Detail = $"{detail} (by {actor.Via})",
        }, cancellation);
}
