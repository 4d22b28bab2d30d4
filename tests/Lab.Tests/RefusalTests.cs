using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using MigrationDashboard.Core.Stages;
using Xunit;

namespace MigrationDashboard.Lab.Tests;

/// <summary>Bad input, each with its own clear error and nothing changed on the servers.</summary>
public sealed class RefusalTests(LabFixture fixture)
{
    [Fact]
    public async Task A_port_list_with_rubbish_names_every_mistake()
    {
        var response = await fixture.Dashboard.TryPostAsync("migrations", fixture.Mail("rubbish") with { Ports = "25,,99999,abc; reboot" });

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        var errors = (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("errors").GetProperty("ports").EnumerateArray().Select(error => error.GetString()).ToList();
        Assert.Contains(errors, error => error!.Contains("empty place", StringComparison.Ordinal));
        Assert.Contains(errors, error => error!.Contains("99999", StringComparison.Ordinal));
        Assert.Contains(errors, error => error!.Contains("abc;", StringComparison.Ordinal));
        Assert.Contains(errors, error => error!.Contains("reboot", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_same_server_twice_is_refused_at_its_field()
    {
        var response = await fixture.Dashboard.TryPostAsync("migrations", fixture.Mail("same") with { NewServer = fixture.Old });

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.True((await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("errors").TryGetProperty("newServer", out _));
    }

    [Fact]
    public async Task An_account_without_sudo_is_not_registered()
    {
        var error = await Assert.ThrowsAsync<HttpRequestException>(() => fixture.Dashboard.RegisterAsync("nobody", "2001:db8:113::10", fixture.Key, "nosudo"));

        Assert.Contains("NoSudo", error.Message, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task A_server_that_does_not_answer_is_named()
    {
        var response = await fixture.Dashboard.TryPostAsync("servers/look", new { host = fixture.Lab.Fact("LAB_OLD"), port = 23 });

        Assert.Equal(HttpStatusCode.UnprocessableEntity, response.StatusCode);
        Assert.Contains("nothing listens", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_container_that_does_not_exist_stops_the_link_stage_before_anything_is_changed()
    {
        var id = await fixture.Dashboard.AddMigrationAsync(fixture.Mail("no such container") with { Ports = "8443", Workload = new() { Kind = "docker", Container = "nothere" } });
        await fixture.Dashboard.MustAsync(id, Stage.Preflight);
        var run = await fixture.Dashboard.RunAsync(id, Stage.Link);

        Assert.Equal(RunState.Reverted, run.State);
        Assert.Contains("nothere", run.Error, StringComparison.Ordinal);
        foreach (var host in new[] { "old", "new" })
            Assert.Equal("", (await fixture.Lab.ShellAsync(host, "nft list ruleset | grep md_ || true")).Trim());
        Assert.Equal(HttpStatusCode.NoContent, (await fixture.Dashboard.Http.DeleteAsync($"migrations/{id}")).StatusCode);
    }
}
