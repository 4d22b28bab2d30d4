using System.Globalization;
using System.Security.Claims;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using MigrationDashboard.Core.Users;
using MigrationDashboard.Infrastructure.Users;
using MigrationDashboard.Web.Settings;

namespace MigrationDashboard.Web.Security;

/// <summary>The cookie that keeps a person signed in, and the check that it still may.</summary>
public sealed class Sessions(UserStore users, SessionLifetimes lifetimes, TimeProvider time) : CookieAuthenticationEvents
{
    public const string Scheme = CookieAuthenticationDefaults.AuthenticationScheme;

    private const string Since = "since";

    public static Task SignInAsync(HttpContext context, User user)
    {
        var properties = new AuthenticationProperties { IsPersistent = false };
        properties.Items[Since] = DateTimeOffset.UtcNow.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        return context.SignInAsync(Scheme, Claims.Principal(user, Scheme), properties);
    }

    /// <summary>The user behind a principal if the session still holds: not disabled, nothing changed that ends sessions.</summary>
    public static async Task<User?> CurrentAsync(UserStore users, ClaimsPrincipal principal, CancellationToken cancel) =>
        await users.FindAsync(principal.GetUserId(), cancel) is { MaySignIn: true } user && user.Stamp == principal.GetStamp() ? user : null;

    public override async Task ValidatePrincipal(CookieValidatePrincipalContext context)
    {
        var since = context.Properties.Items.TryGetValue(Since, out var text) && long.TryParse(text, CultureInfo.InvariantCulture, out var seconds) ? seconds : 0;
        var tooOld = time.GetUtcNow() - DateTimeOffset.FromUnixTimeSeconds(since) > TimeSpan.FromHours(lifetimes.LongestHours);
        if (!tooOld && await CurrentAsync(users, context.Principal!, context.HttpContext.RequestAborted) is not null) return;
        context.RejectPrincipal();
        await context.HttpContext.SignOutAsync(Scheme);
    }

    public override Task RedirectToLogin(RedirectContext<CookieAuthenticationOptions> context) =>
        Answers.IsForPrograms(context.HttpContext) ? Answers.NotSignedInAsync(context.HttpContext) : base.RedirectToLogin(context);

    public override Task RedirectToAccessDenied(RedirectContext<CookieAuthenticationOptions> context)
    {
        if (Answers.IsForPrograms(context.HttpContext)) return Answers.NotAllowedAsync(context.HttpContext);
        context.Response.StatusCode = StatusCodes.Status403Forbidden;
        return Task.CompletedTask;
    }
}
