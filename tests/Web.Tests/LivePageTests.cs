using Microsoft.Playwright;

namespace MigrationDashboard.Web.Tests;

public sealed class LivePageTests(World world)
{
    [Fact]
    public async Task A_click_is_answered_by_the_circuit()
    {
        await using var window = await (await world.Chromium.OpenAsync(world.Dashboard)).SignInAsync();
        await window.GoLiveAsync("/users");
        await window.Page.GetByRole(AriaRole.Button, new() { Name = "Add user" }).ClickAsync();
        var dialog = window.Page.GetByRole(AriaRole.Dialog);
        await dialog.GetByLabel("Name").FillAsync("clara");
        await dialog.GetByLabel("Role").SelectOptionAsync("Approver");
        await dialog.GetByLabel("First password").FillAsync(Dashboard.Password);
        await dialog.GetByRole(AriaRole.Button, new() { Name = "Add user" }).ClickAsync();
        var row = window.Page.GetByRole(AriaRole.Row, new() { Name = "clara" });
        await Assertions.Expect(row.GetByLabel("Role of clara")).ToHaveValueAsync("Approver");

        await row.GetByRole(AriaRole.Button, new() { Name = "Disable" }).ClickAsync();
        await window.Page.GetByRole(AriaRole.Dialog).GetByRole(AriaRole.Button, new() { Name = "Disable clara" }).ClickAsync();
        await Assertions.Expect(row).ToContainTextAsync("Disabled");
        await using var other = await (await world.Chromium.OpenAsync(world.Dashboard)).SignInAsync("clara");
        await Assertions.Expect(other.Page.GetByRole(AriaRole.Alert)).ToHaveTextAsync("The name or the password is wrong.");
    }

    [Fact]
    public async Task A_viewer_neither_finds_nor_opens_the_users_page()
    {
        await world.Dashboard.AddUserAsync("vera", "viewer");
        await using var window = await (await world.Chromium.OpenAsync(world.Dashboard)).SignInAsync("vera");
        await window.GoLiveAsync("/");
        await Assertions.Expect(window.Page.GetByRole(AriaRole.Link, new() { Name = "Users" })).ToHaveCountAsync(0);
        var answer = await window.Page.GotoAsync("/users");
        Assert.Equal(403, answer!.Status);
        await Assertions.Expect(window.Page.GetByRole(AriaRole.Heading)).ToHaveTextAsync("Not allowed");
    }

    [Fact]
    public async Task A_page_left_open_loses_its_rights_with_its_user()
    {
        await world.Dashboard.AddUserAsync("dora", "administrator");
        await using var window = await (await world.Chromium.OpenAsync(world.Dashboard)).SignInAsync("dora");
        await window.GoLiveAsync("/users");
        await using var other = await (await world.Chromium.OpenAsync(world.Dashboard)).SignInAsync();
        await other.GoLiveAsync("/users");
        await other.Page.GetByLabel("Role of dora").SelectOptionAsync("Viewer");
        await Assertions.Expect(other.Page.GetByText("dora is now viewer.")).ToBeVisibleAsync();
        // The button is still on her screen; the server must refuse it.
        await window.Page.GetByLabel("Role of ada").SelectOptionAsync("Viewer");
        await Assertions.Expect(window.Page.GetByText("You may not see this page")).ToBeVisibleAsync();
        await other.Page.ReloadAsync();
        await Assertions.Expect(other.Page.GetByLabel("Role of ada")).ToHaveValueAsync("Administrator");
    }

    [Fact]
    public async Task Times_are_in_the_viewers_zone_with_utc_on_hover()
    {
        await using var window = await (await world.Chromium.OpenAsync(world.Dashboard)).SignInAsync();
        await window.GoLiveAsync("/tokens");
        var time = window.Page.GetByRole(AriaRole.Row, new() { Name = "From the settings" }).Locator("time").Last;
        var utc = DateTimeOffset.Parse((await time.GetAttributeAsync("datetime"))!, System.Globalization.CultureInfo.InvariantCulture);
        Assert.EndsWith("UTC", await time.GetAttributeAsync("title"), StringComparison.Ordinal);
        // India is five and a half hours ahead all year.
        await Assertions.Expect(time).ToHaveTextAsync(utc.ToOffset(TimeSpan.FromHours(5.5)).ToString("d MMM yyyy HH:mm", System.Globalization.CultureInfo.InvariantCulture));
    }

    [Fact]
    public async Task The_chosen_theme_survives_a_reload_and_changes_the_page_at_once()
    {
        await using var window = await (await world.Chromium.OpenAsync(world.Dashboard)).SignInAsync();
        await window.GoLiveAsync("/");
        var light = await window.Page.EvaluateAsync<string>("() => getComputedStyle(document.body).backgroundColor");
        await window.Page.GetByRole(AriaRole.Button, new() { Name = "Dark" }).ClickAsync();
        await window.Page.WaitForFunctionAsync("light => getComputedStyle(document.body).backgroundColor !== light", light);
        var dark = await window.Page.EvaluateAsync<string>("() => getComputedStyle(document.body).backgroundColor");
        await window.GoLiveAsync("/servers");
        Assert.Equal(dark, await window.Page.EvaluateAsync<string>("() => getComputedStyle(document.body).backgroundColor"));
    }

