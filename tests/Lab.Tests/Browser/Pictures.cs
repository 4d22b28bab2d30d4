using Microsoft.Playwright;
using MigrationDashboard.Web.Tests;
using Dashboard = MigrationDashboard.Web.Tests.Dashboard;

namespace MigrationDashboard.Lab.Tests.Browser;

/// <summary>Pictures of a real migration for the documentation: light and dark, wide and as on a phone.</summary>
internal static class Pictures
{
    private static readonly (string Theme, int Width)[] EveryLook = [("light", 1440), ("dark", 1440), ("light", 390), ("dark", 390)];

    /// <summary>All of them when the documentation's pictures are made; otherwise one shows that it can be done.</summary>
    private static (string Theme, int Width)[] Looks => Places.UpdatesScreens ? EveryLook : EveryLook[..1];

    /// <summary>Pixels: what is below is not what the picture is for.</summary>
    private const int Highest = 1900;

    /// <summary>What is in the window now.</summary>
    public static async Task TakeAsync(Window window, string name)
    {
        var theme = await window.Page.EvaluateAsync<bool>("() => matchMedia('(prefers-color-scheme: dark)').matches") ? "dark" : "light";
        var width = window.Page.ViewportSize!.Width;
        // As high as what is on the page: a picture of the whole page would show the menu cut off.
        var usual = window.Page.ViewportSize!;
        var height = await window.Page.EvaluateAsync<int>("() => document.documentElement.scrollHeight");
        await window.Page.SetViewportSizeAsync(width, Math.Clamp(height, usual.Height, Highest));
        await window.Page.ScreenshotAsync(new() { Path = Path.Combine(Places.DocumentedScreens, $"{name}-{theme}-{width}.png") });
        await window.Page.SetViewportSizeAsync(width, usual.Height);
    }

    /// <summary>A page in every look, each in a browser window of its own that is already signed in.</summary>
    /// <param name="ready">When there is something to see.</param>
    public static async Task TakeAsync(Chromium chromium, Dashboard dashboard, Window signedIn, string path, string name, Func<IPage, Task>? ready = null)
    {
        foreach (var (theme, width) in Looks)
        {
            await using var window = await OpenAsync(chromium, dashboard, signedIn, theme, width);
            await window.GoLiveAsync(path);
            await Assertions.Expect(window.Page.Locator(".busy")).ToHaveCountAsync(0, new() { Timeout = 60_000 });
            if (ready is not null)
                await ready(window.Page);
            await TakeAsync(window, name);
        }
    }

    /// <summary>A moment that passes: the windows are open before it comes, and all are taken at once.</summary>
    public static async Task WhileAsync(Chromium chromium, Dashboard dashboard, Window signedIn, string path, string name, Func<Task> moment)
    {
        var windows = new List<Window>();
        try
        {
            foreach (var (theme, width) in Looks)
            {
                windows.Add(await OpenAsync(chromium, dashboard, signedIn, theme, width));
                await windows[^1].GoLiveAsync(path);
            }

            await moment();
            await Task.WhenAll(windows.Select(async window =>
            {
                var look = await LookAsync(window);
                try
                {
                    await window.Page.WaitForFunctionAsync("() => /[0-9]/.test(document.querySelector('.hold-time')?.textContent ?? '')", null, new() { Timeout = 60_000, PollingInterval = 50 });
                }
                catch (TimeoutException)
                {
                    // A hold that was over before this window drew it: the picture of the last time stays.
                    return;
                }

                await window.Page.ScreenshotAsync(new() { Path = Path.Combine(Places.DocumentedScreens, $"{name}-{look}.png") });
            }));
        }
        finally
        {
            foreach (var window in windows)
                await window.DisposeAsync();
        }
    }

    public static async Task OfEverythingAsync(Chromium chromium, Dashboard dashboard, Window signedIn, string migration)
    {
        await TakeAsync(chromium, dashboard, signedIn, migration, "migration-tail");
        foreach (var (path, name) in new[] { ("/", "overview"), ("/servers", "servers"), ("/schedule?show=done", "schedule"), ("/audit?action=stage", "audit") })
            await TakeAsync(chromium, dashboard, signedIn, path, name);
    }

    private static async Task<Window> OpenAsync(Chromium chromium, Dashboard dashboard, Window signedIn, string theme, int width)
    {
        var window = await chromium.OpenAsync(dashboard, width, width < 500 ? 844 : 900, theme);
        var cookies = await signedIn.Context.CookiesAsync();
        await window.Context.AddCookiesAsync(cookies.Where(cookie => cookie.Name != "theme").Select(cookie => new Cookie
        {
            Name = cookie.Name,
            Value = cookie.Value,
            Domain = cookie.Domain,
            Path = cookie.Path,
            HttpOnly = cookie.HttpOnly,
            Secure = cookie.Secure,
            SameSite = cookie.SameSite,
        }));
        return window;
    }

    private static async Task<string> LookAsync(Window window) =>
        $"{(await window.Page.EvaluateAsync<bool>("() => matchMedia('(prefers-color-scheme: dark)').matches") ? "dark" : "light")}-{window.Page.ViewportSize!.Width}";
}
