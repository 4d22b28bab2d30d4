using System.Diagnostics;
using System.Text.Json;
using System.Text.RegularExpressions;
using MigrationDashboard.Core.Stages;
using MigrationDashboard.Driver;
using Xunit;

namespace MigrationDashboard.Lab.Tests;

/// <summary>
/// A real name server (dnsmasq) with the operator's own commands and a folder, moved in a window by a dashboard that is killed while it copies ahead. Resolvers
/// ask it over UDP at both servers, IPv4 and IPv6, from before the first stage to after the last, and its log of queries moves along.
/// </summary>
public sealed class AheadTests(LabFixture fixture) : IAsyncLifetime
{
    private const string Left = "ls -d /run/migration-dashboard-* 2>/dev/null; systemctl list-units --all --plain --no-legend 'migration-dashboard-sync-*' 'migration-dashboard-clean-*'";

    /// <summary>Time for the first passes, the crash, and another start, also on a busy computer.</summary>
    private static readonly TimeSpan Ahead = TimeSpan.FromSeconds(35);

    private const string Unit = """
        cat >/etc/systemd/system/lab-dns.service <<'TEXT'
        [Service]
        ExecStart=/usr/sbin/dnsmasq --keep-in-foreground --conf-file=/dev/null --no-resolv --no-hosts --user=root --pid-file= --address=/lab.test/192.0.2.77 --log-queries --log-facility=/srv/dns/queries.log
        TEXT
        systemctl daemon-reload
        """;

