using Microsoft.Playwright;
using MigrationDashboard.Core.Users;

namespace MigrationDashboard.Web.Tests;

public sealed class SecondFactorTests(World world)
{
    [Fact]
    public async Task A_code_of_the_app_is_asked_for_and_works_once()
    {
        await world.Dashboard.AddUserAsync("tina", "operator");
        await using var window = await (await world.Chromium.OpenAsync(world.Dashboard)).SignInAsync("tina", path: "/account");
        var (secret, used, recovery) = await TurnOnAsync(window.Page);
        Assert.Equal(10, recovery.Count);

        // The code that turned it on is spent; the next one is good, once.
        await using var other = await (await world.Chromium.OpenAsync(world.Dashboard)).SignInAsync("tina");
        await EnterAsync(other.Page, used);
        await Assertions.Expect(other.Page.GetByRole(AriaRole.Alert)).ToContainTextAsync("wrong or was used already");
        var next = Totp.CodeFor(secret, Totp.StepAt(DateTimeOffset.UtcNow) + 1);
        await EnterAsync(other.Page, next);
        await Assertions.Expect(other.Page.GetByRole(AriaRole.Heading, new() { Name = "Overview" })).ToBeVisibleAsync();

        await using var replay = await (await world.Chromium.OpenAsync(world.Dashboard)).SignInAsync("tina");
        await EnterAsync(replay.Page, next);
        await Assertions.Expect(replay.Page.GetByRole(AriaRole.Alert)).ToContainTextAsync("wrong or was used already");

        // A recovery code helps whoever lost the phone; also once.
        await EnterAsync(replay.Page, recovery[0]);
        await Assertions.Expect(replay.Page.GetByRole(AriaRole.Heading, new() { Name = "Overview" })).ToBeVisibleAsync();
        await using var again = await (await world.Chromium.OpenAsync(world.Dashboard)).SignInAsync("tina");
        await EnterAsync(again.Page, recovery[0]);
        await Assertions.Expect(again.Page.GetByRole(AriaRole.Alert)).ToContainTextAsync("wrong or was used already");
    }

    [Fact]
    public async Task The_password_alone_opens_nothing()
    {
        await world.Dashboard.AddUserAsync("theo", "operator");
        await using (var window = await (await world.Chromium.OpenAsync(world.Dashboard)).SignInAsync("theo", path: "/account"))
            await TurnOnAsync(window.Page);
        await using var other = await (await world.Chromium.OpenAsync(world.Dashboard)).SignInAsync("theo");
        await Assertions.Expect(other.Page.GetByLabel("Code of your authenticator app")).ToBeVisibleAsync();
        await other.Page.GotoAsync("/tokens");
        await Assertions.Expect(other.Page).ToHaveTitleAsync("Sign in · MigrationDashboard");
    }

    [Fact]
    public async Task An_administrator_takes_off_a_lost_second_factor()
    {
        await world.Dashboard.AddUserAsync("lena", "operator");
        await using var window = await (await world.Chromium.OpenAsync(world.Dashboard)).SignInAsync("lena", path: "/account");
        await TurnOnAsync(window.Page);

        await using var administrator = await (await world.Chromium.OpenAsync(world.Dashboard)).SignInAsync();
        await administrator.GoLiveAsync("/users");
        await administrator.Page.GetByRole(AriaRole.Row, new() { Name = "lena" }).GetByRole(AriaRole.Button, new() { Name = "Reset second factor" }).ClickAsync();
        await administrator.Page.GetByRole(AriaRole.Dialog).GetByRole(AriaRole.Button, new() { Name = "Reset second factor" }).ClickAsync();
        await Assertions.Expect(administrator.Page.GetByText("The second factor of lena is off.")).ToBeVisibleAsync();

        await using var other = await (await world.Chromium.OpenAsync(world.Dashboard)).SignInAsync("lena");
        await Assertions.Expect(other.Page.GetByRole(AriaRole.Heading, new() { Name = "Overview" })).ToBeVisibleAsync();
    }

    private static async Task EnterAsync(IPage page, string code)
    {
        await page.GetByLabel("Code of your authenticator app").FillAsync(code);
        await page.GetByRole(AriaRole.Button, new() { Name = "Continue" }).ClickAsync();
    }

    /// <summary>On the account page: reads the key as a person would, types its code, notes the recovery codes.</summary>
    private static async Task<(byte[] Secret, string Code, IReadOnlyList<string> Recovery)> TurnOnAsync(IPage page)
    {
        await page.Locator(".qr svg").WaitForAsync();
        var secret = FromBase32((await page.Locator("code.key").InnerTextAsync()).Replace(" ", "", StringComparison.Ordinal));
        // A wrong code first: the key shown must stay the same.
        await page.GetByLabel("Code shown by the app").FillAsync("000000");
        await page.GetByRole(AriaRole.Button, new() { Name = "Turn on second factor" }).ClickAsync();
        await Assertions.Expect(page.GetByText("This code does not fit the key.")).ToBeVisibleAsync();
        var code = Totp.CodeFor(secret, Totp.StepAt(DateTimeOffset.UtcNow));
        await page.GetByLabel("Code shown by the app").FillAsync(code);
        await page.GetByRole(AriaRole.Button, new() { Name = "Turn on second factor" }).ClickAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Status)).ToContainTextAsync("The second factor is on");
        return (secret, code, await page.Locator(".recovery-codes code").AllInnerTextsAsync());
    }

    private static byte[] FromBase32(string text)
    {
        List<byte> bytes = [];
        int buffer = 0, bits = 0;
        foreach (var c in text)
        {
            buffer = (buffer << 5) | "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".IndexOf(c, StringComparison.Ordinal);
            bits += 5;
            if (bits < 8) continue;
            bits -= 8;
            bytes.Add((byte)(buffer >> bits));
            buffer &= (1 << bits) - 1;
        }
        return [.. bytes];
    }
}
