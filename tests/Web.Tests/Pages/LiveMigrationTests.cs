using System.Text.RegularExpressions;
using Microsoft.Playwright;

namespace MigrationDashboard.Web.Tests.Pages;

/// <summary>What a page of a migration does while the world changes under it, and what can be taken out of it.</summary>
public sealed class LiveMigrationTests(World world, MailMigration mail) : IClassFixture<MailMigration>
{
    [Fact]
    public async Task After_a_restart_of_the_server_an_open_page_shows_what_happened_meanwhile()
    {
        await mail.CountAsync(23, 412, 40);
        await using var dashboard = await Dashboard.StartAsync($"--Database:ConnectionString={mail.ConnectionString}", $"--Urls=http://127.0.0.1:{FreePort()}");
        await using var window = await (await world.Chromium.OpenAsync(dashboard)).SignInAsync();
        await window.GoLiveAsync(mail.Path);
        await Assertions.Expect(Number(window.Page, "Direct")).ToHaveTextAsync("23");
        await dashboard.StopAsync();
        await Assertions.Expect(window.Page.GetByText("The dashboard cannot be reached")).ToBeVisibleAsync(new() { Timeout = 60_000 });
        await mail.CountAsync(7, 1_599, 41);
        await dashboard.RestartAsync();

        // Nobody touches the page.
        await Assertions.Expect(Number(window.Page, "Direct")).ToHaveTextAsync("7", new() { Timeout = 60_000 });
        await Assertions.Expect(Number(window.Page, "Forwarded")).ToHaveTextAsync("1,599");
        await mail.CountAsync(8, 1_599, 42);
        await Assertions.Expect(Number(window.Page, "Direct")).ToHaveTextAsync("8");
    }

    [Fact]
    public async Task Clients_have_names_where_there_are_some_and_go_out_as_csv()
    {
        await mail.CountAsync(3, 5, 43, caller: "127.0.0.1");
        await using var window = await (await world.Chromium.OpenAsync(mail.Dashboard)).SignInAsync();
        var page = window.Page;
        await window.GoLiveAsync(mail.Path);
        var clients = page.GetByRole(AriaRole.Region, new() { Name = "Clients" }).First;
        await Assertions.Expect(clients.GetByRole(AriaRole.Row).Filter(new() { HasText = "127.0.0.1" })).ToContainTextAsync("localhost");

        // A wrong filter says so at its field, keeps what was typed, and leaves the list as it was.
        await page.GetByLabel("Address or network").FillAsync("198.51.100.0/99");
        await page.GetByLabel("Address or network").BlurAsync();
        await Assertions.Expect(page.GetByText("write an address or a network, such as 198.51.100.7")).ToBeVisibleAsync();
        await Assertions.Expect(page.GetByLabel("Address or network")).ToHaveValueAsync("198.51.100.0/99");
        await page.GetByLabel("Address or network").FillAsync("127.0.0.0/8");
        await page.GetByLabel("Address or network").BlurAsync();
        await Assertions.Expect(page.GetByText("write an address or a network")).ToHaveCountAsync(0);
        await Assertions.Expect(clients.GetByText("198.51.100.7")).ToHaveCountAsync(0);

        var download = await page.RunAndWaitForDownloadAsync(() => page.GetByRole(AriaRole.Link, new() { Name = "Export CSV" }).ClickAsync());
        var lines = (await File.ReadAllTextAsync(await download.PathAsync())).Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal("path,client,port,first_seen,last_seen,connections,current", lines[0]);
        Assert.StartsWith("Direct,127.0.0.1,25/tcp,", Assert.Single(lines[1..]), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_page_says_what_is_next_how_long_it_takes_and_the_way_back()
    {
        await using var window = await (await world.Chromium.OpenAsync(mail.Dashboard)).SignInAsync();
        var page = window.Page;
        await window.GoLiveAsync(mail.Path);
        var next = page.GetByRole(AriaRole.Region, new() { Name = "Next: Cut over" });
        await Assertions.Expect(next).ToContainTextAsync("New connections are held for at most 8 s");
        await Assertions.Expect(next).ToContainTextAsync("never more than 8 s");
        await Assertions.Expect(next).ToContainTextAsync("“Roll back to Drain” moves it back the same way");

        // The key opens the plan and does nothing by itself.
        await page.Keyboard.PressAsync("n");
        await Assertions.Expect(page.GetByRole(AriaRole.Dialog)).ToContainTextAsync("What happens");
        // It hears keys once the focus has come to it.
        await page.WaitForFunctionAsync("() => document.querySelector('[role=dialog]').contains(document.activeElement)");
        await page.Keyboard.PressAsync("Escape");
        await Assertions.Expect(page.GetByRole(AriaRole.Dialog)).ToHaveCountAsync(0);
        await page.GetByRole(AriaRole.Button, new() { Name = "Whole migration" }).ClickAsync();
        await Assertions.Expect(page.Locator("svg[role=img]").First).ToHaveAttributeAsync("aria-label", new Regex("^Whole migration: "));
        Assert.Empty(await mail.Runs.InStateAsync(Core.Stages.RunState.Planned, default));
    }

    [Fact]
    public async Task The_overview_shows_the_course_of_direct_connections_and_the_health()
    {
        await mail.CountAsync(23, 412, 44);
        await using var window = await (await world.Chromium.OpenAsync(mail.Dashboard)).SignInAsync();
        await window.GoLiveAsync("/");
        var row = window.Page.GetByRole(AriaRole.Row).Filter(new() { HasText = "mail.example.org" });
        await Assertions.Expect(row.GetByRole(AriaRole.Img)).ToHaveAttributeAsync("aria-label", new Regex(@"^Direct over the last three hours: at most \d+"));
        await Assertions.Expect(row).ToContainTextAsync("good");
        await Assertions.Expect(window.Page.GetByRole(AriaRole.Row).Filter(new() { HasText = "web.example.org" })).ToContainTextAsync("not checked");
    }

    private static ILocator Number(IPage page, string path) => page.Locator($".path-words[data-path={path}] .path-number");

    private static int FreePort()
    {
        using var listener = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        listener.Start();
        return ((System.Net.IPEndPoint)listener.LocalEndpoint).Port;
    }
}
