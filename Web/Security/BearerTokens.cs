using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Options;
using MigrationDashboard.Infrastructure.Users;

namespace MigrationDashboard.Web.Security;

/// <summary>Lets programs in by <c>Authorization: Bearer mdt_…</c>.</summary>
public sealed class BearerTokens(
    IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logger, UrlEncoder encoder, ApiTokenStore tokens)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
{
    public const string Name = "Bearer";

    private const string Start = "Bearer ";

    public static bool IsUsedBy(HttpRequest request) => request.Headers.Authorization.ToString().StartsWith(Start, StringComparison.OrdinalIgnoreCase);

    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        if (!IsUsedBy(Request)) return AuthenticateResult.NoResult();
        var token = await tokens.UseAsync(Request.Headers.Authorization.ToString()[Start.Length..].Trim(), Context.RequestAborted);
        if (token is null) return AuthenticateResult.Fail("The token is unknown, has expired, or its owner may not sign in.");
        var principal = Claims.Principal(token.UserId, token.UserName, token.Role, Guid.Empty, Name);
        return AuthenticateResult.Success(new AuthenticationTicket(principal, Name));
    }

    protected override Task HandleChallengeAsync(AuthenticationProperties properties) => Answers.NotSignedInAsync(Context);

    protected override Task HandleForbiddenAsync(AuthenticationProperties properties) => Answers.NotAllowedAsync(Context);
}
