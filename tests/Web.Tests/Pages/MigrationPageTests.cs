using System.Text.RegularExpressions;
using Microsoft.Playwright;
using MigrationDashboard.Core.Network;
using MigrationDashboard.Core.Stages;

namespace MigrationDashboard.Web.Tests.Pages;

/// <summary>The page on which a migration is run, and the overview, as a person sees them.</summary>
public sealed class MigrationPageTests(World world, MailMigration mail) : IClassFixture<MailMigration>
{
    [Fact]
    public async Task A_page_shows_where_the_migration_is_and_its_numbers_change_by_themselves()
    {
        await mail.CountAsync(23, 412, 40);
        await using var window = await OpenAsync();
        var page = window.Page;
        await Assertions.Expect(page.GetByRole(AriaRole.Heading, new() { Name = "mail.example.org" })).ToBeVisibleAsync();
        await Assertions.Expect(page.Locator(".place")).ToContainTextAsync("5 of 8 · Drain");
        await Assertions.Expect(Number(page, "Direct")).ToHaveTextAsync("23");
        await Assertions.Expect(Number(page, "Forwarded")).ToHaveTextAsync("412");
        await Assertions.Expect(page.Locator(".path-words.warns[data-path=Direct]")).ToBeVisibleAsync();
        await Assertions.Expect(page.Locator(".gate")).ToContainTextAsync("Not ready to cut over");

        await mail.CountAsync(24, 1_413, 41);
        await Assertions.Expect(Number(page, "Direct")).ToHaveTextAsync("24");
        await Assertions.Expect(Number(page, "Forwarded")).ToHaveTextAsync("1,413");

        await mail.CountAsync(0, 1_413, 41);
        await Assertions.Expect(Number(page, "Direct")).ToHaveTextAsync("0");
        await Assertions.Expect(page.Locator("svg[role=img]")).ToHaveAttributeAsync("aria-label", new Regex("Direct .* at most"));
        await Assertions.Expect(page.GetByRole(AriaRole.Region, new() { Name = "Clients" }).GetByText("198.51.100.7")).ToBeVisibleAsync();
        Assert.Empty(window.Complaints);
    }

    [Fact]
    public async Task A_dialog_takes_the_focus_but_not_from_somebody_who_types_in_it_already()
    {
        // What Radzen does half a second after a dialog has opened.
        const string Late = "Radzen.focusFirstFocusableElement(document.querySelector('.rz-dialog-content'))";
        await using var window = await OpenAsync();
        await window.Page.GetByRole(AriaRole.Button, new() { Name = "Cut over…" }).ClickAsync();
        var dialog = window.Page.GetByRole(AriaRole.Dialog);
        var (first, later) = (dialog.GetByLabel("Reason to pass the closed gate"), dialog.GetByLabel("Schedule for a later time"));
        await Assertions.Expect(first).ToBeFocusedAsync();
        await later.FocusAsync();
        await window.Page.EvaluateAsync(Late);
        await Assertions.Expect(later).ToBeFocusedAsync();
        await later.BlurAsync();
        await window.Page.EvaluateAsync(Late);
        await Assertions.Expect(first).ToBeFocusedAsync();
    }

