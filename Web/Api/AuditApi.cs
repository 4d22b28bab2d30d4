using MigrationDashboard.Core;
using MigrationDashboard.Core.Audit;
using MigrationDashboard.Infrastructure.Audit;
using MigrationDashboard.Web.Security;

namespace MigrationDashboard.Web.Api;

internal static class AuditApi
{
    /// <summary>The filter as it stands in an address: on the Audit page and in the API alike.</summary>
    public sealed record AuditQuery(string? Host, Guid? Migration, string? Actor, AuditOutcome? Outcome, string? Action, string? Text, DateTimeOffset? From, DateTimeOffset? Until)
    {
        public AuditFilter Filter => new()
        {
            Host = Blank(Host),
            MigrationId = Migration,
            Actor = Blank(Actor),
            Outcome = Outcome,
            Action = Blank(Action),
            Text = Blank(Text),
            From = From?.ToUniversalTime(),
            Until = Until?.ToUniversalTime(),
        };

        private static string? Blank(string? text) => string.IsNullOrWhiteSpace(text) ? null : text.Trim();
    }

    /// <param name="Broken">Null when every entry is as it was written.</param>
    public sealed record VerificationView(long Checked, string LastHash, AuditBreak? Broken);

    public static void MapAudit(this RouteGroupBuilder api)
    {
        var audit = api.MapGroup("/audit").WithTags("Audit");
        audit.MapGet("/", async ([AsParameters] AuditQuery query, long? before, int? take, AuditStore store, CancellationToken cancel) =>
                await store.SearchAsync(query.Filter, before, Math.Clamp(take ?? 100, 1, 1000), cancel))
            .WithSummary("Entries, newest first; give next as before for the following page.").Produces<AuditPage>();
        audit.MapPost("/verify", async (AuditStore store, CancellationToken cancel) =>
            {
                var found = await store.VerifyAsync(null, cancel);
                return new VerificationView(found.Checked, found.LastHash, found.Broken);
            })
            .WithSummary("Check every hash from the first entry to the last.");
        audit.MapGet("/export", Export).WithSummary("All entries that match, oldest first, with their hashes: format csv or jsonl.").Produces(StatusCodes.Status200OK, contentType: "text/csv");
    }

    private static IResult Export([AsParameters] AuditQuery query, string? format, AuditStore store, TimeProvider time)
    {
        var name = $"audit-{time.GetUtcNow().UtcDateTime:yyyyMMdd-HHmmss}";
        return (format ?? "csv").ToLowerInvariant() switch
        {
            "csv" => Results.Stream(stream => AuditExport.WriteCsvAsync(store.StreamAsync(query.Filter, CancellationToken.None), stream, CancellationToken.None), "text/csv; charset=utf-8", name + ".csv"),
            "jsonl" => Results.Stream(stream => AuditExport.WriteJsonLinesAsync(store.StreamAsync(query.Filter, CancellationToken.None), stream, CancellationToken.None), "application/jsonl", name + ".jsonl"),
            _ => throw new InvalidInputException("format", "choose csv or jsonl"),
        };
    }
}
