using Microsoft.Playwright;
using MigrationDashboard.Infrastructure.Tests.Ssh;

namespace MigrationDashboard.Web.Tests.Pages;

public sealed class WizardTests(World world, SshServer ssh)
{
    [Fact]
    public async Task Errors_stand_at_their_fields_a_closed_browser_loses_nothing_and_the_migration_is_made()
    {
        await Site.ServersAsync(world, ssh);
        await world.Dashboard.AddUserAsync("wilma", "operator");
        await using (var window = await (await world.Chromium.OpenAsync(world.Dashboard)).SignInAsync("wilma"))
        {
            var page = window.Page;
            await window.GoLiveAsync("/migrations/new");
            await Next(page, "Link");
            await Assertions.Expect(page.GetByText("choose the server the application runs on")).ToBeVisibleAsync();
            await Assertions.Expect(page.GetByLabel("Old server: it runs here now")).ToBeFocusedAsync();
            await ChooseAsync(page, "Old server: it runs here now", "mail-old");
            await ChooseAsync(page, "New server: it moves here", "mail-old");
            await Assertions.Expect(page.GetByText("the application cannot move to the server it is on")).ToBeVisibleAsync();
            await ChooseAsync(page, "New server: it moves here", "mail-new");
            await Assertions.Expect(page.GetByText("the application cannot move to the server it is on")).ToHaveCountAsync(0);
            await Next(page, "Link");

            // Both hosts are read; whatever is offered, a tunnel with free addresses is proposed.
            await Assertions.Expect(page.Locator(".busy")).ToHaveCountAsync(0, new() { Timeout = 60_000 });
            await page.GetByLabel("VXLAN").CheckAsync();
            await Assertions.Expect(page.GetByText("Not encrypted:")).ToBeVisibleAsync();
            await Assertions.Expect(page.GetByLabel("IPv4 address of mail-old")).ToHaveValueAsync(new System.Text.RegularExpressions.Regex(@"^10\.254\.\d+\.\d+/30$"));
            await page.GetByLabel("IPv4 address of mail-new").FillAsync("10.254.9.9");
            await Next(page, "Application");
            await Assertions.Expect(page.GetByText("write an address with its prefix length")).ToBeVisibleAsync();
            await Assertions.Expect(page.GetByLabel("IPv4 address of mail-new")).ToBeFocusedAsync();
            await page.GetByRole(AriaRole.Radio, new() { NameRegex = new("^OpenVPN An encrypted tunnel") }).CheckAsync();
            await Next(page, "Application");
            await page.GetByLabel("What runs it").SelectOptionAsync("docker");
            await page.GetByLabel("Container", new() { Exact = true }).FillAsync("mail");
            await page.GetByLabel("Ports its clients call").FillAsync($"25, {ssh.Port}");
            await Next(page, "Names");
            await Assertions.Expect(page.GetByText("would lock the server out")).ToBeVisibleAsync();
            await page.GetByLabel("Ports its clients call").FillAsync("26, 588");
            await page.GetByLabel("Name of the migration").FillAsync("mail by wizard");
            await page.GetByLabel("Name of the migration").BlurAsync();
            await Assertions.Expect(page.GetByText("would lock the server out")).ToHaveCountAsync(0);
        }

        await using (var window = await (await world.Chromium.OpenAsync(world.Dashboard)).SignInAsync("wilma"))
        {
            var page = window.Page;
            await window.GoLiveAsync("/migrations/new");
            await Assertions.Expect(page.GetByText("This is your draft")).ToBeVisibleAsync();
            await Assertions.Expect(page.GetByLabel("Name of the migration")).ToHaveValueAsync("mail by wizard");
            await page.GetByRole(AriaRole.Button, new() { Name = "Back" }).ClickAsync();
            await Assertions.Expect(page.GetByLabel("IPv4 address of mail-old")).Not.ToHaveValueAsync("");
            await Next(page, "Application");
            await Next(page, "Names");
            await page.GetByLabel("DNS names").FillAsync("mail.example.org");
            await Next(page, "Cutover");

            // When an application moves is an approver's to say.
            await Assertions.Expect(page.GetByLabel("The cutover's window is known already")).ToBeDisabledAsync();
            await page.GetByLabel("Hold at most").FillAsync("0");
            await Next(page, "Review");
            await Assertions.Expect(page.GetByText("from 2 to 60 seconds")).ToBeVisibleAsync();
            await page.GetByLabel("Hold at most").FillAsync("6");
            await Next(page, "Review");
            await Assertions.Expect(page.Locator(".review")).ToContainTextAsync("held for at most 6 seconds");
            await page.GetByRole(AriaRole.Button, new() { Name = "Create migration" }).ClickAsync();
            await page.WaitForURLAsync("**/migrations/*-*");
            await window.GoLiveAsync("/migrations/new");
            await Assertions.Expect(page.GetByText("This is your draft")).ToHaveCountAsync(0);
        }

        using var client = world.Dashboard.Client(Dashboard.Token);
        Assert.Contains("\"holdLimitSeconds\":6", await client.GetStringAsync("/api/v1/migrations?search=mail%20by%20wizard"), StringComparison.Ordinal);
        Assert.Contains("wilma", await client.GetStringAsync("/api/v1/audit?action=migration.add"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_approver_plans_the_cutover_while_he_makes_the_migration()
    {
        await Site.ServersAsync(world, ssh);
        await world.Dashboard.AddUserAsync("anton", "approver");
        await using var window = await (await world.Chromium.OpenAsync(world.Dashboard)).SignInAsync("anton");
        var page = window.Page;
        await window.GoLiveAsync("/migrations/new");
        await ChooseAsync(page, "Old server: it runs here now", "mail-old");
        await ChooseAsync(page, "New server: it moves here", "mail-new");
        await Next(page, "Link");
        await Assertions.Expect(page.Locator(".busy")).ToHaveCountAsync(0, new() { Timeout = 60_000 });
        await page.GetByRole(AriaRole.Radio, new() { NameRegex = new("^OpenVPN An encrypted tunnel") }).CheckAsync();
        await Next(page, "Application");
        await page.GetByLabel("What runs it").SelectOptionAsync("docker");
        await page.GetByLabel("Container", new() { Exact = true }).FillAsync("mail");
        await page.GetByLabel("Ports its clients call").FillAsync("27, 589");
        await page.GetByLabel("Name of the migration").FillAsync("mail in a window");
        await Next(page, "Names");
        await Next(page, "Cutover");
        await page.GetByLabel("The cutover's window is known already").CheckAsync();
        await page.GetByLabel("Time zone").FillAsync("Mars/Olympus");
        await page.GetByLabel("Date", new() { Exact = true }).FillAsync("2049-06-01");
        await page.GetByLabel("Time", new() { Exact = true }).FillAsync("02:30");
        await Next(page, "Review");
        await Assertions.Expect(page.GetByLabel("Time zone")).ToHaveAttributeAsync("aria-invalid", "true");
        await page.GetByLabel("Time zone").FillAsync("Europe/Berlin");
        await page.GetByLabel("Date", new() { Exact = true }).FillAsync("2020-06-01");
        await Next(page, "Review");
        await Assertions.Expect(page.GetByText("this time is over already")).ToBeVisibleAsync();
        await page.GetByLabel("Date", new() { Exact = true }).FillAsync("2049-06-01");
        await page.GetByLabel("Not after, date").FillAsync("2049-06-01");
        await page.GetByLabel("Not after, time").FillAsync("01:30");
        await Next(page, "Review");
        await Assertions.Expect(page.GetByLabel("Not after, time")).ToHaveAttributeAsync("aria-invalid", "true");
        await page.GetByLabel("Not after, time").FillAsync("04:30");
        await Next(page, "Review");
        await Assertions.Expect(page.Locator(".review")).ToContainTextAsync("The cutover is planned for 1 Jun 2049 02:30 (Europe/Berlin), not after 1 Jun 2049 04:30.");
        await page.GetByRole(AriaRole.Button, new() { Name = "Create migration" }).ClickAsync();
        await Assertions.Expect(page.Locator(".banner")).ToContainTextAsync("Cutover is planned for");

        // 2:30 in Berlin's summer.
        var id = page.Url[^36..];
        using var client = world.Dashboard.Client(Dashboard.Token);
        var runs = await client.GetStringAsync($"/api/v1/migrations/{id}/runs");
        Assert.Contains("\"notBefore\":\"2049-06-01T00:30:00", runs, StringComparison.Ordinal);
        Assert.Contains("\"notAfter\":\"2049-06-01T02:30:00", runs, StringComparison.Ordinal);
    }

    private static Task ChooseAsync(IPage page, string label, string server) => page.GetByLabel(label).SelectOptionAsync(new SelectOptionValue { Label = $"{server} · {(server == "mail-old" ? "127.0.0.1" : "localhost")}" });

    private static Task Next(IPage page, string step) => page.GetByRole(AriaRole.Button, new() { Name = $"Next: {step}" }).ClickAsync();
}