    [Fact]
    public async Task The_dialog_shows_the_exact_rules_asks_for_a_reason_and_plans_the_cutover()
    {
        await using var window = await OpenAsync();
        var page = window.Page;
        await page.GetByRole(AriaRole.Button, new() { Name = "Cut over…" }).ClickAsync();
        var dialog = page.GetByRole(AriaRole.Dialog);
        await Assertions.Expect(dialog.GetByText("Hold new connections on both servers")).ToBeVisibleAsync();
        var table = $"md_{mail.Id.ToString("N")[..8]}";
        await dialog.GetByRole(AriaRole.Button, new() { Name = "old mail-old" }).ClickAsync();
        await Assertions.Expect(dialog.Locator(".diff")).ToContainTextAsync($"table ip {table}");
        await Assertions.Expect(dialog.Locator(".diff .plus").GetByText("dnat to 10.99.0.2")).ToBeVisibleAsync();
        Assert.Matches(@"(?m)^\+ .*dnat to 10\.99\.0\.2$", await dialog.Locator(".diff").InnerTextAsync());
        await dialog.GetByRole(AriaRole.Button, new() { Name = "new mail-new" }).ClickAsync();
        await Assertions.Expect(dialog.Locator(".diff .minus").GetByText("dnat to 10.99.0.1").First).ToBeVisibleAsync();
        await dialog.GetByRole(AriaRole.Button, new() { Name = "iptables" }).ClickAsync();
        await Assertions.Expect(dialog.Locator(".diff")).ToContainTextAsync("-j DNAT --to-destination 10.99.0.1");

        // The gate is closed: without a reason nothing can be started.
        var confirm = dialog.GetByRole(AriaRole.Button, new() { Name = "Cut over despite the closed gate" });
        await Assertions.Expect(confirm).ToBeDisabledAsync();
        await dialog.GetByLabel("Reason to pass the closed gate").FillAsync("the last callers were told");
        await Assertions.Expect(confirm).ToBeEnabledAsync();

        await dialog.GetByLabel("Schedule for a later time").CheckAsync();
        await dialog.GetByLabel("Date", new() { Exact = true }).FillAsync("2020-01-01");
        await dialog.GetByLabel("Time", new() { Exact = true }).FillAsync("02:30");
        await Assertions.Expect(dialog.GetByLabel("Time zone")).ToHaveValueAsync(new Regex("^Asia/(Kolkata|Calcutta)$"));
        await dialog.GetByRole(AriaRole.Button, new() { Name = "Schedule: Cut over" }).ClickAsync();
        await Assertions.Expect(dialog.GetByRole(AriaRole.Alert)).ToContainTextAsync("this time is over already");
        await dialog.GetByLabel("Date", new() { Exact = true }).FillAsync("2049-06-01");
        await dialog.GetByRole(AriaRole.Button, new() { Name = "Schedule: Cut over" }).ClickAsync();
        await Assertions.Expect(page.Locator(".banner")).ToContainTextAsync("Cutover is planned for 1 Jun 2049 02:30");

        await page.GetByRole(AriaRole.Button, new() { Name = "Cancel this plan" }).ClickAsync();
        await page.GetByRole(AriaRole.Dialog).GetByRole(AriaRole.Button, new() { Name = "Cancel this plan" }).ClickAsync();
        await Assertions.Expect(page.Locator(".banner")).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task A_cutover_under_way_shows_the_hold_and_a_failed_one_what_was_left()
    {
        await using var window = await OpenAsync();
        var page = window.Page;
        var run = await mail.BeginAsync(Stage.Drain, Stage.Cutover);
        await Assertions.Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Cutover of mail (docker)" })).ToBeVisibleAsync();
        await Assertions.Expect(page.Locator(".hold-time")).ToHaveTextAsync("–");
        await mail.StepAsync(run, 1, "hold", "mail-new", StepState.Succeeded, "applied");
        await mail.StepAsync(run, 2, "hold", "mail-old", StepState.Succeeded, "applied");
        await mail.StepAsync(run, 3, "stop and copy the rest", "mail-old", StepState.Running, "");
        await Assertions.Expect(page.Locator(".hold-time")).ToHaveTextAsync(new Regex(@"^\d+\.\d$"));
        await Assertions.Expect(page.Locator(".cutover-step")).ToHaveTextAsync("stop and copy the rest on mail-old");
        var first = await page.Locator(".hold-time").InnerTextAsync();
        await Assertions.Expect(page.Locator(".hold-time")).Not.ToHaveTextAsync(first);

        await page.GetByRole(AriaRole.Button, new() { Name = "Abort and go back to Drain" }).ClickAsync();
        await page.GetByRole(AriaRole.Dialog).GetByRole(AriaRole.Button, new() { Name = "Abort and go back to Drain" }).ClickAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Button, new() { Name = "Aborting…" })).ToBeDisabledAsync();
        Assert.True((await mail.Runs.WishAsync(run, default)).CancelRequested);

