using MigrationDashboard.Core;
using MigrationDashboard.Core.Dns;
using MigrationDashboard.Core.Migrations;
using MigrationDashboard.Core.Stages;
using MigrationDashboard.Infrastructure.Dns;
using MigrationDashboard.Infrastructure.Jobs;
using MigrationDashboard.Infrastructure.Migrations;
using MigrationDashboard.Web.Security;

namespace MigrationDashboard.Web.Api;

internal static class MigrationsApi
{
    public sealed record MigrationView(Guid Id, MigrationSpec Spec, Stage Stage, DateTimeOffset StageSince, Stage? Next, Stage? Previous, DateTimeOffset CreatedAt, string CreatedBy, HostFacts? OldFacts, HostFacts? NewFacts);

    public sealed record BudgetView(Core.Workloads.CutoverBudget Budget, long TotalMs, int LimitSeconds, bool IsOver);

    public sealed record MigrationList(IReadOnlyList<MigrationView> Items, int Total);

    public sealed record ReplaceRequest(bool? Allowed);

    public sealed record RunRequest(Stage? Target, Direction? Direction, DateTimeOffset? NotBefore, DateTimeOffset? NotAfter, string? TimeZone, string? OverrideReason);

    public static void MapMigrations(this RouteGroupBuilder api)
    {
        var migrations = api.MapGroup("/migrations").WithTags("Migrations");
        migrations.MapGet("/", async (string? search, Stage? stage, bool? active, int? skip, int? take, MigrationStore store, CancellationToken cancel) =>
            {
                var page = await store.ListAsync(new(search, stage, active ?? false, skip ?? 0, take ?? 50), cancel);
                return new MigrationList([.. page.Items.Select(View)], page.Total);
            })
            .WithSummary("Migrations, newest first.");
        migrations.MapPost("/", AddAsync).RequireAuthorization(Policies.Operate).WithSummary("Make a migration. Nothing is changed on the servers.")
            .Produces<MigrationView>(StatusCodes.Status201Created).ProducesValidationProblem();
        migrations.MapGet("/{id:guid}", async (Guid id, MigrationStore store, CancellationToken cancel) =>
                await store.FindAsync(id, cancel) is { } found ? Results.Ok(View(found)) : Problems.NotFound("migration"))
            .WithSummary("One migration.").Produces<MigrationView>().ProducesProblem(StatusCodes.Status404NotFound);
        migrations.MapDelete("/{id:guid}", async (Guid id, HttpContext context, MigrationAdministration administration, CancellationToken cancel) =>
                await administration.RemoveAsync(context.Actor(), id, cancel) ? Results.NoContent() : Results.Problem("Its rules may still be on a server: roll it back first.", null, StatusCodes.Status409Conflict, "Not removed"))
            .RequireAuthorization(Policies.Operate).WithSummary("Remove a migration that has nothing on its servers.");
        migrations.MapPut("/{id:guid}/replace", async (Guid id, ReplaceRequest body, HttpContext context, MigrationAdministration administration, CancellationToken cancel) =>
                body.Allowed is not { } allowed ? throw new InvalidInputException("allowed", "say true or false")
                : await administration.AllowReplaceAsync(context.Actor(), id, allowed, cancel) ? Results.NoContent() : Problems.NotFound("migration"))
            .RequireAuthorization(Policies.Operate).WithSummary("Say whether what is in the workload's way on the new server, by the same name, may be replaced.")
            .Produces(StatusCodes.Status204NoContent).ProducesProblem(StatusCodes.Status404NotFound).ProducesValidationProblem();
        migrations.MapGet("/{id:guid}/checks", async (Guid id, MigrationStore store, CancellationToken cancel) =>
                await store.FindAsync(id, cancel) is { } found ? Results.Content(found.Checks ?? "[]", "application/json") : Problems.NotFound("migration"))
            .WithSummary("What the last preflight found.");
        migrations.MapGet("/{id:guid}/names", async (Guid id, MigrationStore store, NameWatchStore names, CancellationToken cancel) =>
                await store.FindAsync(id, cancel) is null ? Problems.NotFound("migration") : Results.Ok(await names.OfMigrationAsync(id, cancel)))
            .WithSummary("Where its DNS names led when they were last asked for.").Produces<IReadOnlyList<WatchedName>>();
        migrations.MapGet("/{id:guid}/plan", async (Guid id, Stage target, Direction? direction, MigrationStore store, CancellationToken cancel) =>
                await store.FindAsync(id, cancel) is { } found ? Results.Ok(StagePlan.Of(found.Migration, target, direction ?? Direction.Advance)) : Problems.NotFound("migration"))
            .WithSummary("What a stage would do and change on both servers.").Produces<StagePlan>();
        migrations.MapGet("/{id:guid}/runs", async (Guid id, RunStore runs, CancellationToken cancel) => await runs.OfMigrationAsync(id, 200, cancel)).WithSummary("Its runs, newest first.");
        migrations.MapPost("/{id:guid}/runs", RunAsync).RequireAuthorization(Policies.Operate).WithSummary("Ask for a stage, now or in a window.")
            .Produces<StageRun>(StatusCodes.Status202Accepted).ProducesValidationProblem();
        migrations.MapPost("/{id:guid}/rehearsal", async (Guid id, HttpContext context, MigrationAdministration administration, CancellationToken cancel) =>
            {
                var actor = context.Actor();
                var run = await administration.RequestAsync(actor, new(id, Stage.Cutover, Direction.Rehearse, actor.Name), cancel);
                return Results.Accepted($"/api/v1/runs/{run.Id}", run);
            })
            .RequireAuthorization(Policies.Operate).WithSummary("Try the cutover on new from a copy of the data, without clients and without network, and measure it.")
            .Produces<StageRun>(StatusCodes.Status202Accepted).ProducesValidationProblem();
        migrations.MapGet("/{id:guid}/rehearsal", async (Guid id, MigrationStore store, BudgetStore budgets, CancellationToken cancel) =>
                await store.FindAsync(id, cancel) is not { } found ? Problems.NotFound("migration")
                    : await budgets.FindAsync(id, cancel) is { } budget ? Results.Ok(new BudgetView(budget, budget.TotalMs, found.Migration.Spec.HoldLimitSeconds, budget.IsOver(found.Migration.Spec))) : Results.NoContent())
            .WithSummary("What the last rehearsal measured, and whether it fits the hold's limit; no content when there was none.").Produces<BudgetView>();
        api.MapRuns();
    }

