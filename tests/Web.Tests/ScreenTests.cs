using Microsoft.Playwright;

namespace MigrationDashboard.Web.Tests;

/// <summary>Every page as a new dashboard shows it.</summary>
public sealed class ScreenTests(World world)
{
    [Fact]
    public async Task Pages_fit_the_screen_and_break_no_accessibility_rule()
    {
        await using var window = await world.Chromium.OpenAsync(world.Dashboard);
        var page = window.Page;
        var screens = await Screens.OfAsync(page);
        await page.GotoAsync("/sign-in");
        await screens.CheckAsync("sign-in");
        await page.GotoAsync("/setup?token=old");
        await screens.CheckAsync("setup-void");
        await window.SignInAsync();
        foreach (var path in new[] { "/", "/servers", "/schedule", "/audit", "/tokens", "/users", "/settings" })
        {
            await window.GoLiveAsync(path);
            await Assertions.Expect(page.Locator(".busy")).ToHaveCountAsync(0);
            await screens.CheckAsync(path == "/" ? "overview" : path[1..]);
        }

        await window.GoLiveAsync("/tokens");
        await page.GetByRole(AriaRole.Button, new() { Name = "New token" }).ClickAsync();
        await page.GetByLabel("What is it for?").FillAsync("Nightly report");
        await page.GetByRole(AriaRole.Button, new() { Name = "Make token" }).ClickAsync();
        await page.Locator("#token-secret").WaitForAsync();
        await screens.CheckAsync("tokens-new");
        await window.GoLiveAsync("/users");
        await page.GetByRole(AriaRole.Button, new() { Name = "Add user" }).ClickAsync();
        await page.GetByRole(AriaRole.Dialog).GetByLabel("Name").WaitForAsync();
        await screens.CheckAsync("users-add");
        await page.GotoAsync("/account");
        await screens.CheckAsync("account");
        await page.GotoAsync("/no-such-page");
        await screens.CheckAsync("not-found");
        await screens.ShowAsync("light", 390);
        await window.GoLiveAsync("/");
        await page.GetByRole(AriaRole.Button, new() { Name = "Menu" }).ClickAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = "Servers", Exact = true }).WaitForAsync();
        await screens.CheckAsync("menu", 390);
        screens.MustBeFine();
    }
}
