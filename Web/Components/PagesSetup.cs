using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Diagnostics;
using MigrationDashboard.Web.Security;
using Radzen;

namespace MigrationDashboard.Web.Components;

/// <summary>The pages: components, static files, error pages, sign-out.</summary>
public static class PagesSetup
{
    public static void AddPages(this WebApplicationBuilder builder)
    {
        // Also when run from the build's output in production; a published folder needs and has no such list.
        builder.WebHost.UseStaticWebAssets();
        builder.WebHost.ConfigureKestrel(o => o.AddServerHeader = false);
        builder.Services.AddRazorComponents().AddInteractiveServerComponents();
        builder.Services.AddRadzenComponents();
    }

    /// <summary>A page for what has no body of its own: unknown addresses, refused forms. Programs get problem details instead.</summary>
    public static void UseErrorPages(this WebApplication app)
    {
        // Pages reconnect at once when their circuit closes; one that came back during the stop would hold it up.
        app.Use((context, next) =>
        {
            if (!app.Lifetime.ApplicationStopping.IsCancellationRequested) return next(context);
            context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            context.Response.Headers.RetryAfter = "5";
            return Task.CompletedTask;
        });
        app.UseExceptionHandler("/error", createScopeForErrors: true);
        app.UseWhen(c => !Answers.IsForPrograms(c), pages => pages.UseStatusCodePagesWithReExecute("/status/{0}", createScopeForStatusCodePages: true));
        app.Use((context, next) =>
        {
            // The page that explains a refused form must not be taken for another form.
            if (context.Features.Get<IStatusCodeReExecuteFeature>() is not null) context.Request.Method = HttpMethods.Get;
            return next(context);
        });
        // After the above, so that the page is looked up anew.
        app.UseRouting();
    }

    /// <summary>Refuses forms without their token before any endpoint sees them, with 400 and the page that explains it.</summary>
    public static void UseFormProtection(this WebApplication app)
    {
        app.UseAntiforgery();
        app.Use((context, next) =>
        {
            if (HttpMethods.IsGet(context.Request.Method) || context.Features.Get<IAntiforgeryValidationFeature>() is not { IsValid: false }) return next(context);
            context.Response.StatusCode = StatusCodes.Status400BadRequest;
            return Task.CompletedTask;
        });
    }

    public static void MapPages(this WebApplication app)
    {
        app.MapStaticAssets().AllowAnonymous();
        // Framing is refused by our own header; the default one would be sent beside it.
        app.MapRazorComponents<App>().AddInteractiveServerRenderMode(o => o.ContentSecurityFrameAncestorsPolicy = null);
        app.MapPost("/sign-out", async (HttpContext context) =>
        {
            await context.SignOutAsync(Sessions.Scheme);
            return Results.LocalRedirect("/sign-in");
        }).WithMetadata(new RequireAntiforgeryTokenAttribute()).AllowAnonymous().ExcludeFromDescription();
    }
}
