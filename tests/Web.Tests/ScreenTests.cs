using Microsoft.Playwright;

namespace MigrationDashboard.Web.Tests;

/// <summary>Every page, light and dark, wide and narrow: a picture in artifacts/screens, no sideways scrolling, no accessibility violation.</summary>
public sealed class ScreenTests(World world)
{
    [Theory]
    [InlineData("light", 1440)]
    [InlineData("dark", 1440)]
    [InlineData("light", 390)]
    [InlineData("dark", 390)]
    public async Task Pages_fit_the_screen_and_break_no_accessibility_rule(string theme, int width)
    {
        var axe = await Axe.ScriptAsync();
        await using var window = await world.Chromium.OpenAsync(world.Dashboard, width, width == 390 ? 844 : 900, theme);
        var page = window.Page;
        await page.GotoAsync("/sign-in");
        await CheckAsync("sign-in");
        await page.GotoAsync("/setup?token=old");
        await CheckAsync("setup-void");
        await window.SignInAsync();
        foreach (var path in new[] { "/", "/servers", "/schedule", "/audit", "/tokens", "/users", "/settings" })
        {
            await window.GoLiveAsync(path);
            await Assertions.Expect(page.Locator(".busy")).ToHaveCountAsync(0);
            await CheckAsync(path == "/" ? "overview" : path[1..]);
        }

        await window.GoLiveAsync("/tokens");
        await page.GetByRole(AriaRole.Button, new() { Name = "New token" }).ClickAsync();
        await page.GetByLabel("What is it for?").FillAsync("Nightly report");
        await page.GetByRole(AriaRole.Button, new() { Name = "Make token" }).ClickAsync();
        await page.Locator("#token-secret").WaitForAsync();
        await CheckAsync("tokens-new");
        await window.GoLiveAsync("/users");
        await page.GetByRole(AriaRole.Button, new() { Name = "Add user" }).ClickAsync();
        await page.GetByRole(AriaRole.Dialog).GetByLabel("Name").WaitForAsync();
        await CheckAsync("users-add");
        await page.GotoAsync("/account");
        await CheckAsync("account");
        await page.GotoAsync("/no-such-page");
        await CheckAsync("not-found");
        if (width < 960)
        {
            await window.GoLiveAsync("/");
            await page.GetByRole(AriaRole.Button, new() { Name = "Menu" }).ClickAsync();
            await page.GetByRole(AriaRole.Link, new() { Name = "Servers", Exact = true }).WaitForAsync();
            await CheckAsync("menu");
        }

        async Task CheckAsync(string name)
        {
            await page.ScreenshotAsync(new() { Path = Path.Combine(Places.Screens, $"{name}-{theme}-{width}.png"), FullPage = true });
            var overflow = await page.EvaluateAsync<int>("() => document.documentElement.scrollWidth - document.documentElement.clientWidth");
            Assert.True(overflow <= 0, $"{name} at {width} px is {overflow} px too wide.");
            var violations = await Axe.ViolationsAsync(page, axe);
            Assert.True(violations.Length == 0, $"{name} {theme} {width}: {violations}");
        }
    }
}
