using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Components.Authorization;
using Microsoft.AspNetCore.DataProtection;
using MigrationDashboard.Infrastructure.Audit;
using MigrationDashboard.Infrastructure.Users;
using MigrationDashboard.Web.Settings;

namespace MigrationDashboard.Web.Security;

/// <summary>Users, sessions, tokens and rights.</summary>
public static class SecuritySetup
{
    private const string Choose = "cookie-or-token";

    public static void AddSecurity(this WebApplicationBuilder builder, DataFolder data)
    {
        var lifetimes = builder.AddSettings<SessionLifetimes>("Session");
        builder.AddSettings<SignInLimitOptions>("SignIn");
        builder.AddSettings<SetupSettings>("Setup");

        var services = builder.Services;
        // Sessions and second factors must outlive a restart.
        services.AddDataProtection().SetApplicationName("MigrationDashboard").PersistKeysToFileSystem(data.Private("keys"));
        services.AddSingleton(TimeProvider.System);
        services.AddAudit();
        services.AddSingleton<UserLog>();
        services.AddSingleton<UserStore>().AddSingleton<ApiTokenStore>().AddSingleton<SetupLinks>().AddSingleton<SignInLimits>();
        services.AddSingleton<Passwords>().AddSingleton<SecondFactor>().AddSingleton<SignIn>().AddSingleton<OwnAccount>();
        services.AddSingleton<UserAdministration>().AddSingleton<TokenAdministration>();
        services.AddSingleton<PendingCode>().AddSingleton<SecondFactorDraft>().AddSingleton<Sessions>();
        services.AddScoped<Visitor>().AddScoped<AuthenticationStateProvider, CircuitSessions>();
        services.AddHostedService<FirstStart>();

        services.AddAuthentication(Choose)
            .AddPolicyScheme(Choose, null, o => o.ForwardDefaultSelector = c => BearerTokens.IsUsedBy(c.Request) ? BearerTokens.Name : Sessions.Scheme)
            .AddScheme<AuthenticationSchemeOptions, BearerTokens>(BearerTokens.Name, null)
            .AddCookie(Sessions.Scheme, o =>
            {
                o.Cookie.Name = "migration-dashboard";
                o.Cookie.HttpOnly = true;
                o.Cookie.SameSite = SameSiteMode.Lax;
                o.Cookie.SecurePolicy = CookieSecurePolicy.SameAsRequest;
                o.ExpireTimeSpan = TimeSpan.FromHours(lifetimes.IdleHours);
                o.SlidingExpiration = true;
                o.LoginPath = "/sign-in";
                o.ReturnUrlParameter = "returnUrl";
                o.EventsType = typeof(Sessions);
            });
        Policies.AddTo(services.AddAuthorizationBuilder());
        services.AddCascadingAuthenticationState();
        services.AddAntiforgery(o =>
        {
            o.Cookie.Name = "migration-dashboard-form";
            o.Cookie.SecurePolicy = CookieSecurePolicy.SameAsRequest;
        });
        // A month at first: a mistake with certificates must be mendable.
        services.AddHsts(o => o.MaxAge = TimeSpan.FromDays(30));
    }
}
