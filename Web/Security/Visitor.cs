using System.Net;
using Microsoft.AspNetCore.Components.Authorization;
using MigrationDashboard.Core.Users;
using MigrationDashboard.Infrastructure.Users;

namespace MigrationDashboard.Web.Security;

/// <summary>The person before the current page: who, from which address, in which time zone.</summary>
public sealed class Visitor(AuthenticationStateProvider authentication, UserStore users)
{
    /// <summary>The browser's address; set by the root of the page, since a circuit has no request.</summary>
    public IPAddress? Address { get; set; }

    /// <summary>UTC until the browser has told.</summary>
    public TimeZoneInfo Zone { get; private set; } = TimeZoneInfo.Utc;

    /// <summary>Raised when the browser reports another zone than was known.</summary>
    public event Action? ZoneChanged;

    public void SetZone(string? id)
    {
        if (id is null || id == Zone.Id || !TimeZoneInfo.TryFindSystemTimeZoneById(id, out var zone)) return;
        Zone = zone;
        ZoneChanged?.Invoke();
    }

    /// <summary>The person with the rights of this moment, read anew: a page may have been open for hours.</summary>
    /// <exception cref="NotAllowedException">The session has ended meanwhile.</exception>
    public async Task<Actor> ActorAsync(CancellationToken cancel = default)
    {
        var principal = (await authentication.GetAuthenticationStateAsync()).User;
        var user = await Sessions.CurrentAsync(users, principal, cancel)
            ?? throw new NotAllowedException(principal.Identity?.Name ?? "Whoever is not signed in", Role.Viewer);
        return new Actor(user.Id, user.Name, user.Role, Address, "page");
    }
}
