using System.Text;
using Microsoft.Playwright;
using MigrationDashboard.Infrastructure.Tests.Ssh;

namespace MigrationDashboard.Web.Tests.Pages;

public sealed class ServerPagesTests(World world)
{
    [Fact]
    public async Task A_closed_port_is_explained_and_nothing_is_registered()
    {
        await using var window = await (await world.Chromium.OpenAsync(world.Dashboard)).SignInAsync();
        await window.GoLiveAsync("/servers/register");
        await window.Page.GetByLabel("Host", new() { Exact = true }).FillAsync("127.0.0.1");
        await window.Page.GetByLabel("SSH port").FillAsync(SshServer.FreePort().ToString(System.Globalization.CultureInfo.InvariantCulture));
        await window.Page.GetByRole(AriaRole.Button, new() { Name = "Look at its host keys" }).ClickAsync();
        var alert = window.Page.Locator(".error-note");
        await Assertions.Expect(alert).ToContainTextAsync("127.0.0.1");
        await Assertions.Expect(alert).ToContainTextAsync("See that sshd runs there");
        await Assertions.Expect(window.Page.GetByText("Is it really this server?")).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task A_viewer_sees_servers_and_cannot_register_one()
    {
        await world.Dashboard.AddUserAsync("vito", "viewer");
        await using var window = await (await world.Chromium.OpenAsync(world.Dashboard)).SignInAsync("vito");
        await window.GoLiveAsync("/servers");
        await Assertions.Expect(window.Page.GetByRole(AriaRole.Link, new() { Name = "Register a server" })).ToHaveCountAsync(0);
        Assert.Equal(403, (await window.Page.GotoAsync("/servers/register"))!.Status);
    }
}