        await mail.Runs.EndStepAsync(run, 3, StepState.Failed, 900, 1, "rsync: write failed: No space left on device (28)", default);
        await mail.Runs.FinishAsync(run, RunState.Reverted, "rsync ended with 11. Both servers are as they were before.", default);
        var note = page.GetByRole(AriaRole.Alert);
        await Assertions.Expect(note).ToContainTextAsync("Cutover did not succeed and was taken back");
        await Assertions.Expect(note).ToContainTextAsync("mail-old, step “stop and copy the rest”");
        await Assertions.Expect(note).ToContainTextAsync("Both servers are as they were before.");
        await Assertions.Expect(page.GetByText("No space left on device")).ToBeVisibleAsync();
        await Assertions.Expect(page.Locator(".cutover")).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task Past_the_point_of_no_return_nothing_offers_to_abort()
    {
        await using var window = await OpenAsync();
        var run = await mail.BeginAsync(Stage.Drain, Stage.Cutover);
        await mail.StepAsync(run, 1, "hold", "mail-new", StepState.Succeeded, "applied");
        var abort = window.Page.GetByRole(AriaRole.Button, new() { Name = "Abort and go back to Drain" });
        await Assertions.Expect(abort).ToBeVisibleAsync();
        await mail.StepAsync(run, 2, "hand over", "mail-old", StepState.Running, "");
        await Assertions.Expect(abort).ToHaveCountAsync(0);
        await Assertions.Expect(window.Page.GetByText("Past the point where it can be aborted")).ToBeVisibleAsync();
        await mail.Runs.FinishAsync(run, RunState.Succeeded, null, default);

        // The same for a stage without a hold.
        run = await mail.BeginAsync(Stage.Dns, Stage.Drain);
        var cancel = window.Page.GetByRole(AriaRole.Button, new() { Name = "Cancel and go back to DNS" });
        await Assertions.Expect(cancel).ToBeVisibleAsync();
        await mail.StepAsync(run, 1, "confirm", "mail-old", StepState.Running, "");
        await Assertions.Expect(cancel).ToHaveCountAsync(0);
        await mail.Runs.FinishAsync(run, RunState.Succeeded, null, default);
    }

