using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Playwright;
using MigrationDashboard.Core.Stages;

namespace MigrationDashboard.Web.Tests.Pages;

/// <summary>Who may do what with a migration, on the page and by the API: the server decides, whatever the browser shows.</summary>
public sealed class RightsTests(World world, MailMigration mail) : IClassFixture<MailMigration>
{
    [Theory]
    [InlineData("viewer", "cutover", null, HttpStatusCode.Forbidden)]
    [InlineData("viewer", "preflight", null, HttpStatusCode.Forbidden)]
    [InlineData("operator", "cutover", null, HttpStatusCode.Forbidden)]
    [InlineData("operator", "dns", "nobody else is awake", HttpStatusCode.Forbidden)]
    [InlineData("approver", "cutover", "nobody else is awake", HttpStatusCode.Accepted)]
    [InlineData("administrator", "cutover", null, HttpStatusCode.Accepted)]
    public async Task By_the_api_only_approvers_cut_over_or_pass_a_gate(string role, string target, string? reason, HttpStatusCode expected)
    {
        using var admin = mail.Dashboard.Client(Dashboard.Token);
        var token = (await Site.PostAsync(admin, "/api/v1/tokens", new { name = $"{role} {target} {reason}", role, days = 7 })).GetProperty("secret").GetString();
        using var client = mail.Dashboard.Client(token);
        var answer = await client.PostAsJsonAsync($"/api/v1/migrations/{mail.Id}/runs", new
        {
            target,
            direction = target == "dns" ? "rollback" : "advance",
            overrideReason = reason,
            notBefore = DateTimeOffset.UtcNow.AddDays(30),
        });
        Assert.Equal(expected, answer.StatusCode);
        if (answer.StatusCode == HttpStatusCode.Accepted)
        {
            var run = (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("id").GetGuid();
            await Site.PostAsync(client, $"/api/v1/runs/{run}/cancel", new { });
        }
        else if (role == "operator")
            Assert.Contains("needs the role approver", await admin.GetStringAsync($"/api/v1/audit?migration={mail.Id}&outcome=Refused"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_operator_sees_the_plan_of_a_cutover_and_no_button_for_it()
    {
        await using var window = await OpenAsync("otto");
        await window.Page.GetByRole(AriaRole.Button, new() { Name = "Cut over…" }).ClickAsync();
        var dialog = window.Page.GetByRole(AriaRole.Dialog);
        await Assertions.Expect(dialog.GetByText("Hold new connections on both servers")).ToBeVisibleAsync();
        await Assertions.Expect(dialog.GetByText("Cut over needs an approver")).ToBeVisibleAsync();
        await Assertions.Expect(dialog.GetByRole(AriaRole.Button, new() { NameRegex = new("Cut over|Schedule") })).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task A_dialog_left_open_loses_its_right_with_its_person()
    {
        await using var window = await OpenAsync("anna");
        await window.Page.GetByRole(AriaRole.Button, new() { Name = "Cut over…" }).ClickAsync();
        var dialog = window.Page.GetByRole(AriaRole.Dialog);
        await dialog.GetByLabel("Reason to pass the closed gate").FillAsync("the last callers were told");
        await SetRoleAsync("operator");
        await dialog.GetByRole(AriaRole.Button, new() { Name = "Cut over despite the closed gate" }).ClickAsync();
        await Assertions.Expect(dialog.GetByRole(AriaRole.Alert)).ToContainTextAsync("anna may not do this");
        Assert.Null(await mail.Runs.RunningAsync(mail.Id, default));
        Assert.DoesNotContain(await mail.Runs.OfMigrationAsync(mail.Id, 50, default), run => run is { Target: Stage.Cutover, State: RunState.Planned });
        await SetRoleAsync("approver");
    }

    [Fact]
    public async Task An_approver_plans_a_cutover_and_the_audit_names_who_and_why()
    {
        await using var window = await OpenAsync("anna");
        var page = window.Page;
        await page.GetByRole(AriaRole.Button, new() { Name = "Cut over…" }).ClickAsync();
        var dialog = page.GetByRole(AriaRole.Dialog);
        await dialog.GetByLabel("Schedule for a later time").CheckAsync();
        await dialog.GetByLabel("Reason to pass the gate").FillAsync("agreed with the customer");

        // Every wrong field has its message, and the first one the focus.
        await dialog.GetByLabel("Time zone").FillAsync("Mars/Olympus");
        await dialog.GetByLabel("Time", new() { Exact = true }).FillAsync("02:30");
        await dialog.GetByRole(AriaRole.Button, new() { Name = "Schedule: Cut over" }).ClickAsync();
        await Assertions.Expect(dialog.GetByText("“Mars/Olympus” is no time zone: use an IANA name")).ToBeVisibleAsync();
        await Assertions.Expect(dialog.GetByLabel("Time zone")).ToBeFocusedAsync();
        await dialog.GetByLabel("Time zone").FillAsync("Europe/Berlin");
        await dialog.GetByLabel("Date", new() { Exact = true }).FillAsync("2049-03-28");
        await dialog.GetByRole(AriaRole.Button, new() { Name = "Schedule: Cut over" }).ClickAsync();
        await Assertions.Expect(dialog.GetByText("02:30 does not exist on that day in Europe/Berlin")).ToBeVisibleAsync();
        await dialog.GetByLabel("Time", new() { Exact = true }).FillAsync("03:30");
        await dialog.GetByLabel("Not after, date").FillAsync("2049-03-28");
        await dialog.GetByLabel("Not after, time").FillAsync("01:00");
        await dialog.GetByRole(AriaRole.Button, new() { Name = "Schedule: Cut over" }).ClickAsync();
        await Assertions.Expect(dialog.GetByText("the window closes before it opens")).ToBeVisibleAsync();
        await Assertions.Expect(dialog.GetByLabel("Not after, time")).ToBeFocusedAsync();
        await Assertions.Expect(dialog.GetByLabel("Reason to pass the gate")).ToHaveValueAsync("agreed with the customer");
        await dialog.GetByLabel("Not after, time").FillAsync("05:00");
        await dialog.GetByRole(AriaRole.Button, new() { Name = "Schedule: Cut over" }).ClickAsync();
        await Assertions.Expect(page.Locator(".banner")).ToContainTextAsync("28 Mar 2049 07:00");

        await page.GetByRole(AriaRole.Button, new() { Name = "Cancel this plan" }).ClickAsync();
        await page.GetByRole(AriaRole.Dialog).GetByRole(AriaRole.Button, new() { Name = "Cancel this plan" }).ClickAsync();
        await Assertions.Expect(page.Locator(".banner")).ToHaveCountAsync(0);
        using var client = mail.Dashboard.Client(Dashboard.Token);
        var log = "";
        // The entry follows the cancelling, which the page shows at once.
        for (var tries = 0; tries < 50 && !log.Contains("stage.cancel", StringComparison.Ordinal); tries++)
        {
            await Task.Delay(100);
            log = await client.GetStringAsync($"/api/v1/audit?migration={mail.Id}&actor=anna");
        }

        Assert.Contains("stage.schedule", log, StringComparison.Ordinal);
        Assert.Contains("agreed with the customer", log, StringComparison.Ordinal);
        Assert.Contains("stage.cancel", log, StringComparison.Ordinal);
        Assert.Contains("(by page)", log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_double_click_asks_once_and_a_stale_page_is_told_what_changed()
    {
        await using var window = await OpenAsync("ada");
        var page = window.Page;
        await page.GetByRole(AriaRole.Button, new() { Name = "Cut over…" }).DblClickAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Dialog)).ToHaveCountAsync(1);
        var dialog = page.GetByRole(AriaRole.Dialog);
        await dialog.GetByLabel("Schedule for a later time").CheckAsync();
        await dialog.GetByLabel("Date", new() { Exact = true }).FillAsync("2049-06-01");
        await dialog.GetByLabel("Time", new() { Exact = true }).FillAsync("02:30");
        await dialog.GetByRole(AriaRole.Button, new() { Name = "Schedule: Cut over" }).DblClickAsync();
        await Assertions.Expect(page.Locator(".banner")).ToHaveCountAsync(1);
        Assert.Single(await mail.Runs.OfMigrationAsync(mail.Id, 50, default), run => run.State == RunState.Planned);

        // Somebody else's open dialog does not know of the plan yet.
        await using var other = await OpenAsync("ada");
        await other.Page.GetByRole(AriaRole.Button, new() { Name = "Roll back to DNS…" }).ClickAsync();
        await mail.Migrations.SaveStageAsync(mail.Id, Stage.Tail, default);
        try
        {
            await other.Page.GetByRole(AriaRole.Dialog).GetByRole(AriaRole.Button, new() { Name = "Roll back to DNS now" }).ClickAsync();
            await Assertions.Expect(other.Page.GetByRole(AriaRole.Dialog).GetByRole(AriaRole.Alert)).ToContainTextAsync("the migration is at Tail");
        }
        finally
        {
            await mail.Migrations.SaveStageAsync(mail.Id, Stage.Drain, default);
        }

        await page.GetByRole(AriaRole.Button, new() { Name = "Cancel this plan" }).DblClickAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Dialog)).ToHaveCountAsync(1);
        await page.GetByRole(AriaRole.Dialog).GetByRole(AriaRole.Button, new() { Name = "Cancel this plan" }).ClickAsync();
        await Assertions.Expect(page.Locator(".banner")).ToHaveCountAsync(0);
        Assert.Empty(window.Complaints);
    }

    private async Task SetRoleAsync(string role)
    {
        using var client = mail.Dashboard.Client(Dashboard.Token);
        var anna = (await client.GetFromJsonAsync<JsonElement>("/api/v1/users")).EnumerateArray().Single(user => user.GetProperty("name").GetString() == "anna").GetProperty("id").GetGuid();
        var answer = await client.PatchAsJsonAsync($"/api/v1/users/{anna}", new { role });
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
    }

    private async Task<Window> OpenAsync(string name)
    {
        var window = await (await world.Chromium.OpenAsync(mail.Dashboard)).SignInAsync(name);
        await window.GoLiveAsync(mail.Path);
        return window;
    }
}
