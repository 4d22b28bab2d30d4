using MigrationDashboard.Core.Audit;
using MigrationDashboard.Core.Users;
using MigrationDashboard.Infrastructure.Audit;

namespace MigrationDashboard.Infrastructure.Users;

/// <summary>Writes to the audit what people do with users, tokens and their own account.</summary>
public sealed class UserLog(AuditStore audit, TimeProvider time)
{
    public Task DoneAsync(Actor actor, string action, string detail, CancellationToken cancel) =>
        WriteAsync(actor.Name, actor.Address?.ToString(), action, AuditOutcome.Ok, $"{detail} (by {actor.Via})", cancel);

    /// <param name="name">Of a user that exists; what a stranger typed may be a password and is not kept.</param>
    public Task SignInAsync(string? name, string address, bool accepted, string detail, CancellationToken cancel) =>
        WriteAsync(name ?? "unknown", address, "user.sign-in", accepted ? AuditOutcome.Ok : AuditOutcome.Refused, detail, cancel);

    private Task<AuditEntry> WriteAsync(string actor, string? address, string action, AuditOutcome outcome, string detail, CancellationToken cancel) =>
        audit.AppendAsync(
            new AuditEvent { At = time.GetUtcNow(), Actor = actor, FromAddress = address, Action = action, Outcome = outcome, Detail = detail }, cancel);
}
