using System.Globalization;
using MigrationDashboard.Core.Servers;
using MigrationDashboard.Core.Stages;
using Xunit;

namespace MigrationDashboard.Lab.Tests;

/// <summary>A Compose project of a web program and PostgreSQL, with writes going on.</summary>
public sealed class ShopTests(LabFixture fixture, ITestOutputHelper output) : LabTest(fixture, output)
{
    private const string Rows = "docker exec shop_database_1 /usr/lib/postgresql/15/bin/psql -h /tmp -U shop -d shop -Atc \"SELECT id || ' ' || name FROM orders ORDER BY id\"";

    private readonly string _secret = $"lab-{Guid.NewGuid():N}";

    public override async ValueTask InitializeAsync()
    {
        // One secret in the environment as it usually is, one with a line break, which Docker's file of variables cannot hold.
        await Fixture.Lab.ShellAsync("old", $$"""
            cd /usr/local/share/lab-images
            docker import --change 'ENTRYPOINT ["/usr/sbin/postgres-init"]' --change 'ENV PGDATA=/var/lib/postgresql/data LANG=C.UTF-8' \
              --change "USER $(id -u postgres)" --change 'VOLUME /var/lib/postgresql' --change 'EXPOSE 5432' postgres.tar lab/postgres:15 >/dev/null
            docker import --change 'ENTRYPOINT ["/usr/bin/python3.11", "/srv/rows.py"]' --change 'USER 65534' --change 'EXPOSE 8000' rows.tar lab/rows:1 >/dev/null
            mkdir -p /srv/shop; cp docker-compose.yml /srv/shop/
            (umask 077; printf 'SHOP_PASSWORD=%s\n' {{_secret}} >/srv/shop/.env)
            cd /srv/shop && docker-compose up -d 2>/dev/null
            """);
        await Eventually.TrueAsync("the shop takes orders", async () => await AskAsync(Fixture.Lab.Fact("LAB_OLD")) == 200);
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        foreach (var host in new[] { "old", "new" })
            await Fixture.Lab.TryShellAsync(host, "docker rm -f shop_web_1 shop_database_1; docker volume rm shop_data; docker network rm shop_default; docker image rm lab/postgres:15 lab/rows:1; rm -rf /srv/shop /run/lab-secret*");
    }

