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
        // A dashboard of its own: on the shared one other tests have registered this address already.
        await using var dashboard = await Dashboard.StartSeededAsync();
        using var api = dashboard.Client(Dashboard.Token);
        await Site.KeyAsync(api, ssh);
        await using var window = await (await world.Chromium.OpenAsync(dashboard)).SignInAsync();
        var page = window.Page;
        await window.GoLiveAsync("/servers/register");
        await FillAsync(page, "by-hand", "127.0.0.2");
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
        await Assertions.Expect(page.GetByLabel("The fingerprints agree")).ToBeFocusedAsync();
        await page.GetByLabel("The fingerprints agree").CheckAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Test and register" }).ClickAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Heading, new() { Name = "by-hand" })).ToBeVisibleAsync();

        await page.GetByRole(AriaRole.Button, new() { Name = "Read the server" }).ClickAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Firewalls" })).ToBeVisibleAsync(new() { Timeout = 60_000 });
        await Assertions.Expect(page.GetByText((await Shell.CheckedAsync("uname", ["-r"])).Trim()).First).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Test connection" }).ClickAsync();
        await Assertions.Expect(page.GetByText("The connection works")).ToBeVisibleAsync();

        // The same server again is refused at its field, and nothing typed is lost.
        await window.GoLiveAsync("/servers/register");
        await FillAsync(page, "once-more", "127.0.0.1");
        await page.GetByRole(AriaRole.Button, new() { Name = "Look at its host keys" }).ClickAsync();
        await page.GetByLabel("The dashboard's key").SelectOptionAsync(new SelectOptionValue { Label = $"lab · {ssh.Key.Fingerprint}" });
        await page.GetByLabel("The fingerprints agree").CheckAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Test and register" }).ClickAsync();
        await Assertions.Expect(page.Locator(".field-error")).ToContainTextAsync("registered already");
        await Assertions.Expect(page.GetByLabel("Host", new() { Exact = true })).ToBeFocusedAsync();
        await Assertions.Expect(page.GetByLabel("Name", new() { Exact = true })).ToHaveValueAsync("once-more");

        await window.GoLiveAsync("/servers");
        await page.GetByRole(AriaRole.Link, new() { Name = "by-hand" }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Remove" }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Remove by-hand" }).ClickAsync();
        await page.WaitForURLAsync("**/servers");
        await Assertions.Expect(page.GetByRole(AriaRole.Link, new() { Name = "by-hand" })).ToHaveCountAsync(0);

        var log = await api.GetStringAsync("/api/v1/audit?host=by-hand&action=server");
        foreach (var action in new[] { "server.register", "server.read", "server.test", "server.remove" })
            Assert.Contains(action, log, StringComparison.Ordinal);

        async Task FillAsync(IPage form, string name, string host)
        {
            await form.GetByLabel("Name", new() { Exact = true }).FillAsync(name);
            await form.GetByLabel("Host", new() { Exact = true }).FillAsync(host);
            await form.GetByLabel("SSH port").FillAsync(ssh.Port.ToString(System.Globalization.CultureInfo.InvariantCulture));
            await form.GetByLabel("Account").FillAsync(ssh.Sudoer);
        }
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
