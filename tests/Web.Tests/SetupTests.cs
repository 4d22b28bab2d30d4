using Microsoft.Playwright;

namespace MigrationDashboard.Web.Tests;

public sealed class SetupTests(World world)
{
    [Fact]
    public async Task The_printed_link_makes_the_administrator_once()
    {
        await using var dashboard = await Dashboard.StartAsync();
        var link = dashboard.SetupLink;
        await using var window = await world.Chromium.OpenAsync(dashboard);
        var page = window.Page;
        await page.GotoAsync(link);
        await page.GetByLabel("Name").FillAsync("grace");
        await page.GetByLabel("Password", new() { Exact = true }).FillAsync("a rather long sentence");
        await page.GetByLabel("Password again").FillAsync("a rather long sentence");
        await page.GetByRole(AriaRole.Button, new() { Name = "Make the administrator" }).ClickAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Overview" })).ToBeVisibleAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Link, new() { Name = "Users" })).ToBeVisibleAsync();

        await using var second = await world.Chromium.OpenAsync(dashboard);
        await second.Page.GotoAsync(link);
        await Assertions.Expect(second.Page.GetByRole(AriaRole.Heading)).ToHaveTextAsync("This link is no longer valid");
    }

    [Fact]
    public async Task A_restart_prints_a_link_only_while_nobody_exists()
    {
        await using var unused = await Dashboard.StartAsync();
        var first = unused.SetupLink;
        await unused.RestartAsync();
        Assert.NotEqual(first.Split('=')[1], unused.SetupLink.Split('=')[1]);

        await using var seeded = await Dashboard.StartSeededAsync();
        Assert.DoesNotContain("/setup?token=", seeded.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_made_up_link_is_refused()
    {
        await using var dashboard = await Dashboard.StartAsync();
        using var client = dashboard.Client();
        var page = await client.GetStringAsync("/setup?token=" + new string('A', 43));
        Assert.Contains("no longer valid", page, StringComparison.Ordinal);
        Assert.DoesNotContain("<form", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_short_password_is_refused_with_a_reason()
    {
        await using var dashboard = await Dashboard.StartAsync();
        await using var window = await world.Chromium.OpenAsync(dashboard);
        var page = window.Page;
        await page.GotoAsync(dashboard.SetupLink);
        // The server must refuse it, not only the browser.
        await page.EvaluateAsync("() => document.querySelector('form').noValidate = true");
        await page.GetByLabel("Name").FillAsync("grace");
        await page.GetByLabel("Password", new() { Exact = true }).FillAsync("short");
        await page.GetByLabel("Password again").FillAsync("short");
        await page.GetByRole(AriaRole.Button, new() { Name = "Make the administrator" }).ClickAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Alert)).ToContainTextAsync("at least 12 characters");
    }

    [Theory]
    [InlineData("--SignIn:Minutes=0", "SignIn:Minutes")]
    [InlineData("--Session:IdelHours=3", "IdelHours")]
    [InlineData("--Proxies:0=nonsense", "nonsense")]
    [InlineData("--Setup:AdministratorName=eve", "Setup:AdministratorPassword")]
    public async Task A_wrong_setting_stops_the_program_and_is_named(string argument, string named)
    {
        var failure = await Assert.ThrowsAsync<InvalidOperationException>(() => Dashboard.StartAsync(argument));
        Assert.Contains("The settings cannot be used", failure.Message, StringComparison.Ordinal);
        Assert.Contains(named, failure.Message, StringComparison.Ordinal);
    }
}
