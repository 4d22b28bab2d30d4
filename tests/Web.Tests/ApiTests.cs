using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Playwright;

namespace MigrationDashboard.Web.Tests;

public sealed class ApiTests(World world)
{
    [Fact]
    public async Task Without_a_token_the_answer_is_401_as_problem_details_and_no_redirect()
    {
        foreach (var client in new[] { world.Dashboard.Client(), world.Dashboard.Client("mdt_unknown") })
            using (client)
            {
                var answer = await client.GetAsync("/api/v1/me");
                Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
                Assert.Equal("application/problem+json", answer.Content.Headers.ContentType?.MediaType);
            }
    }

    [Fact]
    public async Task A_token_says_who_it_acts_for()
    {
        using var client = world.Dashboard.Client(Dashboard.Token);
        var me = await client.GetFromJsonAsync<JsonElement>("/api/v1/me");
        Assert.Equal(Dashboard.Administrator, me.GetProperty("name").GetString());
        Assert.Equal("administrator", me.GetProperty("role").GetString());
    }

    [Fact]
    public async Task A_viewers_token_reads_and_does_not_write()
    {
        using var viewer = world.Dashboard.Client(await NewTokenAsync("viewer"));
        Assert.Equal(HttpStatusCode.OK, (await viewer.GetAsync("/api/v1/tokens")).StatusCode);
        foreach (var path in new[] { "/api/v1/tokens", "/api/v1/users" })
        {
            var answer = await viewer.PostAsJsonAsync(path, new { name = "x", role = "viewer", days = 1, password = Dashboard.Password });
            Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
            Assert.Equal("application/problem+json", answer.Content.Headers.ContentType?.MediaType);
        }
    }

