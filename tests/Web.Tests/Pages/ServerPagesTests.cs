using System.Text;
using Microsoft.Playwright;
using MigrationDashboard.Infrastructure.Tests.Ssh;

namespace MigrationDashboard.Web.Tests.Pages;

public sealed class ServerPagesTests(World world, SshServer ssh)
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
    public async Task A_server_is_pinned_registered_read_and_removed()
    {
        using (var client = world.Dashboard.Client(Dashboard.Token))
            await Site.KeyAsync(client, ssh);
        await using var window = await (await world.Chromium.OpenAsync(world.Dashboard)).SignInAsync();
        var page = window.Page;
        await window.GoLiveAsync("/servers/register");
        await page.GetByLabel("Name", new() { Exact = true }).FillAsync("by-hand");
        await page.GetByLabel("Host", new() { Exact = true }).FillAsync("ip6-localhost-is-not-it");
        await page.GetByLabel("Host", new() { Exact = true }).FillAsync("127.0.0.2");
        await page.GetByLabel("SSH port").FillAsync(ssh.Port.ToString(System.Globalization.CultureInfo.InvariantCulture));
        await page.GetByLabel("Account").FillAsync(ssh.Sudoer);
        await page.GetByRole(AriaRole.Button, new() { Name = "Look at its host keys" }).ClickAsync();
        // The tests' sshd listens on 127.0.0.1 only.
        await Assertions.Expect(page.Locator(".error-note")).ToBeVisibleAsync();
        await page.GetByLabel("Host", new() { Exact = true }).FillAsync("127.0.0.1");
        await page.GetByRole(AriaRole.Button, new() { Name = "Look at its host keys" }).ClickAsync();
        await Assertions.Expect(page.GetByText(ssh.HostKey.Fingerprint)).ToBeVisibleAsync();

        await page.GetByLabel("The dashboard's key").SelectOptionAsync(new SelectOptionValue { Label = $"lab · {ssh.Key.Fingerprint}" });
        await Assertions.Expect(page.Locator("#sudo-line")).ToHaveTextAsync($"{ssh.Sudoer} ALL=(root) NOPASSWD: /bin/sh -s -- migration-dashboard");
        await Assertions.Expect(page.Locator("#authorise-line")).ToContainTextAsync(">> ~/.ssh/authorized_keys");
        await page.GetByRole(AriaRole.Button, new() { Name = "Test and register" }).ClickAsync();
        await Assertions.Expect(page.GetByText("compare the server's host key and accept it")).ToBeVisibleAsync();
        await page.GetByLabel("The fingerprints agree").CheckAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Test and register" }).ClickAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Heading, new() { Name = "by-hand" })).ToBeVisibleAsync();

        await page.GetByRole(AriaRole.Button, new() { Name = "Read the server" }).ClickAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Firewalls" })).ToBeVisibleAsync(new() { Timeout = 60_000 });
        await Assertions.Expect(page.GetByText(await Shell.CheckedAsync("uname", ["-r"]) is var kernel ? kernel.Trim() : "").First).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Test connection" }).ClickAsync();
        await Assertions.Expect(page.GetByText("The connection works")).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Remove" }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Remove by-hand" }).ClickAsync();
        await page.WaitForURLAsync("**/servers");
        await Assertions.Expect(page.GetByRole(AriaRole.Link, new() { Name = "by-hand" })).ToHaveCountAsync(0);

        using var api = world.Dashboard.Client(Dashboard.Token);
        var log = await api.GetStringAsync("/api/v1/audit?host=by-hand&action=server");
        foreach (var action in new[] { "server.register", "server.read", "server.test", "server.remove" })
            Assert.Contains(action, log, StringComparison.Ordinal);
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
