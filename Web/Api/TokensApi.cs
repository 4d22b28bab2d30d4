using MigrationDashboard.Core.Users;
using MigrationDashboard.Infrastructure.Users;
using MigrationDashboard.Web.Security;

namespace MigrationDashboard.Web.Api;

internal static class TokensApi
{
    public sealed record TokenView(Guid Id, string Name, string User, Role Role, DateTimeOffset CreatedAt, DateTimeOffset ExpiresAt, DateTimeOffset? LastUsedAt);

    public sealed record TokenRequest(string? Name, Role Role, int Days);

    /// <summary>The only answer that ever carries the secret.</summary>
    public sealed record TokenMade(TokenView Token, string Secret);

    public static void MapTokens(this RouteGroupBuilder api)
    {
        var tokens = api.MapGroup("/tokens").WithTags("API tokens");
        tokens.MapGet("/", async (HttpContext context, TokenAdministration administration, CancellationToken cancel) =>
                (await administration.ListAsync(context.Actor(), cancel)).Select(View))
            .WithSummary("Your tokens; everybody's for an administrator.");
        // A viewer's token changes nothing, not even its own successor.
        tokens.MapPost("/", AddAsync).RequireAuthorization(Policies.Operate).WithSummary("Make a token; the secret is in this answer only.")
            .Produces<TokenMade>(StatusCodes.Status201Created).ProducesValidationProblem();
        tokens.MapDelete("/{id:guid}", DeleteAsync).RequireAuthorization(Policies.Operate).WithSummary("Revoke a token.")
            .Produces(StatusCodes.Status204NoContent).ProducesProblem(StatusCodes.Status404NotFound);
    }

    private static async Task<IResult> AddAsync(TokenRequest body, HttpContext context, TokenAdministration administration, CancellationToken cancel)
    {
        var made = await administration.AddAsync(context.Actor(), body.Name, body.Role, body.Days, cancel);
        return made.Errors.Count > 0
            ? Problems.From(made.Errors)
            : Results.Created($"/api/v1/tokens/{made.Token!.Id}", new TokenMade(View(made.Token), made.Secret!));
    }

    private static async Task<IResult> DeleteAsync(Guid id, HttpContext context, TokenAdministration administration, CancellationToken cancel) =>
        await administration.DeleteAsync(context.Actor(), id, cancel) ? Results.NoContent() : Problems.NotFound("token");

    private static TokenView View(ApiToken token) =>
        new(token.Id, token.Name, token.UserName, token.Role, token.CreatedAt, token.ExpiresAt, token.LastUsedAt);
}
