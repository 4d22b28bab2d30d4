using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Playwright;

namespace MigrationDashboard.Web.Tests.Pages;

public sealed class AuditPageTests(World world)
{
    [Fact]
    public async Task The_filter_is_in_the_address_and_an_entry_shows_its_hashes()
    {
        await world.Dashboard.AddUserAsync("audited-one", "viewer");
        await world.Dashboard.AddUserAsync("audited-two", "viewer");
        await using var window = await (await world.Chromium.OpenAsync(world.Dashboard)).SignInAsync();
        var page = window.Page;
        await window.GoLiveAsync("/audit");
        await page.GetByLabel("Text").FillAsync("audited-one");
        await page.GetByLabel("Action").FillAsync("user");
        await page.GetByRole(AriaRole.Button, new() { Name = "Filter" }).ClickAsync();
        await page.WaitForURLAsync("**/audit?text=audited-one&action=user");
        await Assertions.Expect(page.Locator("tbody")).ToContainTextAsync("Added audited-one as viewer");
        await Assertions.Expect(page.Locator("tbody")).Not.ToContainTextAsync("audited-two");
        await page.GetByRole(AriaRole.Button, new() { Name = "Details of entry" }).First.ClickAsync();
        await Assertions.Expect(page.Locator("tr.detail")).ToContainTextAsync("Hash before");
        await page.ReloadAsync();
        await Assertions.Expect(page.GetByLabel("Text")).ToHaveValueAsync("audited-one");
        await page.GetByRole(AriaRole.Link, new() { Name = "Show all" }).ClickAsync();
        await Assertions.Expect(page.Locator("tbody")).ToContainTextAsync("audited-two");
    }

    [Fact]
    public async Task Verify_says_that_every_entry_is_as_it_was_written()
    {
        await using var window = await (await world.Chromium.OpenAsync(world.Dashboard)).SignInAsync();
        await window.GoLiveAsync("/audit");
        await window.Page.GetByRole(AriaRole.Button, new() { Name = "Verify" }).ClickAsync();
        await Assertions.Expect(window.Page.GetByText("are as they were written")).ToBeVisibleAsync();
        using var client = world.Dashboard.Client(Dashboard.Token);
        var verified = await Site.PostAsync(client, "/api/v1/audit/verify", new { });
        Assert.True(verified.GetProperty("checked").GetInt64() > 0);
        Assert.False(verified.TryGetProperty("broken", out _));
    }

    [Fact]
    public async Task Exports_hold_what_matches_with_hashes_and_older_pages_follow()
    {
        await world.Dashboard.AddUserAsync("exported-one", "viewer");
        await world.Dashboard.AddUserAsync("exported-two", "viewer");
        using var client = world.Dashboard.Client(Dashboard.Token);
        var csv = (await client.GetStringAsync("/api/v1/audit/export?format=csv&text=exported-")).Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        Assert.StartsWith("sequence,at,actor", csv[0], StringComparison.Ordinal);
        Assert.Equal(3, csv.Length);
        var lines = (await client.GetStringAsync("/api/v1/audit/export?format=jsonl&text=exported-one")).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var entry = JsonDocument.Parse(Assert.Single(lines)).RootElement;
        Assert.Equal(64, entry.GetProperty("hash").GetString()!.Length);
        Assert.Equal(HttpStatusCode.BadRequest, (await client.GetAsync("/api/v1/audit/export?format=pdf")).StatusCode);

        var newest = await client.GetFromJsonAsync<JsonElement>("/api/v1/audit?text=exported-&take=1");
        var older = await client.GetFromJsonAsync<JsonElement>($"/api/v1/audit?text=exported-&take=1&before={newest.GetProperty("next").GetInt64()}");
        Assert.Contains("exported-one", older.GetProperty("entries")[0].GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.False(older.TryGetProperty("next", out _));
    }
}
