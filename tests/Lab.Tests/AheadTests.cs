using System.Diagnostics;
using MigrationDashboard.Core.Stages;
using MigrationDashboard.Driver;
using Xunit;

namespace MigrationDashboard.Lab.Tests;

/// <summary>A process with the operator's own commands and a folder, moved in a window, by a dashboard that is killed while it copies ahead.</summary>
public sealed class AheadTests(LabFixture fixture) : IAsyncLifetime
{
    private const string Left = "ls -d /run/migration-dashboard-* 2>/dev/null; systemctl list-units --all --plain --no-legend 'migration-dashboard-sync-*' 'migration-dashboard-clean-*'";

    /// <summary>Time for the first passes, the crash, and another start, also on a busy computer.</summary>
    private static readonly TimeSpan Ahead = TimeSpan.FromSeconds(35);

    public async ValueTask InitializeAsync() => await fixture.Lab.ShellAsync("old", "mkdir -p /srv/banner && head -c 100000 /dev/urandom >/srv/banner/data");

    public async ValueTask DisposeAsync()
    {
        await fixture.Lab.TryShellAsync("new", "systemctl stop banner; rm -rf /srv/banner");
        await fixture.Lab.TryShellAsync("old", "systemctl start banner; rm -rf /srv/banner");
    }

    [Fact]
    public async Task A_crash_while_it_copies_ahead_leaves_no_key_and_the_cutover_comes_in_its_window()
    {
        var first = await Dashboard.StartAsync(LabFixture.Program(fixture.Lab));
        var key = await first.ImportKeyAsync(fixture.Lab.Fact("LAB_KEY"));
        var old = await first.RegisterAsync("old", fixture.Lab.Fact("LAB_OLD"), key);
        var @new = await first.RegisterAsync("new", fixture.Lab.Fact("LAB_NEW"), key);
        var id = await first.AddMigrationAsync(fixture.Mail("banner") with
        {
            OldServer = old,
            NewServer = @new,
            Ports = "2525",
            Workload = new() { Kind = "commands", Start = "systemctl start banner", Stop = "systemctl stop banner", HealthCommand = "systemctl is-active --quiet banner", DataFolders = ["/srv/banner"] },
        });
        foreach (var stage in new[] { Stage.Preflight, Stage.Link, Stage.Forward, Stage.Dns, Stage.Drain })
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
        Assert.Equal(await fixture.Lab.ShellAsync("old", "sha256sum /srv/banner/data"), await fixture.Lab.ShellAsync("new", "sha256sum /srv/banner/data"));
        await second.MustAsync(id, Stage.Decommission);
        foreach (var host in new[] { "old", "new" })
            Assert.Equal("", (await fixture.Lab.TryShellAsync(host, Left)).Output.Trim());
    }

    private async Task<string> StateAsync(string host) => (await fixture.Lab.ShellAsync(host, "systemctl is-active banner || true")).Trim();
}