    [Fact]
    public async Task A_revoked_token_is_refused_at_once()
    {
        using var administrator = world.Dashboard.Client(Dashboard.Token);
        var made = await (await administrator.PostAsJsonAsync("/api/v1/tokens", new { name = "short-lived", role = "operator", days = 1 })).Content.ReadFromJsonAsync<JsonElement>();
        using var client = world.Dashboard.Client(made.GetProperty("secret").GetString());
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/api/v1/me")).StatusCode);
        Assert.Equal(HttpStatusCode.NoContent, (await administrator.DeleteAsync($"/api/v1/tokens/{made.GetProperty("token").GetProperty("id").GetString()}")).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await client.GetAsync("/api/v1/me")).StatusCode);
    }

    [Fact]
    public async Task A_token_loses_the_rights_its_owner_loses()
    {
        await world.Dashboard.AddUserAsync("olga", "operator");
        using var administrator = world.Dashboard.Client(Dashboard.Token);
        var users = await administrator.GetFromJsonAsync<JsonElement>("/api/v1/users");
        var id = users.EnumerateArray().First(u => u.GetProperty("name").GetString() == "olga").GetProperty("id").GetString();

        await using var window = await (await world.Chromium.OpenAsync(world.Dashboard)).SignInAsync("olga");
        var secret = await MakeTokenOnPageAsync(window.Page, "Operator");
        using var client = world.Dashboard.Client(secret);
        Assert.Equal("operator", (await client.GetFromJsonAsync<JsonElement>("/api/v1/me")).GetProperty("role").GetString());

        Assert.True((await administrator.PatchAsJsonAsync($"/api/v1/users/{id}", new { role = "viewer" })).IsSuccessStatusCode);
        Assert.Equal("viewer", (await client.GetFromJsonAsync<JsonElement>("/api/v1/me")).GetProperty("role").GetString());
        // Her open session has ended too.
        await window.Page.GotoAsync("/tokens");
        await Assertions.Expect(window.Page).ToHaveTitleAsync("Sign in · MigrationDashboard");

        Assert.True((await administrator.PatchAsJsonAsync($"/api/v1/users/{id}", new { disabled = true })).IsSuccessStatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await client.GetAsync("/api/v1/me")).StatusCode);
    }

    [Fact]
    public async Task Wrong_input_is_named_by_field()
    {
        using var client = world.Dashboard.Client(Dashboard.Token);
        var answer = await client.PostAsJsonAsync("/api/v1/users", new { name = "no spaces please", password = "short", role = "viewer" });
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        var errors = (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("errors");
        Assert.True(errors.TryGetProperty("name", out _));
        Assert.True(errors.TryGetProperty("password", out _));

        using var nonsense = new StringContent("{ nonsense", null, "application/json");
        var unreadable = await client.PostAsync("/api/v1/users", nonsense);
        Assert.Equal(HttpStatusCode.BadRequest, unreadable.StatusCode);
        Assert.Equal("application/problem+json", unreadable.Content.Headers.ContentType?.MediaType);
        Assert.Equal(HttpStatusCode.NotFound, (await client.GetAsync("/api/v1/no-such-thing")).StatusCode);
    }

    [Fact]
    public async Task The_last_administrator_cannot_be_lost()
    {
        using var client = world.Dashboard.Client(Dashboard.Token);
        var me = await client.GetFromJsonAsync<JsonElement>("/api/v1/me");
        foreach (object change in new object[] { new { role = "viewer" }, new { disabled = true } })
            Assert.Equal(HttpStatusCode.BadRequest, (await client.PatchAsJsonAsync($"/api/v1/users/{me.GetProperty("id").GetString()}", change)).StatusCode);
        Assert.Equal("administrator", (await client.GetFromJsonAsync<JsonElement>("/api/v1/me")).GetProperty("role").GetString());
    }

    [Fact]
    public async Task A_session_writes_by_the_api_only_from_our_own_pages()
    {
        await using var window = await (await world.Chromium.OpenAsync(world.Dashboard)).SignInAsync();
        const string Fetch = "() => fetch('/api/v1/tokens', {method: 'POST', headers: {'Content-Type': 'application/json'}, body: '{\"name\":\"page\",\"role\":\"viewer\",\"days\":1}'}).then(r => r.status)";
        Assert.Equal(201, await window.Page.EvaluateAsync<int>(Fetch));

        var session = (await window.Context.CookiesAsync()).Single(c => c.Name == "migration-dashboard");
        using var client = world.Dashboard.Client();
        client.DefaultRequestHeaders.Add("Cookie", $"migration-dashboard={session.Value}");
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/api/v1/me")).StatusCode);
        client.DefaultRequestHeaders.Add("Sec-Fetch-Site", "cross-site");
        Assert.Equal(HttpStatusCode.Forbidden, (await client.PostAsJsonAsync("/api/v1/tokens", new { name = "elsewhere", role = "viewer", days = 1 })).StatusCode);
    }

    [Fact]
    public async Task The_document_describes_every_path_and_the_token()
    {
        using var client = world.Dashboard.Client();
        var document = await client.GetFromJsonAsync<JsonElement>("/openapi/v1.json");
        var paths = document.GetProperty("paths").EnumerateObject().Select(p => p.Name.TrimEnd('/')).ToList();
        foreach (var path in new[] { "/api/v1/me", "/api/v1/users", "/api/v1/tokens" }) Assert.Contains(path, paths);
        Assert.Equal("bearer", document.GetProperty("components").GetProperty("securitySchemes").GetProperty("token").GetProperty("scheme").GetString());
    }

    [Fact]
    public async Task Metrics_need_a_token_and_are_readable_by_prometheus()
    {
        using var stranger = world.Dashboard.Client();
        Assert.Equal(HttpStatusCode.Unauthorized, (await stranger.GetAsync("/metrics")).StatusCode);
        using var client = world.Dashboard.Client(await NewTokenAsync("viewer"));
        var text = await client.GetStringAsync("/metrics");
        Assert.Matches(@"(?m)^# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total [0-9.]+$", text);
        Assert.Matches(@"(?m)^dotnet_gc_collections_total\{generation=""2""\} \d+$", text);
    }

    private static async Task<string> MakeTokenOnPageAsync(IPage page, string role)
    {
        await page.GotoAsync("/tokens");
        await page.Locator("html[data-live]").WaitForAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "New token" }).ClickAsync();
        await page.GetByLabel("What is it for?").FillAsync("made on the page");
        await page.GetByLabel("Role").SelectOptionAsync(role);
        await page.GetByRole(AriaRole.Button, new() { Name = "Make token" }).ClickAsync();
        return await page.Locator("#token-secret").InnerTextAsync();
    }

    private async Task<string> NewTokenAsync(string role)
    {
        using var client = world.Dashboard.Client(Dashboard.Token);
        var made = await (await client.PostAsJsonAsync("/api/v1/tokens", new { name = $"for a test, {role}", role, days = 1 })).Content.ReadFromJsonAsync<JsonElement>();
        return made.GetProperty("secret").GetString()!;
    }
}
