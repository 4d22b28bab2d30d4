using System.Collections.Concurrent;
using Microsoft.Playwright;

namespace MigrationDashboard.Web.Tests;

/// <summary>The system's own browser, driven by Playwright.</summary>
public sealed class Chromium : IAsyncDisposable
{
    private IPlaywright? playwright;
    private IBrowser? browser;

    public async Task InitializeAsync()
    {
        playwright = await Playwright.CreateAsync();
        browser = await playwright.Chromium.LaunchAsync(new()
        {
            ExecutablePath = "/usr/bin/chromium",
            Headless = true,
            Args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
        });
    }

    /// <summary>A new window with no cookies, in a zone that is not UTC.</summary>
    public Task<Window> OpenAsync(Dashboard dashboard, int width = 1440, int height = 900, string theme = "light") => OpenAsync(dashboard.Address, width, height, theme);

    /// <param name="address">Of the dashboard, like http://127.0.0.1:43210.</param>
    public async Task<Window> OpenAsync(string address, int width = 1440, int height = 900, string theme = "light")
    {
        var context = await browser!.NewContextAsync(new()
        {
            BaseURL = address,
            ViewportSize = new() { Width = width, Height = height },
            ColorScheme = theme == "dark" ? ColorScheme.Dark : ColorScheme.Light,
            TimezoneId = "Asia/Kolkata",
            ReducedMotion = ReducedMotion.Reduce,
        });
        // Milliseconds; generous, for machines that build at the same time.
        context.SetDefaultTimeout(120_000);
        Assertions.SetDefaultExpectTimeout(40_000);
        return new Window(context, await context.NewPageAsync());
    }

    public async ValueTask DisposeAsync()
    {
        if (browser is not null) await browser.DisposeAsync();
        playwright?.Dispose();
    }
}

/// <summary>A browser window that notes every request and every complaint of the console; they go on coming while a test reads them.</summary>
public sealed class Window : IAsyncDisposable
{
    private readonly IBrowserContext context;

    public Window(IBrowserContext context, IPage page)
    {
        this.context = context;
        Page = page;
        page.Request += (_, request) => Requests.Enqueue(request.Url);
        page.WebSocket += (_, socket) => Requests.Enqueue(socket.Url);
        page.Console += (_, message) =>
        {
            if (message.Type is "error" or "warning") Complaints.Enqueue(message.Text);
        };
        page.PageError += (_, error) => Complaints.Enqueue(error);
    }

    public IPage Page { get; }

    public IBrowserContext Context => context;

    public ConcurrentQueue<string> Requests { get; } = [];

    public ConcurrentQueue<string> Complaints { get; } = [];

    public async Task<Window> SignInAsync(string name = Dashboard.Administrator, string password = Dashboard.Password, string path = "/")
    {
        await Page.GotoAsync($"/sign-in?returnUrl={Uri.EscapeDataString(path)}");
        await Page.GetByLabel("Name").FillAsync(name);
        await Page.GetByLabel("Password").FillAsync(password);
        await Page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
        return this;
    }

    /// <summary>Goes to a live page and waits until its circuit answers.</summary>
    public async Task GoLiveAsync(string path)
    {
        await Page.GotoAsync(path);
        await Page.Locator("html[data-live]").WaitForAsync();
    }

    public ValueTask DisposeAsync() => context.DisposeAsync();
}
