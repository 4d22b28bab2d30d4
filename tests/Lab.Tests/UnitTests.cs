using System.Globalization;
using System.Text.RegularExpressions;
using MigrationDashboard.Core.Stages;
using Xunit;

namespace MigrationDashboard.Lab.Tests;

/// <summary>A real nginx of the host's own, as a systemd unit with its folders.</summary>
public sealed class UnitTests(LabFixture fixture, ITestOutputHelper output) : LabTest(fixture, output)
{
    private const string Web = "/srv/www";

    /// <summary>Names, owners, modes, times, links, then contents, then access lists and attributes, then who shares an inode with whom, then what a sparse file takes.</summary>
    private const string List = """
        cd /srv/www
        find . -printf '%P|%y|%m|%u|%g|%n|%T@|%l\n' | sort
        find . -type f -exec sha256sum {} + | sort -k2
        find . | sort | xargs getfacl -p; find . -not -type l | sort | xargs getfattr -d -m -
        find . -type f -links +1 -printf '%i %P\n' | sort | awk '{ if ($1 == last) print same, $2; else same = $2; last = $1 }'
        [ "$(stat -c %b sparse)" -lt 100 ] && echo sparse
        """;

    private const string Configuration = """
        cat >/etc/nginx/sites-available/default <<'TEXT'
        server { listen 80 default_server; listen [::]:80 default_server; root /srv/www; add_header X-Client $remote_addr always; }
        TEXT
        """;

    public override async ValueTask InitializeAsync()
    {
        await OnAsync("old", $"""
            {Configuration}
            mkdir -p {Web}/deep/er; cd {Web}
            echo 'served by nginx' >index.html; head -c 300000 /dev/urandom >deep/blob; ln deep/blob deep/er/same; ln -s index.html link
            truncate -s 30M sparse; printf end >>sparse
            chown -R www-data:www-data deep; chmod 2750 deep/er; setfacl -m u:migrate:r index.html; setfattr -n user.lab -v one index.html
            touch -d '2020-02-02 02:02:02.020202020' deep/blob
            systemctl enable --quiet --now nginx
            """);

        // The package is on the other host as well, with another configuration: that is in the way, and never replaced without being asked.
        await OnAsync("new", "echo 'not the one' >/etc/nginx/left-by-somebody");
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        foreach (var host in new[] { "old", "new" })
            await Fixture.Lab.TryShellAsync(host, $"systemctl disable --quiet --now nginx; rm -rf {Web} /etc/nginx/left-by-somebody");
    }

    [Fact]
    public async Task Nginx_moves_with_its_folders_under_load_and_stays_down_on_old_after_a_reboot()
    {
        string[] both = [Fixture.Lab.Fact("LAB_OLD"), Fixture.Lab.Fact("LAB_NEW")];
        var id = await Fixture.Dashboard.AddMigrationAsync(Fixture.Mail("nginx") with
        {
            Ports = "80",
            Workload = new() { Kind = "systemd", Unit = "nginx", DataFolders = [Web, "/etc/nginx"], Health = new(Core.Servers.HealthKind.Http, "200") },
        });
        foreach (var stage in new[] { Stage.Preflight, Stage.Link, Stage.Forward, Stage.Dns, Stage.Drain })
            await Fixture.Dashboard.MustAsync(id, stage);

        var refused = await Fixture.Dashboard.RunAsync(id, Stage.Cutover);
        Assert.Equal(RunState.Reverted, refused.State);
        Assert.Contains("/etc/nginx is there and holds data", refused.Error, StringComparison.Ordinal);
        Assert.Equal("not the one", (await OnAsync("new", "cat /etc/nginx/left-by-somebody")).Trim());
        Assert.Equal("", (await OnAsync("old", "ls -d /etc/systemd/system/nginx.service.d 2>/dev/null || true")).Trim());
        using (var allowed = await Fixture.Dashboard.Http.PutAsync($"migrations/{id}/replace", new StringContent("{\"allowed\":true}", null, "application/json")))
            Assert.True(allowed.IsSuccessStatusCode, await allowed.Content.ReadAsStringAsync());

        var before = await OnAsync("old", List);
        await using (var load = new HttpLoad(both, 80, 100))
        {
            await Task.Delay(500);
            var cutover = await Fixture.Dashboard.MustAsync(id, Stage.Cutover);
            await load.StopAsync();
            var log = await Fixture.Dashboard.LogAsync(cutover.Id);
            Assert.Contains("proof: path /srv/www", log, StringComparison.Ordinal);

            // The server that serves holds first, and is the last to go back by itself: the other must have stopped what it started.
            var limits = Regex.Matches(log, @"hold (old|new) .*\n.*reverts in (\d+) s").ToDictionary(match => match.Groups[1].Value, match => int.Parse(match.Groups[2].Value, CultureInfo.InvariantCulture));
            Assert.True(limits["old"] > limits["new"] + 1, log);
            Assert.True(load.Failures.IsEmpty, string.Join('\n', load.Failures.Take(5)));
            Assert.Equal(load.Attempted, load.Answers.Count);
            Assert.Equal([Fixture.Lab.Fact("LAB_OPS")], load.Sources.Keys);
            Assert.All(load.Answers.Values, answer => Assert.Equal("served by nginx", answer));
        }

        Assert.Equal(before, await OnAsync("new", List));
        Assert.Equal(("inactive", "active"), (await StateAsync("old"), await StateAsync("new")));
        Assert.Equal("", (await OnAsync("new", "ls /etc/nginx/left-by-somebody 2>/dev/null || true")).Trim());

        // Still enabled on old, and yet it does not start with it: the fence holds, and stragglers are forwarded again.
        await Fixture.Lab.CommandAsync("reboot", "old");
        Assert.Equal("enabled", (await OnAsync("old", "systemctl is-enabled nginx")).Trim());
        await Eventually.TrueAsync("old forwards to new again", async () => (await HttpLoad.AskAsync(both[0], 80, null, TimeSpan.FromSeconds(3))).Body == "served by nginx");
        await Fixture.Lab.TryShellAsync("old", "systemctl start nginx");
        Assert.Equal("inactive", await StateAsync("old"));

        await Fixture.Dashboard.MustAsync(id, Stage.Decommission);
        Assert.Equal(("inactive", "active"), (await StateAsync("old"), await StateAsync("new")));
        Assert.Equal(("disabled", "enabled"), ((await OnAsync("old", "systemctl is-enabled nginx || true")).Trim(), (await OnAsync("new", "systemctl is-enabled nginx")).Trim()));
        foreach (var host in new[] { "old", "new" })
            Assert.Equal("", (await OnAsync(host, "ls -d /etc/systemd/system/nginx.service.d /var/lib/migration-dashboard /run/migration-dashboard-* 2>/dev/null || true")).Trim());
    }

    private Task<string> OnAsync(string host, string command) => Fixture.Lab.ShellAsync(host, command);

    private async Task<string> StateAsync(string host) => (await OnAsync(host, "systemctl is-active nginx || true")).Trim();
}
