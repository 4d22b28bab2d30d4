using System.Net;
using Microsoft.Playwright;

namespace MigrationDashboard.Web.Tests;

public sealed class SignInTests(World world)
{
    [Fact]
    public async Task The_right_password_leads_to_the_page_that_was_asked_for()
    {
        await using var window = await world.Chromium.OpenAsync(world.Dashboard);
        await window.Page.GotoAsync("/tokens");
        await Assertions.Expect(window.Page).ToHaveTitleAsync("Sign in · MigrationDashboard");
        await window.SignInAsync(path: "/tokens");
        await Assertions.Expect(window.Page.GetByRole(AriaRole.Heading, new() { Name = "API tokens" })).ToBeVisibleAsync();
    }

    [Fact]
    public async Task A_wrong_password_is_refused_without_saying_what_was_wrong()
    {
        await using var window = await world.Chromium.OpenAsync(world.Dashboard);
        await window.SignInAsync(password: "not the password");
        await Assertions.Expect(window.Page.GetByRole(AriaRole.Alert)).ToHaveTextAsync("The name or the password is wrong.");
        await window.SignInAsync(name: "nobody-of-that-name");
        await Assertions.Expect(window.Page.GetByRole(AriaRole.Alert)).ToHaveTextAsync("The name or the password is wrong.");
        Assert.DoesNotContain(await window.Context.CookiesAsync(), c => c.Name == "migration-dashboard");
    }

    [Fact]
    public async Task The_session_cookie_cannot_be_read_by_scripts_nor_sent_from_elsewhere()
    {
        await using var window = await (await world.Chromium.OpenAsync(world.Dashboard)).SignInAsync();
        var cookie = Assert.Single(await window.Context.CookiesAsync(), c => c.Name == "migration-dashboard");
        Assert.True(cookie.HttpOnly);
        Assert.Equal(SameSiteAttribute.Lax, cookie.SameSite);
    }

    [Fact]
    public async Task Signing_out_ends_the_session()
    {
        await using var window = await (await world.Chromium.OpenAsync(world.Dashboard)).SignInAsync();
        await window.GoLiveAsync("/");
        await window.Page.GetByRole(AriaRole.Button, new() { Name = "Sign out" }).ClickAsync();
        await Assertions.Expect(window.Page.GetByRole(AriaRole.Heading)).ToHaveTextAsync("Sign in");
        await window.Page.GotoAsync("/tokens");
        await Assertions.Expect(window.Page).ToHaveTitleAsync("Sign in · MigrationDashboard");
    }

    [Theory]
    [InlineData("//evil.example/")]
    [InlineData("https://evil.example/")]
    [InlineData("/\\evil.example/")]
    public async Task A_return_address_elsewhere_is_ignored(string path)
    {
        await using var window = await (await world.Chromium.OpenAsync(world.Dashboard)).SignInAsync(path: path);
        await Assertions.Expect(window.Page.GetByRole(AriaRole.Heading, new() { Name = "Overview" })).ToBeVisibleAsync();
        Assert.All(window.Requests, url => Assert.DoesNotContain("//evil.example", url.Split('?')[0], StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("/sign-in", "_handler=sign-in&Input.Name=ada&Input.Password=x")]
    [InlineData("/sign-out", "")]
    public async Task A_form_without_the_antiforgery_token_gets_400(string path, string body)
    {
        using var client = world.Dashboard.Client();
        using var form = new StringContent(body, null, "application/x-www-form-urlencoded");
        var answer = await client.PostAsync(path, form);
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Contains("The form could not be read", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Too_many_failed_tries_close_the_account_for_a_while_and_no_other()
    {
        await using var dashboard = await Dashboard.StartSeededAsync("--SignIn:FailuresPerAccount=3");
        await dashboard.AddUserAsync("bob", "viewer");
        await using var window = await world.Chromium.OpenAsync(dashboard);
        for (var i = 0; i < 3; i++)
        {
            await window.SignInAsync(password: "not the password");
            await Assertions.Expect(window.Page.GetByRole(AriaRole.Alert)).ToHaveTextAsync("The name or the password is wrong.");
        }
        // Even the right password must wait now.
        await window.SignInAsync();
        await Assertions.Expect(window.Page.GetByRole(AriaRole.Alert)).ToContainTextAsync("Try again in 15 minutes");
        await window.SignInAsync(name: "bob");
        await Assertions.Expect(window.Page.GetByRole(AriaRole.Heading, new() { Name = "Overview" })).ToBeVisibleAsync();
    }

    [Fact]
    public async Task Too_many_failed_tries_from_one_address_close_it_for_every_account()
    {
        await using var dashboard = await Dashboard.StartSeededAsync("--SignIn:FailuresPerAddress=3");
        await using var window = await world.Chromium.OpenAsync(dashboard);
        foreach (var name in new[] { "a", "b", "c" }) await window.SignInAsync(name: name);
        await window.SignInAsync();
        await Assertions.Expect(window.Page.GetByRole(AriaRole.Alert)).ToContainTextAsync("Too many failed tries");
    }
}