    [Fact]
    public async Task A_page_comes_back_after_the_server_was_restarted()
    {
        await using var dashboard = await Dashboard.StartSeededAsync($"--Urls=http://127.0.0.1:{FreePort()}");
        await using var window = await (await world.Chromium.OpenAsync(dashboard)).SignInAsync();
        await window.GoLiveAsync("/tokens");
        await window.Page.EvaluateAsync("() => { window.beforeRestart = true; }");
        await dashboard.StopAsync();
        await Assertions.Expect(window.Page.Locator("#components-reconnect-modal")).ToBeVisibleAsync();
        await window.Page.ScreenshotAsync(new() { Path = Path.Combine(Places.Screens, "reconnecting-light-1440.png") });
        await dashboard.RestartAsync();
        await window.Page.WaitForFunctionAsync("() => !window.beforeRestart && 'live' in document.documentElement.dataset", null, new() { Timeout = 30_000 });
        // The session is still good: its key is kept in the data folder.
        await window.Page.GetByRole(AriaRole.Button, new() { Name = "New token" }).ClickAsync();
        await Assertions.Expect(window.Page.GetByLabel("What is it for?")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task What_is_typed_before_the_page_is_live_is_kept()
    {
        await using var window = await (await world.Chromium.OpenAsync(world.Dashboard)).SignInAsync();
        var page = window.Page;
        var held = new TaskCompletionSource();
        // The script that makes pages live comes late, as over a slow line.
        await page.RouteAsync("**/_framework/blazor.web*.js", async route =>
        {
            await held.Task;
            await route.ContinueAsync();
        });
        await page.GotoAsync("/servers/register", new() { WaitUntil = WaitUntilState.Commit });
        await page.GetByLabel("Name", new() { Exact = true }).FillAsync("typed early");
        await page.GetByLabel("Host", new() { Exact = true }).FillAsync("203.0.113.77");
        held.SetResult();
        await page.Locator("html[data-live]").WaitForAsync();
        await Assertions.Expect(page.GetByLabel("Name", new() { Exact = true })).ToHaveValueAsync("typed early");
        await page.GetByLabel("SSH port").FillAsync("0");
        await page.GetByRole(AriaRole.Button, new() { Name = "Look at its host keys" }).ClickAsync();
        // The server knows what was typed: only the port is refused.
        await Assertions.Expect(page.Locator(".field-error")).ToHaveTextAsync("ports go from 1 to 65535");
        await Assertions.Expect(page.GetByLabel("SSH port")).ToBeFocusedAsync();
        await Assertions.Expect(page.GetByLabel("Host", new() { Exact = true })).ToHaveValueAsync("203.0.113.77");
    }

    [Fact]
    public async Task Keys_go_places_and_a_question_mark_explains_them()
    {
        await using var window = await (await world.Chromium.OpenAsync(world.Dashboard)).SignInAsync();
        var page = window.Page;
        await window.GoLiveAsync("/");
        await page.Keyboard.PressAsync("?");
        var help = page.GetByRole(AriaRole.Dialog, new() { Name = "Keyboard shortcuts" });
        await Assertions.Expect(help).ToBeVisibleAsync();
        await Assertions.Expect(help).ToContainTextAsync("Go to servers");
        Assert.Equal("", await Axe.ViolationsAsync(page, await Axe.ScriptAsync()));
        await page.Keyboard.PressAsync("Escape");
        await Assertions.Expect(help).ToBeHiddenAsync();
        await page.Keyboard.PressAsync("g");
        await page.Keyboard.PressAsync("a");
        await page.WaitForURLAsync("**/audit");
        await Assertions.Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Audit" })).ToBeFocusedAsync();
        await page.Keyboard.PressAsync("/");
        await Assertions.Expect(page.GetByLabel("Text")).ToBeFocusedAsync();
        // In a field they are letters.
        await page.Keyboard.TypeAsync("g s?");
        await Assertions.Expect(page.GetByLabel("Text")).ToHaveValueAsync("g s?");
        await Assertions.Expect(help).ToBeHiddenAsync();
        Assert.EndsWith("/audit", page.Url, StringComparison.Ordinal);
        await page.GetByRole(AriaRole.Button, new() { Name = "Keyboard shortcuts" }).ClickAsync();
        await Assertions.Expect(help).ToBeVisibleAsync();
    }

    [Fact]
    public async Task An_unknown_address_has_a_page_that_says_so()
    {
        await using var window = await (await world.Chromium.OpenAsync(world.Dashboard)).SignInAsync();
        await Assertions.Expect(window.Page.GetByRole(AriaRole.Heading, new() { Name = "Overview" })).ToBeVisibleAsync();
        var answer = await window.Page.GotoAsync("/no-such-page");
        Assert.Equal(404, answer!.Status);
        await Assertions.Expect(window.Page.GetByRole(AriaRole.Heading)).ToHaveTextAsync("There is no such page");
    }

    private static int FreePort()
    {
        using var listener = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        listener.Start();
        return ((System.Net.IPEndPoint)listener.LocalEndpoint).Port;
    }
}
