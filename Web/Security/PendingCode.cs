using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.AspNetCore.DataProtection;
using MigrationDashboard.Core.Users;

namespace MigrationDashboard.Web.Security;

/// <summary>Remembers, in a short-lived encrypted cookie, that somebody gave the right password and owes a code.</summary>
public sealed class PendingCode(IDataProtectionProvider protection)
{
    private const string Cookie = "migration-dashboard-code";

    /// <summary>Long enough to find the phone.</summary>
    private static readonly TimeSpan Life = TimeSpan.FromMinutes(5);

    private readonly ITimeLimitedDataProtector protector = protection.CreateProtector("MigrationDashboard.PendingCode").ToTimeLimitedDataProtector();

    public void Remember(HttpContext context, User user) =>
        context.Response.Cookies.Append(Cookie, protector.Protect(JsonSerializer.Serialize(new Pending(user.Id, user.Stamp)), Life), Options(context));

    public Pending? Read(HttpContext context)
    {
        if (!context.Request.Cookies.TryGetValue(Cookie, out var text)) return null;
        try
        {
            return JsonSerializer.Deserialize<Pending>(protector.Unprotect(text));
        }
        catch (CryptographicException)
        {
            // Expired or made up: the same as none.
            return null;
        }
    }

    public static void Forget(HttpContext context) => context.Response.Cookies.Delete(Cookie, Options(context));

    private static CookieOptions Options(HttpContext context) =>
        new() { HttpOnly = true, SameSite = SameSiteMode.Strict, Secure = context.Request.IsHttps, Path = "/sign-in", IsEssential = true };

    /// <summary>Who, and in which state they were when the password was right.</summary>
    public sealed record Pending(Guid UserId, Guid Stamp);
}
