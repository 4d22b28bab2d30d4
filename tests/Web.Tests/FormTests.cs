using Microsoft.Playwright;

namespace MigrationDashboard.Web.Tests;

/// <summary>Wrong input in every small form: the message is at the field, the first wrong field has the focus, nothing typed is lost, and a double click does it once.</summary>
public sealed class FormTests(World world)
{
    [Fact]
    public async Task A_user_without_name_or_with_a_short_password_is_refused_at_the_fields()
    {
        await using var window = await OpenAsync("/users");
        var page = window.Page;
        await page.GetByRole(AriaRole.Button, new() { Name = "Add user" }).DblClickAsync();
        var dialog = page.GetByRole(AriaRole.Dialog);
        await Assertions.Expect(dialog).ToHaveCountAsync(1);
        await dialog.GetByLabel("First password").FillAsync("short");
        await dialog.GetByRole(AriaRole.Button, new() { Name = "Add user" }).ClickAsync();
        await Assertions.Expect(dialog.GetByText("Give a name.")).ToBeVisibleAsync();
        await Assertions.Expect(dialog.GetByText("Use at least 12 characters")).ToBeVisibleAsync();
        await Assertions.Expect(dialog.GetByLabel("Name")).ToBeFocusedAsync();
        await dialog.GetByLabel("Name").FillAsync("double click");
        await dialog.GetByRole(AriaRole.Button, new() { Name = "Add user" }).ClickAsync();
        await Assertions.Expect(dialog.GetByText("Use letters, digits and . - _ @ + only.")).ToBeVisibleAsync();
        await dialog.GetByLabel("Name").FillAsync("double-click");
        await dialog.GetByLabel("First password").FillAsync(Dashboard.Password);
        await dialog.GetByRole(AriaRole.Button, new() { Name = "Add user" }).DblClickAsync();
        await Assertions.Expect(dialog).ToHaveCountAsync(0);
        await Assertions.Expect(page.GetByRole(AriaRole.Row).Filter(new() { HasText = "double-click" })).ToHaveCountAsync(1);
        Assert.Empty(window.Complaints);
    }

    [Fact]
    public async Task A_token_without_a_purpose_is_refused_at_its_field_and_a_double_click_makes_one()
    {
        await using var window = await OpenAsync("/tokens");
        var page = window.Page;
        await page.GetByRole(AriaRole.Button, new() { Name = "New token" }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Make token" }).ClickAsync();
        await Assertions.Expect(page.Locator("#token-name-errors .field-error")).ToBeVisibleAsync();
        await Assertions.Expect(page.GetByLabel("What is it for?")).ToBeFocusedAsync();
        await page.GetByLabel("What is it for?").FillAsync("made by a double click");
        await page.GetByRole(AriaRole.Button, new() { Name = "Make token" }).DblClickAsync();
        await page.Locator("#token-secret").WaitForAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Row).Filter(new() { HasText = "made by a double click" })).ToHaveCountAsync(1);
    }

    [Fact]
    public async Task A_span_of_the_audit_that_ends_before_it_begins_is_refused_at_its_field()
    {
        await using var window = await OpenAsync("/audit");
        var page = window.Page;
        await page.GetByLabel("From").FillAsync("2026-05-02");
        await page.GetByLabel("Until, included").FillAsync("2026-05-01");
        await page.GetByRole(AriaRole.Button, new() { Name = "Filter" }).ClickAsync();
        await Assertions.Expect(page.GetByText("The span ends before it begins")).ToBeVisibleAsync();
        await Assertions.Expect(page.GetByLabel("Until, included")).ToBeFocusedAsync();
        await Assertions.Expect(page.GetByLabel("From")).ToHaveValueAsync("2026-05-02");
    }

    private async Task<Window> OpenAsync(string path)
    {
        var window = await (await world.Chromium.OpenAsync(world.Dashboard)).SignInAsync();
        await window.GoLiveAsync(path);
        return window;
    }
}
