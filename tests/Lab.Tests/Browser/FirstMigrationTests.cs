using System.Globalization;
using Microsoft.Playwright;
using MigrationDashboard.Driver;
using MigrationDashboard.Web.Tests;
using Dashboard = MigrationDashboard.Web.Tests.Dashboard;

namespace MigrationDashboard.Lab.Tests.Browser;

/// <summary>Somebody who has never seen the product moves a mail server with nothing but the pages. What is asserted is what they see.</summary>
public sealed class FirstMigrationTests(LabFixture fixture)
{
    private const string Reason = "the customer agreed to the window";

    private readonly SeedMail mail = new(fixture.Lab);

    [Fact]
    public async Task A_first_time_user_moves_the_mail_server_from_the_setup_link_to_the_audit()
    {
        await mail.RestoreAsync();
        await using var chromium = new Chromium();
        await chromium.InitializeAsync();
        await using var dashboard = await Dashboard.StartAsync();
        await using var window = await chromium.OpenAsync(dashboard);
        var page = window.Page;
        await BecomeAdministratorAsync(page, dashboard);
        await RegisterAsync(page, "mail-old", "old", fixture.Lab.Fact("LAB_OLD"), first: true);
        await RegisterAsync(page, "mail-new", "new", fixture.Lab.Fact("LAB_NEW"), first: false);
        await DescribeAsync(window);

        var screen = new MigrationScreen(page);
        await Assertions.Expect(page.Locator(".place")).ToContainTextAsync("1 of 8 · Preflight");
        await screen.AskAsync("Run the checks");
        await Assertions.Expect(page.GetByRole(AriaRole.Button, new() { Name = "Go on to Link…" })).ToBeVisibleAsync(new() { Timeout = 120_000 });
        await screen.StageAsync("Go on to Link", "2 of 8 · Link");

        // Clients call old; the drawing shows them as soon as it is counted.
        await using var callsOld = Load.Start(fixture.Lab, "--target", $"{fixture.Lab.Fact("LAB_OLD")}:25/smtp", "--target", $"{fixture.Lab.Fact("LAB_OLD")}:587/smtp", "--rate", "5", "--sessions", "17", "--from", "198.51.100.2-198.51.100.40", "--connect-timeout", "60", "--timeout", "60");
        await screen.NumberAsync("Direct", number => number >= 15, "at least 15");
        await screen.StageAsync("Go on to Forward", "3 of 8 · Forward");
        await screen.StageAsync("Roll back to Link", "2 of 8 · Link");
        await screen.StageAsync("Go on to Forward", "3 of 8 · Forward");
        await screen.StageAsync("Go on to DNS", "4 of 8 · DNS");

        // Too early: the record still leads to old. The page says so and what to do.
        await screen.AskAsync("Go on to Drain");
        await Assertions.Expect(page.GetByRole(AriaRole.Alert)).ToContainTextAsync("Not every resolver leads to", new() { Timeout = 60_000 });
        var names = page.GetByRole(AriaRole.Region, new() { Name = "Names watched" });
        await Assertions.Expect(names).ToContainTextAsync($"not new {fixture.Lab.Fact("LAB_OLD")}");
        await mail.PointToAsync("LAB_NEW", "LAB_NEW6");

        // Still too early: whoever asked just before the change keeps the old record for its time.
        await screen.AskAsync("Go on to Drain");
        await Assertions.Expect(page.GetByRole(AriaRole.Alert)).ToContainTextAsync("The old record may be cached for", new() { Timeout = 60_000 });
        await Assertions.Expect(names).ToContainTextAsync($"new {fixture.Lab.Fact("LAB_NEW")}");
        await Assertions.Expect(page.GetByText("Resolvers may keep the old record until")).ToBeVisibleAsync();
        await Task.Delay(TimeSpan.FromSeconds(SeedMail.Ttl), TestContext.Current.CancellationToken);
        await screen.StageAsync("Go on to Drain", "5 of 8 · Drain");

        // The world follows: most call new now, some go on calling old.
        await using var callsNew = Load.Start(fixture.Lab, "--target", $"{fixture.Lab.Fact("LAB_NEW")}:25/smtp", "--target", $"{fixture.Lab.Fact("LAB_NEW")}:587/smtp", "--rate", "15", "--sessions", "70", "--from", "198.51.100.41-198.51.100.240", "--connect-timeout", "60", "--timeout", "60");
        await screen.NumberAsync("Forwarded", number => number >= 60, "at least 60");
        await Assertions.Expect(page.Locator(".path-words.warns[data-path=Direct]")).ToBeVisibleAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Region, new() { Name = "Clients" }).GetByText("198.51.100.").First).ToBeVisibleAsync();
        await Assertions.Expect(page.Locator(".gate")).ToContainTextAsync("Not ready to cut over");
        var migration = new Uri(page.Url).AbsolutePath;
        await Pictures.TakeAsync(chromium, dashboard, window, migration, "migration-drain", live => Assertions.Expect(new MigrationScreen(live).Number("Forwarded")).Not.ToHaveTextAsync("–"));

        await PlanCutoverAsync(page);
        await Assertions.Expect(page.Locator(".countdown")).ToBeVisibleAsync();
        await Pictures.WhileAsync(chromium, dashboard, window, migration, "migration-cutover", screen.HoldIsShownAsync);
        await screen.ArriveAsync("7 of 8 · Tail");

        // Sessions of an application that owns data end with its stop; their clients come back, to both addresses.
        await using var back = Load.Start(fixture.Lab, "--target", $"{fixture.Lab.Fact("LAB_OLD")}:25/smtp", "--target", $"{fixture.Lab.Fact("LAB_NEW")}:25/smtp", "--sessions", "40", "--from", "198.51.100.2-198.51.100.240", "--connect-timeout", "60", "--timeout", "60");
        await screen.NumberAsync("Local", number => number > 0, "above 0");
        await screen.NumberAsync("Tail", number => number > 0, "above 0");
        await screen.NumberAsync("Direct", number => number == 0, "0");
        await screen.NumberAsync("Forwarded", number => number == 0, "0");
        await Assertions.Expect(page.Locator(".host-new")).ToContainTextAsync("runs mail (docker)");

        await back.StopAsync();
        await EndLoadAsync(callsOld);
        await EndLoadAsync(callsNew);
        await Pictures.OfEverythingAsync(chromium, dashboard, window, migration);
        await screen.StageAsync("Decommission", "8 of 8 · Decommission", Reason);
        await Assertions.Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Nothing more to do" })).ToBeVisibleAsync();

        await FindInAuditAsync(window);
        Assert.DoesNotContain(window.Requests, request => !request.StartsWith("data:", StringComparison.Ordinal) && !request.Contains("127.0.0.1", StringComparison.Ordinal));
        await mail.RestoreAsync();
    }

    private static async Task BecomeAdministratorAsync(IPage page, Dashboard dashboard)
    {
        await page.GotoAsync(dashboard.SetupLink);
        await page.GetByLabel("Name").FillAsync(Dashboard.Administrator);
        await page.GetByLabel("Password", new() { Exact = true }).FillAsync(Dashboard.Password);
        await page.GetByLabel("Password again").FillAsync(Dashboard.Password);
        await page.GetByRole(AriaRole.Button, new() { Name = "Make the administrator" }).ClickAsync();
        await Assertions.Expect(page.GetByText("No migration yet")).ToBeVisibleAsync();
        await page.Locator("html[data-live]").WaitForAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = "Register servers" }).ClickAsync();
        await page.WaitForURLAsync("**/servers");
    }

    private async Task RegisterAsync(IPage page, string name, string machine, string address, bool first)
    {
        if (!first)
            await page.GetByRole(AriaRole.Link, new() { Name = "Servers", Exact = true }).ClickAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = "Register a server" }).ClickAsync();
        await page.GetByLabel("Name", new() { Exact = true }).FillAsync(name);
        await page.GetByLabel("Host", new() { Exact = true }).FillAsync(address);
        await page.GetByLabel("Account").FillAsync("migrate");
        await page.GetByRole(AriaRole.Button, new() { Name = "Look at its host keys" }).ClickAsync();

        // The fingerprint that the server itself tells on its console.
        var told = (await fixture.Lab.ShellAsync(machine, "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub")).Split(' ')[1];
        await Assertions.Expect(page.GetByText(told)).ToBeVisibleAsync();
        if (first)
        {
            await page.GetByRole(AriaRole.Button, new() { Name = "Make a key" }).ClickAsync();
            await page.Locator("#authorise-line").WaitForAsync();
        }

        // "Copy this one line to authorise our key": as the account, on the server.
        var line = await page.Locator("#authorise-line").InnerTextAsync();
        await fixture.Lab.ShellAsync(machine, $"su migrate -s /bin/sh -c {Quoted(line)}");
        await page.GetByLabel("The fingerprints agree").CheckAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Test and register" }).ClickAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Heading, new() { Name = name })).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Read the server" }).ClickAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Firewalls" })).ToBeVisibleAsync(new() { Timeout = 60_000 });
    }

    private async Task DescribeAsync(Window window)
    {
        var page = window.Page;
        await page.GetByRole(AriaRole.Link, new() { Name = "Overview" }).ClickAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = "New migration" }).ClickAsync();
        await page.GetByLabel("Old server: it runs here now").SelectOptionAsync(new SelectOptionValue { Label = $"mail-old · {fixture.Lab.Fact("LAB_OLD")}" });
        await page.GetByLabel("New server: it moves here").SelectOptionAsync(new SelectOptionValue { Label = $"mail-new · {fixture.Lab.Fact("LAB_NEW")}" });
        await Assertions.Expect(page.GetByText("mail-old answers: signed in as migrate")).ToBeVisibleAsync(new() { Timeout = 60_000 });
        await Assertions.Expect(page.GetByText("mail-new answers: signed in as migrate")).ToBeVisibleAsync(new() { Timeout = 60_000 });
        await NextAsync("Link");

        // The network both are on is found and chosen.
        await Assertions.Expect(page.GetByRole(AriaRole.Radio, new() { NameRegex = new("^Existing network 10\\.77\\.0\\.0") })).ToBeCheckedAsync(new() { Timeout = 60_000 });
        await Assertions.Expect(page.GetByLabel("Interface on mail-old")).ToHaveValueAsync("eth1");
        await NextAsync("Application");
        // Typed or chosen, what was found brings its ports along.
        var (chosen, ports) = (page.GetByRole(AriaRole.Radio, new() { NameRegex = new("^mail container ") }), new System.Text.RegularExpressions.Regex("^25(/tcp)?, 587(/tcp)?$"));
        await page.GetByLabel("What runs it").SelectOptionAsync("docker");
        await page.GetByLabel("Container", new() { Exact = true }).FillAsync("mail");
        await page.GetByLabel("Container", new() { Exact = true }).BlurAsync();
        await Assertions.Expect(chosen).ToBeCheckedAsync();
        await Assertions.Expect(page.GetByLabel("Ports its clients call")).ToHaveValueAsync(ports);
        await page.GetByRole(AriaRole.Radio, new() { NameRegex = new("^echo container ") }).CheckAsync();
        await Assertions.Expect(page.GetByLabel("Ports its clients call")).ToHaveValueAsync(new System.Text.RegularExpressions.Regex("^8025"));
        await chosen.CheckAsync();
        await Assertions.Expect(page.GetByLabel("Ports its clients call")).ToHaveValueAsync(ports);
        await Pictures.TakeAsync(window, "wizard-application");
        await page.GetByLabel("Name of the migration").FillAsync("mail.example.org");
        await NextAsync("Names");
        await page.GetByLabel("DNS names").FillAsync("mail.example.org");
        await page.GetByLabel("Resolvers to ask").FillAsync(fixture.Lab.Fact("LAB_DNS"));
        await page.GetByRole(AriaRole.Button, new() { Name = "Look these names up" }).ClickAsync();
        var row = page.GetByRole(AriaRole.Row, new() { NameRegex = new("^mail.example.org") });
        await Assertions.Expect(row).ToContainTextAsync("mail-old (old)");
        await Assertions.Expect(row).ToContainTextAsync($"{SeedMail.Ttl} s");
        await NextAsync("Cutover");
        await page.GetByLabel("Hold at most").FillAsync("45");
        // A busy computer must not have its changes taken back.
        await page.GetByLabel("Take a change back unless confirmed within").FillAsync("300");
        await NextAsync("Review");
        await Assertions.Expect(page.Locator(".review")).ToContainTextAsync("moves from mail-old");
        await Assertions.Expect(page.Locator(".review")).ToContainTextAsync("Estimated hold");
        await page.GetByRole(AriaRole.Button, new() { Name = "new mail-new" }).ClickAsync();
        await Assertions.Expect(page.Locator(".diff")).ToContainTextAsync("dnat to 10.77.0.1");
        await page.GetByRole(AriaRole.Button, new() { Name = "Create migration" }).ClickAsync();
        await page.WaitForURLAsync("**/migrations/*-*");

        Task NextAsync(string step) => page.GetByRole(AriaRole.Button, new() { Name = $"Next: {step}" }).ClickAsync();
    }

    /// <summary>At a whole minute that is at least 25 seconds away, by the browser's clock: that is what a person types.</summary>
    private static async Task PlanCutoverAsync(IPage page)
    {
        var start = TimeZoneInfo.ConvertTime(DateTimeOffset.UtcNow.AddSeconds(85), TimeZoneInfo.FindSystemTimeZoneById("Asia/Kolkata"));
        await page.GetByRole(AriaRole.Button, new() { Name = "Cut over…" }).ClickAsync();
        var dialog = page.GetByRole(AriaRole.Dialog);
        await dialog.GetByLabel("Schedule for a later time").CheckAsync();
        await dialog.GetByLabel("Reason to pass the gate").FillAsync(Reason);
        await dialog.GetByLabel("Date", new() { Exact = true }).FillAsync(start.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture));
        await dialog.GetByLabel("Time", new() { Exact = true }).FillAsync(start.ToString("HH:mm", CultureInfo.InvariantCulture));
        await dialog.GetByRole(AriaRole.Button, new() { Name = "Schedule: Cut over" }).ClickAsync();

        // It begins at once: what can be copied ahead is.
        await Assertions.Expect(page.Locator(".cutover")).ToContainTextAsync($"The window opens {start.ToString("d MMM yyyy HH:mm", CultureInfo.InvariantCulture)}");
    }

    private static async Task FindInAuditAsync(Window window)
    {
        var page = window.Page;
        await page.GetByRole(AriaRole.Link, new() { Name = "Audit" }).ClickAsync();
        await page.GetByLabel("Migration", new() { Exact = true }).SelectOptionAsync(new SelectOptionValue { Label = "mail.example.org" });
        await page.GetByLabel("Action").FillAsync("stage.schedule");
        await page.GetByRole(AriaRole.Button, new() { Name = "Filter" }).ClickAsync();
        var row = page.GetByRole(AriaRole.Row).Filter(new() { HasText = "stage.schedule" });
        await Assertions.Expect(row).ToContainTextAsync(Dashboard.Administrator);
        await Assertions.Expect(row).ToContainTextAsync("Cutover by going on");
        await page.GetByRole(AriaRole.Button, new() { Name = "Details of entry" }).ClickAsync();
        await Assertions.Expect(page.Locator("tr.detail")).ToContainTextAsync(Reason);
    }

    private static async Task EndLoadAsync(Load load)
    {
        var summary = await load.StopAsync();
        Assert.True(summary.GetProperty("ok").GetInt64() > 0);
        Assert.Equal(0, summary.GetProperty("failed").GetInt64());
        Assert.Equal(0, summary.GetProperty("wrong_source").GetInt64());
    }

    private static string Quoted(string text) => $"'{text.Replace("'", @"'\''", StringComparison.Ordinal)}'";
}