    private static void MapRuns(this RouteGroupBuilder api)
    {
        var runs = api.MapGroup("/runs").WithTags("Runs");
        runs.MapGet("/", async (DateTimeOffset? from, DateTimeOffset? to, RunStore store, TimeProvider time, CancellationToken cancel) =>
                await store.BetweenAsync(from ?? time.GetUtcNow().AddDays(-7), to ?? time.GetUtcNow().AddDays(60), 1000, cancel))
            .WithSummary("What is planned, running and done in a span of time.");
        runs.MapGet("/{id:guid}", async (Guid id, RunStore store, CancellationToken cancel) =>
                await store.FindAsync(id, cancel) is { } run ? Results.Ok(run) : Problems.NotFound("run"))
            .WithSummary("One run.").Produces<StageRun>();
        runs.MapGet("/{id:guid}/steps", async (Guid id, RunStore store, CancellationToken cancel) => await store.StepsAsync(id, cancel)).WithSummary("Its steps so far, with their output.");
        runs.MapPost("/{id:guid}/cancel", async (Guid id, HttpContext context, MigrationAdministration administration, CancellationToken cancel) =>
                await administration.CancelAsync(context.Actor(), id, cancel) is { } state ? Results.Ok(new { state }) : Problems.NotFound("run"))
            .RequireAuthorization(Policies.Operate).WithSummary("Cancel a planned run, or ask a running one to stop and take back what it did.");
    }

    private static async Task<IResult> AddAsync(MigrationInput body, HttpContext context, MigrationAdministration administration, MigrationStore store, CancellationToken cancel)
    {
        var migration = await administration.AddAsync(context.Actor(), body, cancel);
        var stored = await store.FindAsync(migration.Id, cancel);
        return Results.Created($"/api/v1/migrations/{migration.Id}", View(stored!));
    }

    private static async Task<IResult> RunAsync(Guid id, RunRequest body, HttpContext context, MigrationAdministration administration, CancellationToken cancel)
    {
        if (body.Target is not { } target)
            throw new InvalidInputException("target", "name the stage");
        var actor = context.Actor();
        var run = await administration.RequestAsync(
            actor, new(id, target, body.Direction ?? Direction.Advance, actor.Name, body.NotBefore, body.NotAfter, body.TimeZone ?? "UTC", body.OverrideReason), cancel);
        return Results.Accepted($"/api/v1/runs/{run.Id}", run);
    }

    internal static MigrationView View(StoredMigration stored) => new(
        stored.Migration.Id, stored.Migration.Spec, stored.Migration.Stage, stored.StageSince, StageOrder.After(stored.Migration.Stage), StageOrder.Before(stored.Migration.Stage),
        stored.CreatedAt, stored.CreatedBy, stored.Migration.OldFacts, stored.Migration.NewFacts);
}
