using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using MigrationDashboard.Core.Servers;
using MigrationDashboard.Core.Stages;
using Xunit;

namespace MigrationDashboard.Lab.Tests;

/// <summary>Bad input, each with its own clear error and nothing changed on the servers.</summary>
public sealed class RefusalTests(LabFixture fixture, ITestOutputHelper output) : LabTest(fixture, output)
{
    [Fact]
    public async Task A_port_list_with_rubbish_names_every_mistake()
    {
        var response = await Fixture.Dashboard.TryPostAsync("migrations", Fixture.Mail("rubbish") with { Ports = "25,,99999,abc; reboot" });

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
        var response = await Fixture.Dashboard.TryPostAsync("migrations", Fixture.Mail("same") with { NewServer = Fixture.Old });

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.True((await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("errors").TryGetProperty("newServer", out _));
    }

    [Fact]
    public async Task An_account_without_sudo_is_not_registered()
    {
        var error = await Assert.ThrowsAsync<HttpRequestException>(() => Fixture.Dashboard.RegisterAsync("nobody", "2001:db8:113::10", Fixture.Key, "nosudo"));

        Assert.Contains("NoSudo", error.Message, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task A_server_that_does_not_answer_is_named()
    {
        var response = await Fixture.Dashboard.TryPostAsync("servers/look", new { host = Fixture.Lab.Fact("LAB_OLD"), port = 23 });

        Assert.Equal(HttpStatusCode.UnprocessableEntity, response.StatusCode);
        Assert.Contains("nothing listens", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_is_not_there_is_named()
    {
        var response = await Fixture.Dashboard.TryPostAsync("servers/look", new { host = "203.0.113.99", port = 22 });

        Assert.Equal(HttpStatusCode.UnprocessableEntity, response.StatusCode);
        Assert.Contains("203.0.113.99", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_key_the_server_does_not_take_is_said_to_be_refused()
    {
        var stranger = (await Fixture.Dashboard.PostAsync<JsonElement>("keys", new { name = "stranger" })).GetProperty("id").GetGuid();
        var error = await Assert.ThrowsAsync<HttpRequestException>(() => Fixture.Dashboard.RegisterAsync("stranger", "2001:db8:113::10", stranger));

        Assert.Contains("AuthenticationFailed", error.Message, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task Another_host_key_than_the_one_pinned_stops_everything_before_anything_is_sent()
    {
        var keyOfNew = (await Fixture.Dashboard.PostAsync<JsonElement>("servers/look", new { host = Fixture.Lab.Fact("LAB_NEW"), port = 22 }))[0].GetProperty("key").GetString();
        var before = await LoginsAsync();
        var response = await Fixture.Dashboard.TryPostAsync("servers", new { name = "impostor", host = "2001:db8:113::10", port = 22, user = "migrate", keyId = Fixture.Key, hostKeys = new[] { keyOfNew } });

        Assert.Equal(HttpStatusCode.UnprocessableEntity, response.StatusCode);
        Assert.Contains("host key", await response.Content.ReadAsStringAsync(), StringComparison.OrdinalIgnoreCase);
        Assert.Equal(before, await LoginsAsync());

        async Task<string> LoginsAsync() => await Fixture.Lab.ShellAsync("old", "journalctl -q --no-pager -t sshd -g 'Accepted .* 2001:db8' | wc -l");
    }

    public static TheoryData<string, string, string, string> Obstacles => new()
    {
        { "link.interface", "", "", "there is no interface eth9" },
        { "link.address", "", "", "10.77.0.99 is on no interface" },
        { "port", "systemd-run -q --unit=md-squatter /usr/local/bin/lab-echo --tcp 8025", "systemctl stop md-squatter", "8025/tcp is in use by" },
        { "subnet", "docker network create --subnet 10.77.0.0/25 md-clash", "docker network rm md-clash", "overlaps Docker's network md-clash" },
        { "mark", "ip rule add pref 90 fwmark 0x10000/0xff0000 lookup main; ip rule add pref 91 fwmark 0x1000000/0xf000000 lookup main", "ip rule del pref 90; ip rule del pref 91", "ip rule 90" },
        { "table", "for t in $(seq 7301 7340); do ip route add blackhole 192.0.2.99 table $t; done", "for t in $(seq 7301 7340); do ip route flush table $t; done", "is in use by somebody else" },
        { "preference", "for p in $(seq 3010 3400); do ip rule add pref $p from 192.0.2.99 lookup main; done", "for p in $(seq 3010 3400); do ip rule del pref $p; done", "taken by somebody else" },
        { "cilium", "ip link add cilium_host type bridge", "ip link del cilium_host", "Cilium" },
    };

    [Theory]
    [MemberData(nameof(Obstacles))]
    public async Task What_stands_in_the_way_on_a_server_is_named_and_nothing_is_changed(string what, string make, string undo, string said)
    {
        var input = Fixture.Echo("obstacle " + what, LinkKind.Existing);
        input = what switch
        {
            "link.interface" => input with { Link = input.Link! with { OldInterface = "eth9" } },
            "link.address" => input with { Link = input.Link! with { OldIpv4 = "10.77.0.99/24" } },
            _ => input,
        };
        var id = await Fixture.Dashboard.AddMigrationAsync(input);
        try
        {
            await Fixture.Lab.ShellAsync("new", make.Length > 0 ? make : "true");
            await Fixture.Dashboard.MustAsync(id, Stage.Preflight);
            var run = await Fixture.Dashboard.RunAsync(id, Stage.Link);

            Assert.Equal(RunState.Reverted, run.State);
            Assert.Contains(said, run.Error + await Fixture.Dashboard.LogAsync(run.Id), StringComparison.Ordinal);
            await NothingIsChangedAsync();
        }
        finally
        {
            await Fixture.Lab.ShellAsync("new", undo.Length > 0 ? undo : "true");
        }
    }

    [Fact]
    public async Task A_disk_too_full_on_new_is_named_and_nothing_is_changed()
    {
        var id = await Fixture.Dashboard.AddMigrationAsync(Fixture.Echo("full disk", LinkKind.Existing));
        await Fixture.Lab.CommandAsync("fill-disk", "new");
        try
        {
            await Fixture.Dashboard.MustAsync(id, Stage.Preflight);
            var run = await Fixture.Dashboard.RunAsync(id, Stage.Link);

            Assert.Equal(RunState.Reverted, run.State);
            Assert.Contains("Room on the disks", run.Error, StringComparison.Ordinal);
        }
        finally
        {
            await Fixture.Lab.CommandAsync("free-disk", "new");
        }

        await NothingIsChangedAsync();
    }

    [Fact]
    public async Task A_container_that_does_not_exist_stops_the_link_stage_before_anything_is_changed()
    {
        var id = await Fixture.Dashboard.AddMigrationAsync(Fixture.Mail("no such container") with { Ports = "8443", Workload = new() { Kind = "docker", Container = "nothere" } });
        await Fixture.Dashboard.MustAsync(id, Stage.Preflight);
        var run = await Fixture.Dashboard.RunAsync(id, Stage.Link);

        Assert.Equal(RunState.Reverted, run.State);
        Assert.Contains("nothere", run.Error, StringComparison.Ordinal);
        await NothingIsChangedAsync();
    }

    private async Task NothingIsChangedAsync()
    {
        foreach (var host in new[] { "old", "new" })
            Assert.Equal("", (await Fixture.Lab.ShellAsync(host, "nft list ruleset 2>/dev/null | grep md_; iptables-save | grep -i 'md[-_]'; ls -d /var/lib/migration-dashboard /etc/systemd/system/migration-dashboard* 2>/dev/null; true")).Trim());
    }
}