    [Fact]
    public async Task A_cancel_that_came_too_late_is_told()
    {
        await using var window = await OpenAsync();
        var run = await mail.BeginAsync(Stage.Drain, Stage.Cutover);
        await mail.Runs.CancelAsync(run, default);
        await mail.Runs.FinishAsync(run, RunState.Succeeded, null, default);
        var note = window.Page.GetByText("The cancel came too late");
        await Assertions.Expect(note).ToBeVisibleAsync();
        await window.GoLiveAsync("/schedule?show=done");
        await Assertions.Expect(note).ToBeVisibleAsync();

        // The next one ends as it was meant to: there is nothing to tell any more.
        await mail.Runs.FinishAsync(await mail.BeginAsync(Stage.Drain, Stage.Cutover), RunState.Succeeded, null, default);
        await window.GoLiveAsync(mail.Path);
        await Assertions.Expect(note).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task A_viewer_sees_the_numbers_and_no_button_that_changes_something()
    {
        await mail.CountAsync(3, 400, 50);
        await using var window = await OpenAsync(name: "vera");
        await Assertions.Expect(Number(window.Page, "Direct")).ToHaveTextAsync("3");
        await Assertions.Expect(window.Page.GetByRole(AriaRole.Button, new() { NameRegex = new Regex("Cut over|Roll back|Run the checks") })).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task The_overview_filters_by_the_address_bar()
    {
        await using var window = await OpenAsync(path: "/");
        var page = window.Page;
        var rows = page.GetByRole(AriaRole.Region, new() { Name = "Migrations" }).Locator("tbody tr");
        await Assertions.Expect(rows).ToHaveCountAsync(2);
        await page.GetByLabel("Search").FillAsync("mail");
        await Assertions.Expect(page).ToHaveURLAsync(new Regex(@"\?q=mail$"));
        await Assertions.Expect(rows).ToHaveCountAsync(1);
        await Assertions.Expect(rows.First).ToContainTextAsync("mail-old → mail-new");
        await page.GetByLabel("Stage").SelectOptionAsync("Tail");
        await Assertions.Expect(page.GetByText("No migration fits.")).ToBeVisibleAsync();
        await Assertions.Expect(page).ToHaveURLAsync(new Regex("stage=Tail"));
        await window.GoLiveAsync("/?stage=Preflight");
        await Assertions.Expect(rows).ToHaveCountAsync(1);
        await Assertions.Expect(rows.First).ToContainTextAsync("web.example.org");
    }

    [Fact]
    public async Task Pages_fit_the_screen_and_break_no_accessibility_rule()
    {
        await mail.CountAsync(23, 412, 60);
        await mail.CountAsync(23, 412, 68);
        await using var window = await world.Chromium.OpenAsync(mail.Dashboard);
        await window.SignInAsync();
        var page = window.Page;
        var screens = await Screens.OfAsync(page);
        await window.GoLiveAsync("/");
        await Assertions.Expect(page.Locator("tbody tr")).ToHaveCountAsync(2);
        await screens.CheckAsync("overview-rows");
        await window.GoLiveAsync(mail.Path);
        await Assertions.Expect(Number(page, "Direct")).ToHaveTextAsync("23");
        await screens.CheckAsync("migration");

        // Somebody else threw a rule out: told on the open page, and gone when it is set again.
        var drift = page.GetByText("Somebody else changed what is ours on this server");
        const string Rule = "table ip md_1 {\n  iifname \"eth0\" ip daddr 203.0.113.20 tcp dport { 25, 587 } dnat to 10.99.0.1\n}";
        await mail.Drifts.SaveAsync(mail.Id, Role.New, "changed", Rule, "table ip md_1 {\n}", default);
        await drift.WaitForAsync();
        await Assertions.Expect(page.GetByText("Calls are no longer sent on to the other server: clients are refused.")).ToBeVisibleAsync();
        await screens.CheckAsync("migration-drift");
        await mail.Drifts.ClearAsync(mail.Id, Role.New, default);
        await Assertions.Expect(drift).ToHaveCountAsync(0);
        await page.GetByRole(AriaRole.Button, new() { Name = "Cut over…" }).ClickAsync();
        await page.GetByRole(AriaRole.Dialog).Locator(".diff").WaitForAsync();
        await screens.CheckAsync("migration-dialog");
        await page.GetByRole(AriaRole.Dialog).GetByRole(AriaRole.Button, new() { Name = "Cancel" }).ClickAsync();
        var run = await mail.BeginAsync(Stage.Drain, Stage.Cutover);
        await mail.StepAsync(run, 1, "hold", "mail-new", StepState.Succeeded, "applied");
        await mail.StepAsync(run, 2, "hold", "mail-old", StepState.Succeeded, "applied");
        await mail.StepAsync(run, 3, "stop and copy the rest", "mail-old", StepState.Running, "");
        await Assertions.Expect(page.Locator(".cutover-step")).ToHaveTextAsync("stop and copy the rest on mail-old");
        await screens.CheckAsync("migration-cutover");
        await mail.Runs.EndStepAsync(run, 3, StepState.Failed, 900, 1, "rsync: write failed: No space left on device (28)", default);
        await mail.Runs.FinishAsync(run, RunState.Reverted, "rsync ended with 11. Both servers are as they were before.", default);
        await page.GetByRole(AriaRole.Alert).WaitForAsync();
        await screens.CheckAsync("migration-reverted");
        screens.MustBeFine();
    }

    private async Task<Window> OpenAsync(string name = Dashboard.Administrator, string? path = null)
    {
        var window = await (await world.Chromium.OpenAsync(mail.Dashboard)).SignInAsync(name);
        await window.GoLiveAsync(path ?? mail.Path);
        return window;
    }

    private static ILocator Number(IPage page, string path) => page.Locator($".path-words[data-path={path}] .path-number");
}
