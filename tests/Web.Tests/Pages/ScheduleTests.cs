using Microsoft.Playwright;
using MigrationDashboard.Infrastructure.Tests.Ssh;

namespace MigrationDashboard.Web.Tests.Pages;

public sealed class ScheduleTests(World world, SshServer ssh)
{
    [Fact]
    public async Task A_planned_stage_is_listed_with_its_window_and_can_be_cancelled()
    {
        var (old, @new) = await Site.ServersAsync(world, ssh);
        var migration = await Site.MigrationAsync(world, "planned mail", old, @new);
        using var client = world.Dashboard.Client(Dashboard.Token);
        await using var window = await (await world.Chromium.OpenAsync(world.Dashboard)).SignInAsync();
        await window.GoLiveAsync("/schedule");

        // Planned while the page is open: it must appear by itself. 02:30 in Berlin's winter is 07:00 in the browser's Kolkata.
        var year = DateTime.UtcNow.Year + 1;
        var run = await Site.PostAsync(client, $"/api/v1/migrations/{migration}/runs", new
        {
            target = "preflight",
            notBefore = $"{year}-01-15T02:30:00+01:00",
            notAfter = $"{year}-01-15T04:00:00+01:00",
            timeZone = "Europe/Berlin",
        });
        var item = window.Page.GetByRole(AriaRole.Listitem).Filter(new() { HasText = "planned mail" });
        await Assertions.Expect(item).ToContainTextAsync("07:00");
        await Assertions.Expect(item).ToContainTextAsync("08:30");
        await Assertions.Expect(item).ToContainTextAsync("in Europe/Berlin: 15 Jan 02:30");
        await Assertions.Expect(item).ToContainTextAsync("Planned");
        await item.GetByRole(AriaRole.Button).ClickAsync();
        await window.Page.GetByRole(AriaRole.Dialog).GetByRole(AriaRole.Button, new() { Name = "Cancel Preflight" }).ClickAsync();
        await Assertions.Expect(item).ToHaveCountAsync(0);
        Assert.Contains("\"cancelled\"", await client.GetStringAsync($"/api/v1/runs/{run.GetProperty("id").GetGuid()}"), StringComparison.Ordinal);
        var log = "";

        // The row goes when the run is cancelled; the entry is written right after.
        for (var tries = 0; tries < 50 && !log.Contains("stage.cancel", StringComparison.Ordinal); tries++, await Task.Delay(100, TestContext.Current.CancellationToken))
            log = await client.GetStringAsync($"/api/v1/audit?migration={migration}");
        Assert.Contains("stage.schedule", log, StringComparison.Ordinal);
        Assert.Contains("stage.cancel", log, StringComparison.Ordinal);
    }
}
