using System.Text.Json;
using MigrationDashboard.Core.Stages;
using MigrationDashboard.Driver;
using Xunit;

namespace MigrationDashboard.Lab.Tests;

/// <summary>Servers with ufw on: it drops by default, and whoever reloads it takes all of its rules away for a moment.</summary>
public sealed class UfwTests(LabFixture fixture, ITestOutputHelper output) : LabTest(fixture, output)
{
    // As an administrator opens them for what runs there.
    private const string Ports = "22/tcp 25/tcp 587/tcp 8025/tcp 8053/udp 2525/tcp 5353/udp";

    // /etc/ufw/sysctl.conf
    private const string Sysctls = @"conf\.(all|default)\.(accept_redirects|log_martians)$";

    private static readonly string[] Hosts = ["old", "new"];

    [Fact]
    public async Task A_reload_of_ufw_fails_nobody_who_is_forwarded_and_leaves_what_was_opened()
    {
        foreach (var host in Hosts)
            await Fixture.Lab.ShellAsync(host, $"iptables-save >/run/rules4; ip6tables-save >/run/rules6; sysctl -ar '{Sysctls}' >/run/sysctls; for port in {Ports}; do ufw allow $port; done; ufw --force enable");
        var id = await Fixture.Dashboard.AddMigrationAsync(Fixture.Echo("ufw", LabFixture.Kind));
        foreach (var stage in new[] { Stage.Preflight, Stage.Link, Stage.Forward, Stage.Dns, Stage.Drain })
            await Fixture.Dashboard.MustAsync(id, stage);
        var opened = await Fixture.Lab.ShellAsync("new", "ufw show added | grep md_");
        Assert.NotEqual("", opened.Trim());

        await using var load = Load.Start(Fixture.Lab,
            [.. from fact in new[] { "LAB_OLD", "LAB_NEW" } from argument in new[] { "--target", $"{Fixture.Lab.Fact(fact)}:8025/tcp", "--target", $"[{Fixture.Lab.Fact(fact + "6")}]:8025/tcp" } select argument,
             "--from", "198.51.100.2-198.51.100.41", "--from", "2001:db8:100::2-2001:db8:100::9", "--rate", "80", "--duration", "110"]);
        await Task.Delay(2000);
        for (var round = 0; round < 3; round++)
            foreach (var host in Hosts)
                Assert.Contains("Firewall reloaded", await Fixture.Lab.ShellAsync(host, "ufw reload"), StringComparison.Ordinal);
        var summary = await load.StopAsync();

        Assert.True(summary.GetProperty("failed").GetInt32() == 0 && summary.GetProperty("wrong_source").GetInt32() == 0, summary.GetRawText());
        Assert.InRange(summary.GetProperty("ok").GetInt32(), 200, int.MaxValue);
        Assert.Equal(opened, await Fixture.Lab.ShellAsync("new", "ufw show added | grep md_"));
        Assert.All((await Fixture.Dashboard.GetAsync<JsonElement>($"migrations/{id}/hosts")).EnumerateArray(), host => Assert.True(host.GetProperty("agrees").GetBoolean(), host.GetRawText()));

        foreach (var stage in new[] { Stage.Dns, Stage.Forward, Stage.Link, Stage.Preflight })
            await Fixture.Dashboard.MustAsync(id, stage, Direction.Rollback);
        foreach (var host in Hosts)
            Assert.Equal("", (await Fixture.Lab.ShellAsync(host, "ufw show added | grep md_ || true")).Trim());
    }

    /// <summary>As it was: ufw leaves its chains and its sysctls behind when it is disabled, and only until the next reboot.</summary>
    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        foreach (var host in Hosts)
            await Fixture.Lab.ShellAsync(host, $"ufw --force disable; for port in {Ports}; do ufw delete allow $port; done; iptables-restore </run/rules4; ip6tables-restore </run/rules6; sysctl -qp /run/sysctls");
    }
}
