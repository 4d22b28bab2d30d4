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
        app.UseExceptionHandler("/error", createScopeForErrors: true);
        app.UseWhen(c => !Answers.IsForPrograms(c), pages =>
        {
            pages.UseStatusCodePagesWithReExecute("/status/{0}", createScopeForStatusCodePages: true);
            pages.Use((context, next) =>
            {
                // The page that explains a refused form must not be taken for another form.
                if (context.Features.Get<IStatusCodeReExecuteFeature>() is not null) context.Request.Method = HttpMethods.Get;
                return next(context);
            });
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
        }).WithMetadata(new Microsoft.AspNetCore.Antiforgery.RequireAntiforgeryTokenAttribute()).AllowAnonymous().ExcludeFromDescription();
    }
}
