using Microsoft.Playwright;
using MigrationDashboard.Infrastructure.Tests.Ssh;

namespace MigrationDashboard.Web.Tests.Pages;

/// <summary>The pages of servers, schedule, audit and the wizard with something on them.</summary>
public sealed class PageScreens(World world, SshServer ssh)
{
    [Fact]
    public async Task Filled_pages_fit_the_screen_and_break_no_accessibility_rule()
    {
        var (old, @new) = await Site.ServersAsync(world, ssh);
        var migration = await Site.MigrationAsync(world, "screen mail", old, @new);
        using (var client = world.Dashboard.Client(Dashboard.Token))
            await Site.PostAsync(client, $"/api/v1/migrations/{migration}/runs", new { target = "preflight", notBefore = DateTimeOffset.UtcNow.AddDays(2), notAfter = DateTimeOffset.UtcNow.AddDays(2).AddHours(2), timeZone = "Europe/Berlin" });
        await world.Dashboard.AddUserAsync("sina", "operator");
        await using var window = await (await world.Chromium.OpenAsync(world.Dashboard)).SignInAsync("sina");
        var page = window.Page;
        var screens = await Screens.OfAsync(page);

        foreach (var (path, name) in new[] { ("/servers", "servers-list"), ("/schedule", "schedule-list"), ("/audit?action=server", "audit-list") })
        {
            await window.GoLiveAsync(path);
            await Assertions.Expect(page.Locator(".busy")).ToHaveCountAsync(0);
            if (name == "audit-list") await page.GetByRole(AriaRole.Button, new() { Name = "Details of entry" }).First.ClickAsync();
            await screens.CheckAsync(name);
        }

        await window.GoLiveAsync($"/servers/{old}");
        await page.GetByRole(AriaRole.Button, new() { NameRegex = new("Read (the server|again)") }).ClickAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Firewalls" })).ToBeVisibleAsync(new() { Timeout = 60_000 });
        await Assertions.Expect(page.Locator(".busy")).ToHaveCountAsync(0, new() { Timeout = 60_000 });
        await screens.CheckAsync("server");

        await window.GoLiveAsync("/servers/register");
        await page.GetByLabel("Host", new() { Exact = true }).FillAsync("127.0.0.1");
        await page.GetByLabel("SSH port").FillAsync($"{ssh.Port}");
        await page.GetByLabel("Account").FillAsync("migrate");
        await page.GetByRole(AriaRole.Button, new() { Name = "Look at its host keys" }).ClickAsync();
        await page.GetByLabel("The dashboard's key").SelectOptionAsync(new SelectOptionValue { Label = $"lab · {ssh.Key.Fingerprint}" });
        await page.Locator("#sudo-line").WaitForAsync();
        await screens.CheckAsync("server-register");

        await window.GoLiveAsync("/migrations/new");
        await page.GetByLabel("Old server: it runs here now").SelectOptionAsync(new SelectOptionValue { Value = $"{old}" });
        await screens.CheckAsync("wizard-1-servers");
        await page.GetByLabel("New server: it moves here").SelectOptionAsync(new SelectOptionValue { Value = $"{@new}" });
        await NextAsync("Link");
        await Assertions.Expect(page.Locator(".busy")).ToHaveCountAsync(0, new() { Timeout = 60_000 });
        await page.GetByLabel("VXLAN").CheckAsync();
        await screens.CheckAsync("wizard-2-link");
        await NextAsync("Application");
        await NextAsync("Names");
        await page.GetByText("name at least one port").WaitForAsync();
        await screens.CheckAsync("wizard-3-application-errors");
        await page.GetByLabel("What runs it").SelectOptionAsync("docker");
        await page.GetByLabel("Container", new() { Exact = true }).FillAsync("mail");
        await page.GetByLabel("Ports its clients call").FillAsync("25, 587");
        await page.GetByLabel("Name of the migration").FillAsync("mail");
        await NextAsync("Names");
        await screens.CheckAsync("wizard-4-names");
        await NextAsync("Cutover");
        await screens.CheckAsync("wizard-5-cutover");
        await NextAsync("Review");
        await page.Locator(".review").WaitForAsync();
        await screens.CheckAsync("wizard-6-review");
        screens.MustBeFine();

        Task NextAsync(string step) => page.GetByRole(AriaRole.Button, new() { Name = $"Next: {step}" }).ClickAsync();
    }
}
