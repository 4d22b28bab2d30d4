using Microsoft.AspNetCore.Components.Authorization;
using Microsoft.AspNetCore.Components.Server;
using MigrationDashboard.Infrastructure.Users;

namespace MigrationDashboard.Web.Security;

/// <summary>Ends a live page soon after its user was disabled, changed role or signed out everywhere; no request tells a circuit so.</summary>
public sealed class CircuitSessions(ILoggerFactory loggers, IServiceScopeFactory scopes) : RevalidatingServerAuthenticationStateProvider(loggers)
{
    // One small query per open page; short enough that a disabled user does not go on watching.
    protected override TimeSpan RevalidationInterval => TimeSpan.FromSeconds(15);

    protected override async Task<bool> ValidateAuthenticationStateAsync(AuthenticationState authenticationState, CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        return await Sessions.CurrentAsync(scope.ServiceProvider.GetRequiredService<UserStore>(), authenticationState.User, cancellationToken) is not null;
    }
}
