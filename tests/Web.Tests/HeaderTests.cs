using Microsoft.Playwright;

namespace MigrationDashboard.Web.Tests;

public sealed class HeaderTests(World world)
{
    [Theory]
    [InlineData("/sign-in")]
    [InlineData("/app.css")]
    [InlineData("/api/v1/me")]
    [InlineData("/no-such-page")]
    public async Task Every_answer_carries_the_strict_headers(string path)
    {
        using var client = world.Dashboard.Client();
        var answer = await client.GetAsync(path);
        var policy = string.Join(';', answer.Headers.GetValues("Content-Security-Policy"));
        Assert.Contains("script-src 'self';", policy, StringComparison.Ordinal);
        Assert.Contains("frame-ancestors 'none'", policy, StringComparison.Ordinal);
        Assert.Single(answer.Headers.GetValues("Content-Security-Policy"));
        Assert.Equal("nosniff", Assert.Single(answer.Headers.GetValues("X-Content-Type-Options")));
        Assert.Equal("no-referrer", Assert.Single(answer.Headers.GetValues("Referrer-Policy")));
        Assert.True(answer.Headers.Contains("Permissions-Policy"));
        Assert.False(answer.Headers.Contains("Server"));
    }

    [Fact]
    public async Task No_request_leaves_the_server_and_the_console_stays_silent()
    {
        await using var window = await (await world.Chromium.OpenAsync(world.Dashboard)).SignInAsync();
        foreach (var path in new[] { "/", "/servers", "/schedule", "/audit", "/tokens", "/users", "/settings" }) await window.GoLiveAsync(path);
        await window.Page.GotoAsync("/account");
        await window.Page.WaitForLoadStateAsync(LoadState.NetworkIdle);
        var host = new Uri(world.Dashboard.Address).Authority;
        Assert.Contains(window.Requests, url => url.StartsWith("ws:", StringComparison.Ordinal));
        Assert.All(window.Requests, url => Assert.True(url.StartsWith("data:", StringComparison.Ordinal) || new Uri(url).Authority == host, url));
        Assert.Empty(window.Complaints);
    }

    [Fact]
    public async Task Forwarded_headers_are_believed_from_listed_proxies_only()
    {
        await using var trusting = await Dashboard.StartSeededAsync("--Proxies:0=127.0.0.1", "--SignIn:FailuresPerAddress=1");
        Assert.True(await SetsSecureCookieAsync(trusting));
        Assert.False(await SetsSecureCookieAsync(world.Dashboard));

        static async Task<bool> SetsSecureCookieAsync(Dashboard dashboard)
        {
            using var client = dashboard.Client();
            client.DefaultRequestHeaders.Add("X-Forwarded-Proto", "https");
            client.DefaultRequestHeaders.Add("X-Forwarded-Host", "dashboard.example.org");
            client.DefaultRequestHeaders.Add("X-Forwarded-For", "198.51.100.7");
            var answer = await client.GetAsync("/sign-in");
            Assert.Equal(answer.Headers.Contains("Strict-Transport-Security"), answer.Headers.GetValues("Set-Cookie").Any(c => c.Contains("secure", StringComparison.Ordinal)));
            return answer.Headers.Contains("Strict-Transport-Security");
        }
    }

    [Fact]
    public async Task Health_says_ok_without_signing_in()
    {
        using var client = world.Dashboard.Client();
        Assert.Contains("\"status\":\"ok\"", await client.GetStringAsync("/health"), StringComparison.Ordinal);
    }
}
