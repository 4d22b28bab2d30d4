using Microsoft.Playwright;
using MigrationDashboard.Core.Migrations;
using MigrationDashboard.Core.Servers;
using MigrationDashboard.Core.Stages;
using MigrationDashboard.Driver;
using MigrationDashboard.Web.Tests;
using Xunit;
using Dashboard = MigrationDashboard.Driver.Dashboard;

namespace MigrationDashboard.Lab.Tests.Browser;

/// <summary>A cutover under way is rows in the database, not memory of a page: whoever looks, however late, sees the same.</summary>
public sealed class SameTruthTests(LabFixture fixture, ITestOutputHelper output) : LabTest(fixture, output)
{
    [Fact]
    public async Task A_reload_and_a_second_browser_in_the_middle_of_a_cutover_show_the_same_truth()
    {
        var id = await Fixture.Dashboard.AddMigrationAsync(Echo());
        foreach (var stage in new[] { Stage.Preflight, Stage.Link, Stage.Forward, Stage.Dns, Stage.Drain })
            await Fixture.Dashboard.MustAsync(id, stage);

        // Sessions that do not end make the hold wait for its whole quiet time: there is a middle to look at.
        await using var load = Load.Start(Fixture.Lab, "--target", $"{Fixture.Lab.Fact("LAB_OLD")}:8025", "--target", $"{Fixture.Lab.Fact("LAB_NEW")}:8025", "--sessions", "20", "--rate", "10", "--from", "198.51.100.2-198.51.100.40", "--connect-timeout", "60");
        await using var chromium = new Chromium();
        await chromium.InitializeAsync();
        await using var first = await OpenAsync(chromium, id);
        await using var second = await OpenAsync(chromium, id);
        await using var third = await SignInAsync(chromium);
        var (one, two, three) = (new MigrationScreen(first.Page), new MigrationScreen(second.Page), new MigrationScreen(third.Page));
        await one.NumberAsync("Direct", number => number >= 8, "at least 8");

        await one.AskAsync("Cut over");
        await one.CutoverIsShownAsync();

        // In the middle: the first page is reloaded, a third browser comes to it, the second one was only watching.
        await Task.WhenAll(first.Page.ReloadAsync(), third.GoLiveAsync($"/migrations/{id}"));
        foreach (var screen in new[] { one, two, three })
        {
            await screen.CutoverIsShownAsync();
            await Assertions.Expect(screen.Page.Locator(".place")).ToContainTextAsync("5 of 8 · Drain");
            await Assertions.Expect(screen.Page.GetByRole(AriaRole.Button, new() { Name = "Abort and go back to Drain" })).ToBeVisibleAsync();
            await Assertions.Expect(screen.Page.GetByRole(AriaRole.Button, new() { Name = "Cut over…" })).ToHaveCountAsync(0);
        }

        // Steps go on between one look and the next: all three must come to show the same ones while it is under way.
        string[] steps;
        do
            steps = await Task.WhenAll(one.StepsAsync(), two.StepsAsync(), three.StepsAsync());
        while (steps.Distinct().Count() > 1);
        Assert.Contains("inspect", steps[0], StringComparison.Ordinal);

        foreach (var screen in new[] { one, two, three })
        {
            await screen.ArriveAsync("7 of 8 · Tail");
            await Assertions.Expect(screen.Page.Locator(".cutover")).ToHaveCountAsync(0);
            await Assertions.Expect(screen.Page.Locator(".run.shown")).ToContainTextAsync("held");
        }

        var held = await Task.WhenAll(new[] { one, two, three }.Select(screen => screen.Page.Locator(".run.shown .badge").Last.InnerTextAsync()));
        Assert.Single(held.Distinct());

        // Back to how it was found; with the cutover the other way by the page, too.
        await load.StopAsync();
        await one.StageAsync("Roll back to Drain", "5 of 8 · Drain");
        foreach (var stage in new[] { Stage.Dns, Stage.Forward, Stage.Link, Stage.Preflight })
            await Fixture.Dashboard.MustAsync(id, stage, Direction.Rollback);
    }

    private async Task<Window> SignInAsync(Chromium chromium) =>
        await (await chromium.OpenAsync(Fixture.Dashboard.Address.GetLeftPart(UriPartial.Authority))).SignInAsync(Dashboard.AdministratorName, Dashboard.AdministratorPassword);

    private async Task<Window> OpenAsync(Chromium chromium, Guid id)
    {
        var window = await SignInAsync(chromium);
        await window.GoLiveAsync($"/migrations/{id}");
        return window;
    }

    private MigrationInput Echo() => Fixture.Mail("echo, watched by three") with
    {
        Ports = "8025",
        Workload = new() { Kind = "docker", Container = "echo", Health = HealthCheck.TcpConnect },
        HoldLimitSeconds = 60,
        QuietSeconds = 12,
        CheckpointSeconds = 300,
    };
}
