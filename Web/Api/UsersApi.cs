using MigrationDashboard.Core;
using MigrationDashboard.Core.Users;
using MigrationDashboard.Infrastructure.Users;
using MigrationDashboard.Web.Security;

namespace MigrationDashboard.Web.Api;

internal static class UsersApi
{
    public sealed record UserView(Guid Id, string Name, Role Role, bool HasSecondFactor, DateTimeOffset? DisabledAt, DateTimeOffset CreatedAt, DateTimeOffset? LastSignInAt);

    public sealed record NewUser(string? Name, string? Password, Role Role);

    /// <summary>What is null stays as it is.</summary>
    public sealed record UserChange(Role? Role, bool? Disabled, string? Password);

    public static void MapUsers(this RouteGroupBuilder api)
    {
        var users = api.MapGroup("/users").RequireAuthorization(Policies.Administer).WithTags("Users");
        users.MapGet("/", async (UserStore store, CancellationToken cancel) => (await store.ListAsync(cancel)).Select(View))
            .WithSummary("Every user.");
        users.MapPost("/", AddAsync).WithSummary("Add a user.").Produces<UserView>(StatusCodes.Status201Created).ProducesValidationProblem();
        users.MapPatch("/{id:guid}", ChangeAsync).WithSummary("Change role, password or the right to sign in.")
            .Produces<UserView>().ProducesValidationProblem().ProducesProblem(StatusCodes.Status404NotFound);
        users.MapDelete("/{id:guid}/second-factor", ResetSecondFactorAsync).WithSummary("Take off a lost second factor.")
            .Produces(StatusCodes.Status204NoContent).ProducesProblem(StatusCodes.Status404NotFound);
    }

    private static async Task<IResult> AddAsync(NewUser body, HttpContext context, UserAdministration administration, UserStore store, CancellationToken cancel)
    {
        var errors = await administration.AddAsync(context.Actor(), body.Name ?? "", body.Password ?? "", body.Role, cancel);
        if (errors.Count > 0) return Problems.From(errors);
        var user = await store.FindByNameAsync(body.Name!, cancel);
        return Results.Created($"/api/v1/users/{user!.Id}", View(user));
    }

    private static async Task<IResult> ChangeAsync(
        Guid id, UserChange body, HttpContext context, UserAdministration administration, UserStore store, CancellationToken cancel)
    {
        if (await store.FindAsync(id, cancel) is null) return Problems.NotFound("user");
        var actor = context.Actor();
        List<FieldError> errors = [];
        if (body.Role is { } role) errors.AddRange(await administration.SetRoleAsync(actor, id, role, cancel));
        if (body.Disabled is { } disabled) errors.AddRange(await administration.SetDisabledAsync(actor, id, disabled, cancel));
        if (body.Password is { } password) errors.AddRange(await administration.SetPasswordAsync(actor, id, password, cancel));
        return errors.Count > 0 ? Problems.From(errors) : Results.Ok(View((await store.FindAsync(id, cancel))!));
    }

    private static async Task<IResult> ResetSecondFactorAsync(Guid id, HttpContext context, UserAdministration administration, CancellationToken cancel)
    {
        var errors = await administration.ResetSecondFactorAsync(context.Actor(), id, cancel);
        return errors.Count > 0 ? Problems.NotFound("user") : Results.NoContent();
    }

    private static UserView View(User user) =>
        new(user.Id, user.Name, user.Role, user.HasSecondFactor, user.DisabledAt, user.CreatedAt, user.LastSignInAt);
}