    [Fact]
    public async Task A_shop_moves_with_every_acknowledged_order_once_and_tells_its_secret_to_nobody()
    {
        string[] both = [Fixture.Lab.Fact("LAB_OLD"), Fixture.Lab.Fact("LAB_NEW")];
        var id = await Fixture.Dashboard.AddMigrationAsync(Fixture.Mail("shop") with
        {
            Ports = "8000",
            Workload = new() { Kind = "compose", Project = "shop", Folder = "/srv/shop", Health = new(HealthKind.Http, "200") },
        });
        foreach (var stage in new[] { Stage.Preflight, Stage.Link, Stage.Forward, Stage.Dns, Stage.Drain })
            await Fixture.Dashboard.MustAsync(id, stage);

        foreach (var host in new[] { "old", "new" })
            await WatchAsync(host);
        await using var load = new HttpLoad(both, 8000, 40, number => string.Create(CultureInfo.InvariantCulture, $"order-{number}"));
        await Task.Delay(500);
        var cutover = await Fixture.Dashboard.MustAsync(id, Stage.Cutover);
        await Task.Delay(500);
        await load.StopAsync();

        Assert.True(load.Failures.IsEmpty, $"{load.Failures.Count} of {load.Attempted} failed, held {cutover.HoldMs} ms:\n{string.Join('\n', load.Failures.Take(5))}\n{await Fixture.Dashboard.LogAsync(cutover.Id)}");
        Assert.Equal(load.Attempted, load.Answers.Count);
        Assert.Equal([Fixture.Lab.Fact("LAB_OPS")], load.Sources.Keys);
        var rows = (await Fixture.Lab.ShellAsync("new", Rows)).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(load.Answers.Select(answer => $"{answer.Value} {answer.Key}").Order(StringComparer.Ordinal), rows.Where(row => row.Contains("order-", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
        Assert.Equal("exited exited", (await Fixture.Lab.ShellAsync("old", "docker inspect -f '{{.State.Status}}' shop_web_1 shop_database_1 | paste -sd' '")).Trim());

        foreach (var host in new[] { "old", "new" })
            Assert.Equal("", await LeaksAsync(host));
        await Fixture.Dashboard.MustAsync(id, Stage.Decommission);
        foreach (var host in new[] { "old", "new" })
            Assert.Equal("", await LeaksAsync(host));
        await OfDashboardAsync(id);

        // Compose itself knows its project on the other server.
        Assert.Contains("shop_web_1", await Fixture.Lab.ShellAsync("new", "cd /srv/shop && docker-compose ps 2>/dev/null"), StringComparison.Ordinal);
    }

    /// <summary>Looks at every process's arguments twenty times a second, for a minute and a half at most. The secret is in a file, so that the search does not find itself.</summary>
    private Task WatchAsync(string host) => Fixture.Lab.ShellAsync(host, $$"""
        (umask 077; printf '%s\n' {{_secret}} >/run/lab-secret)
        cat >/run/lab-secret-watch <<'TEXT'
        end=$(($(date +%s) + 90))
        while [ -e /run/lab-secret ] && [ "$(date +%s)" -lt "$end" ]; do
          cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\0' '\n' | grep -F -f /run/lab-secret >>/run/lab-secret-seen
          echo >>/run/lab-secret-passes
          sleep 0.05
        done
        TEXT
        : >/run/lab-secret-seen
        setsid sh /run/lab-secret-watch >/dev/null 2>&1 </dev/null &
        """);

    /// <summary>Where the secret is, beside Docker's own files and the project's: process lists, files, the journal.</summary>
    private async Task<string> LeaksAsync(string host)
    {
        Assert.InRange((await Fixture.Lab.ShellAsync(host, "wc -l </run/lab-secret-passes")).Trim() is var passes ? int.Parse(passes, CultureInfo.InvariantCulture) : 0, 20, int.MaxValue);
        return (await Fixture.Lab.ShellAsync(host, """
            cat /run/lab-secret-seen
            grep -rlF -f /run/lab-secret /var/lib/migration-dashboard /etc /run /tmp /var/tmp /var/log /root /home 2>/dev/null | grep -v -e '^/run/lab-secret' -e '^/run/docker/containerd/' -e '^/run/containerd/' || true
            journalctl -q --no-pager -o cat | grep -F -f /run/lab-secret || true
            """)).Trim();
    }

    private async Task OfDashboardAsync(Guid id)
    {
        foreach (var run in await Fixture.Dashboard.GetAsync<StageRun[]>($"migrations/{id}/runs"))
        {
            var steps = await Fixture.Dashboard.Http.GetStringAsync($"runs/{run.Id}/steps");
            Assert.Contains("number", steps, StringComparison.Ordinal);
            Assert.DoesNotContain(_secret, steps, StringComparison.Ordinal);
        }

        var audit = await Fixture.Dashboard.Http.GetStringAsync("audit/export?format=jsonl");
        Assert.Contains("stage.make", audit, StringComparison.Ordinal);
        Assert.DoesNotContain(_secret, audit, StringComparison.Ordinal);
        Assert.DoesNotContain(_secret, Fixture.Dashboard.Output, StringComparison.Ordinal);
        Assert.DoesNotContain(_secret, await Fixture.Dashboard.Http.GetStringAsync($"migrations/{id}"), StringComparison.Ordinal);

        // The database whole, and everything else that the dashboard keeps.
        var found = await Driver.Lab.RunAsync("grep", ["-rlaF", _secret, Fixture.Dashboard.Data]);
        Assert.Equal("", found.Output.Trim());
    }

    private static async Task<int> AskAsync(string host) => (await HttpLoad.AskAsync(host, 8000, null, TimeSpan.FromSeconds(3))).Status;
}
