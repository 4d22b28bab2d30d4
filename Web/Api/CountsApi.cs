using System.Text;
using MigrationDashboard.Core;
using MigrationDashboard.Core.Connections;
using MigrationDashboard.Core.Servers;
using MigrationDashboard.Core.Stages;
using MigrationDashboard.Infrastructure.Connections;
using MigrationDashboard.Infrastructure.Migrations;

namespace MigrationDashboard.Web.Api;

internal static class CountsApi
{
    /// <summary>Without a span: the last hour.</summary>
    private static readonly TimeSpan UsualSpan = TimeSpan.FromHours(1);

    public sealed record StragglerList(IReadOnlyList<Straggler> Items, long Total);

    /// <param name="Clients">An address or a network.</param>
    public sealed record StragglerParameters(ConnectionPath? Path, string? Clients, bool? Present, StragglerOrder? Order, bool? Descending)
    {
        public StragglerQuery Query => new(Path, StragglerQuery.ClientsOf(Clients), Present ?? false, Order ?? StragglerOrder.LastSeen, Descending ?? true);
    }

    public static void MapCounts(this RouteGroupBuilder api)
    {
        var counts = api.MapGroup("/migrations/{id:guid}").WithTags("Counting").AddEndpointFilter(RequireMigrationAsync).ProducesProblem(StatusCodes.Status404NotFound);
        counts.MapGet("/counts", async (Guid id, ConnectionHistory history, CancellationToken cancel) => await history.LatestAsync(id, cancel))
            .WithSummary("The four paths as last counted.").Produces<LiveCounts>();
        counts.MapGet("/series", async (Guid id, DateTimeOffset? from, DateTimeOffset? to, double? seconds, string? port, ConnectionHistory history, TimeProvider time, CancellationToken cancel) =>
            {
                var end = to ?? time.GetUtcNow();
                return await history.SeriesAsync(id, from ?? end - UsualSpan, end, TimeSpan.FromSeconds(Math.Clamp(seconds ?? 10, 0, 86_400)), PortOf(port), cancel);
            })
            .WithSummary("The paths over time, oldest first; seconds is the length of a stretch.").Produces<IReadOnlyList<SeriesPoint>>().ProducesValidationProblem();
        counts.MapGet("/stragglers", async (Guid id, [AsParameters] StragglerParameters wanted, int? skip, int? take, StragglerStore store, CancellationToken cancel) =>
            {
                var (rows, total) = await store.ListAsync(id, wanted.Query, skip ?? 0, take ?? 50, cancel);
                return new StragglerList(rows, total);
            })
            .WithSummary("Clients by path and port.").ProducesValidationProblem();
        counts.MapGet("/stragglers.csv", (Guid id, [AsParameters] StragglerParameters wanted, StragglerStore store) =>
            {
                var query = wanted.Query;
                return Results.Stream(async stream =>
                {
                    await using var writer = new StreamWriter(stream, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), leaveOpen: true) { NewLine = "\r\n" };
                    await foreach (var line in store.CsvAsync(id, query, CancellationToken.None))
                        await writer.WriteLineAsync(line);
                }, "text/csv; charset=utf-8", $"stragglers-{id}.csv");
            })
            .WithSummary("All of them as CSV.").Produces(StatusCodes.Status200OK, contentType: "text/csv");
    }

    private static ForwardedPort? PortOf(string? text)
    {
        if (string.IsNullOrWhiteSpace(text))
            return null;
        var (ports, errors) = PortList.Parse(text, field: "port");
        return errors.Count > 0 ? throw new InvalidInputException(errors) : ports.Count == 1 ? ports[0] : throw new InvalidInputException("port", "name one port");
    }

    private static async ValueTask<object?> RequireMigrationAsync(EndpointFilterInvocationContext invocation, EndpointFilterDelegate next)
    {
        var context = invocation.HttpContext;
        var id = Guid.Parse((string)context.Request.RouteValues["id"]!, System.Globalization.CultureInfo.InvariantCulture);
        return await context.RequestServices.GetRequiredService<MigrationStore>().FindAsync(id, context.RequestAborted) is null ? Problems.NotFound("migration") : await next(invocation);
    }
}