    public async ValueTask InitializeAsync()
    {
        // Built once, so that the loads that are started at the same time find it.
        await fixture.Lab.CommandAsync("load", "--", "--help");
        await fixture.Lab.ShellAsync("new", Unit);
        await fixture.Lab.ShellAsync("old", $"{Unit}\nmkdir -p /srv/dns && head -c 100000 /dev/urandom >/srv/dns/data && systemctl start lab-dns");
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var host in new[] { "old", "new" })
            await fixture.Lab.TryShellAsync(host, "systemctl stop lab-dns; rm -rf /srv/dns /etc/systemd/system/lab-dns.service; systemctl daemon-reload");
    }

    [Fact]
    public async Task A_crash_while_it_copies_ahead_leaves_no_key_and_the_cutover_comes_in_its_window_and_no_resolver_notices()
    {
        await using var atOld = Resolvers("LAB_OLD");
        var first = await Dashboard.StartAsync(LabFixture.Program(fixture.Lab));
        var key = await first.ImportKeyAsync(fixture.Lab.Fact("LAB_KEY"));
        var old = await first.RegisterAsync("old", fixture.Lab.Fact("LAB_OLD"), key);
        var @new = await first.RegisterAsync("new", fixture.Lab.Fact("LAB_NEW"), key);
        var id = await first.AddMigrationAsync(fixture.Mail("dns") with
        {
            OldServer = old,
            NewServer = @new,
            Ports = "53, 53/udp",
            Workload = new() { Kind = "commands", Start = "systemctl start lab-dns", Stop = "systemctl stop lab-dns", HealthCommand = "ss -Hlun 'sport = :53' | grep -q .", DataFolders = ["/srv/dns"] },
        });
        foreach (var stage in new[] { Stage.Preflight, Stage.Link, Stage.Forward })
            await first.MustAsync(id, stage);
        await using var atNew = Resolvers("LAB_NEW");
        foreach (var stage in new[] { Stage.Dns, Stage.Drain })
            await first.MustAsync(id, stage);

        var opening = DateTimeOffset.UtcNow + Ahead;
        var planned = await first.PostAsync<StageRun>($"migrations/{id}/runs", new { target = Stage.Cutover, notBefore = opening });
        for (var waited = Stopwatch.StartNew(); !(await first.LogAsync(planned.Id)).Contains("copy the data again", StringComparison.Ordinal); await Task.Delay(200))
            Assert.True(waited.Elapsed < Ahead, await first.LogAsync(planned.Id));
        Assert.NotEqual("", (await fixture.Lab.TryShellAsync("old", Left)).Output.Trim());
        var before = await first.LogAsync(planned.Id);
        Assert.Contains("The last pass, inside the hold, will take about", before, StringComparison.Ordinal);
        Assert.DoesNotContain(" hold ", before, StringComparison.Ordinal);
        await first.KillAsync();

        await using var second = await Dashboard.StartAsync(LabFixture.Program(fixture.Lab), first.Data, token: first.Token);
        var waiting = Stopwatch.StartNew();
        for (var closed = 0; closed < 2; closed = (await second.GetAsync<RunStep[]>($"runs/{planned.Id}/steps")).Count(step => step is { Name: "close the copy", State: StepState.Succeeded }))
        {
            Assert.True(waiting.Elapsed < TimeSpan.FromMinutes(2), await second.LogAsync(planned.Id));
            await Task.Delay(200);
        }

        // On a computer so busy that its window has opened by now, the cutover is under way again.
        if (DateTimeOffset.UtcNow < opening)
            foreach (var host in new[] { "old", "new" })
                Assert.Equal("", (await fixture.Lab.TryShellAsync(host, Left)).Output.Trim());

        var run = await second.WaitAsync(planned.Id, TimeSpan.FromMinutes(3));
        Assert.True(run.State == RunState.Succeeded, $"{run.Error}\n{await second.LogAsync(run.Id)}");
        var holds = (await second.GetAsync<RunStep[]>($"runs/{run.Id}/steps")).Where(step => step.Name == "hold").ToList();
        Assert.Equal(2, holds.Count);
        Assert.All(holds, step => Assert.True(step.StartedAt >= opening));
        Assert.Equal(("inactive", "active"), (await StateAsync("old"), await StateAsync("new")));
        var asked = Answered(await atOld.StopAsync());
        await second.MustAsync(id, Stage.Decommission);
        asked += Answered(await atNew.StopAsync());
        foreach (var host in new[] { "old", "new" })
            Assert.Equal("", (await fixture.Lab.TryShellAsync(host, Left)).Output.Trim());

        // What was logged before the move is what the log there begins with, and each name was asked for by the client it names.
        var length = (await fixture.Lab.ShellAsync("old", "stat -c %s /srv/dns/queries.log")).Trim();
        var begins = $"cd /srv/dns && sha256sum data && head -c {length} queries.log | sha256sum";
        Assert.Equal(await fixture.Lab.ShellAsync("old", begins), await fixture.Lab.ShellAsync("new", begins));
        var seen = Regex.Matches(await fixture.Lab.ShellAsync("new", @"grep -F 'query[' /srv/dns/queries.log"), @" q\d+\.(\S+)\.lab\.test from (\S+)");
        Assert.All(seen, query => Assert.Equal(query.Groups[1].Value, query.Groups[2].Value.Replace('.', '-').Replace(':', '-')));
        Assert.InRange(seen.Count, asked, int.MaxValue);
    }

    private Load Resolvers(string fact) => Load.Start(fixture.Lab, "--target", $"{fixture.Lab.Fact(fact)}:53/dns", "--target", $"[{fixture.Lab.Fact(fact + "6")}]:53/dns",
        "--from", "198.51.100.2-198.51.100.41", "--from", "2001:db8:100::2-2001:db8:100::9", "--rate", "20", "--duration", "300", "--timeout", "15");

    /// <returns>How many names were asked for; each was answered.</returns>
    private static int Answered(JsonElement summary)
    {
        var attempted = summary.GetProperty("attempted").GetInt32();
        Assert.True(attempted > 200 && summary.GetProperty("ok").GetInt32() == attempted, summary.GetRawText());
        return attempted;
    }

    private async Task<string> StateAsync(string host) => (await fixture.Lab.ShellAsync(host, "systemctl is-active lab-dns || true")).Trim();
}
