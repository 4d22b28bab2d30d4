using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using MigrationDashboard.Core.Migrations;
using MigrationDashboard.Core.Servers;
using MigrationDashboard.Core.Stages;
using MigrationDashboard.Driver;
using Xunit;

namespace MigrationDashboard.Lab.Tests;

/// <summary>A container of TCP and UDP, over IPv4 and IPv6, moved beside itself with sessions going on, and moved back the exclusive way.</summary>
public sealed class EchoTests(LabFixture fixture, ITestOutputHelper output) : LabTest(fixture, output)
{
    private const int Sessions = 20;

    private static readonly Stage[] UpToDrain = [Stage.Preflight, Stage.Link, Stage.Forward, Stage.Dns, Stage.Drain];

    [Fact]
    public async Task Sessions_go_on_untouched_through_a_parallel_move_and_are_counted_and_ended_in_time_by_an_exclusive_one()
    {
        // Built once, so that the loads that are started at the same time find it.
        await Fixture.Lab.CommandAsync("load", "--", "--help");
        await ThereAsync();
        await BackAsync();
    }

    private async Task ThereAsync()
    {
        var id = await Fixture.Dashboard.AddMigrationAsync(Input("echo there", Fixture.Old, Fixture.New) with { Mode = CutoverMode.Parallel });
        foreach (var stage in UpToDrain)
            await Fixture.Dashboard.MustAsync(id, stage);

        await using var sessions = Load.Start(Fixture.Lab, [.. Targets("old", "8025/tcp"), .. Targets("new", "8025/tcp"), .. From, "--sessions", $"{Sessions}", "--session-interval", "0.3", "--duration", "110"]);
        await using var load = Load.Start(Fixture.Lab, [.. Targets("old", "8025/tcp"), .. Targets("new", "8025/tcp"), .. Targets("old", "8053/udp"), .. Targets("new", "8053/udp"), .. From, "--rate", "80", "--duration", "110", "--timeout", "10"]);
        await Task.Delay(2000);
        var cutover = await Fixture.Dashboard.MustAsync(id, Stage.Cutover);
        await Task.Delay(1000);
        Passed(await load.StopAsync(), atLeast: 200);
        // Beside the sessions there may be some of the load's short ones.
        Assert.InRange(Told(await Fixture.Dashboard.LogAsync(cutover.Id), "([0-9]+) connections are open: they go on there until they end"), Sessions, Sessions + 100);

        // What would cut them is refused until they have ended, or a reason is given.
        var refused = await Fixture.Dashboard.RunAsync(id, Stage.Decommission);
        Assert.Equal(RunState.Reverted, refused.State);
        Assert.Contains($"{Sessions} connections are still open at echo (docker) on old", refused.Error, StringComparison.Ordinal);
        var ended = (await sessions.StopAsync()).GetProperty("sessions");
        Assert.Equal((Sessions, 0, 0, 0), (Number(ended, "opened"), Number(ended, "not_opened"), Number(ended, "broken"), Number(ended, "wrong_source")));
        Assert.True(Number(ended, "checks") > Sessions * 5);

        await Fixture.Dashboard.MustAsync(id, Stage.Decommission);
        Assert.Equal(("exited", "running"), (await StateAsync("old"), await StateAsync("new")));
    }

    private async Task BackAsync()
    {
        var id = await Fixture.Dashboard.AddMigrationAsync(Input("echo back", Fixture.New, Fixture.Old) with { QuietSeconds = 2 });
        foreach (var stage in UpToDrain)
            await Fixture.Dashboard.MustAsync(id, stage);

        // The one that stayed behind on old is in the way: never removed, only put aside, and only when that is allowed.
        var refused = await Fixture.Dashboard.RunAsync(id, Stage.Cutover);
        Assert.Equal(RunState.Reverted, refused.State);
        Assert.Contains("a container echo is there that is not ours", refused.Error, StringComparison.Ordinal);
        using (var allowed = await Fixture.Dashboard.Http.PutAsync($"migrations/{id}/replace", new StringContent("{\"allowed\":true}", null, "application/json")))
            Assert.True(allowed.IsSuccessStatusCode, await allowed.Content.ReadAsStringAsync());

        await using var sessions = Load.Start(Fixture.Lab, [.. Targets("old", "8025/tcp"), .. From, "--sessions", "4", "--session-interval", "0.3", "--duration", "110"]);
        await using var load = Load.Start(Fixture.Lab, [.. Targets("old", "8025/tcp"), .. Targets("new", "8025/tcp"), .. From, "--rate", "80", "--duration", "110", "--connect-timeout", "60"]);
        await using var datagrams = Load.Start(Fixture.Lab, [.. Targets("old", "8053/udp"), .. Targets("new", "8053/udp"), .. From, "--rate", "40", "--duration", "110", "--timeout", "3"]);
        await Task.Delay(2000);
        var cutover = await Fixture.Dashboard.MustAsync(id, Stage.Cutover);
        await Task.Delay(1000);
        Passed(await load.StopAsync(), atLeast: 200);
        var log = await Fixture.Dashboard.LogAsync(cutover.Id);
        Assert.InRange(Told(log, "([0-9]+) connections are open: they get 2 s to finish"), 4, 100);
        Assert.Equal(4, Told(log, "quiet: atFirst [0-9]+, remained ([0-9]+), ms 2[0-9]{3}"));
        Assert.Equal(4, Number((await sessions.StopAsync()).GetProperty("sessions"), "broken"));

        // Datagrams of the hold are lost, as the design says; not one before or after it, and none ever to the old place.
        var udp = await datagrams.StopAsync();
        Assert.Equal(0, Number(udp, "wrong_source"));
        var lost = udp.GetProperty("by_second").EnumerateArray().Where(second => Number(second, "failed") > 0).Select(second => Number(second, "t")).ToList();
        Assert.InRange(lost.Count == 0 ? 0 : lost[^1] - lost[0] + 1, 0, (cutover.HoldMs!.Value / 1000) + 3);

        await Fixture.Dashboard.MustAsync(id, Stage.Decommission);
        Assert.Equal(("running", "exited"), (await StateAsync("old"), await StateAsync("new")));
        Assert.NotEqual("", await Fixture.Lab.ShellAsync("old", "docker ps -aq --filter name=echo.before-"));
        await Fixture.Lab.ShellAsync("old", "docker rm $(docker ps -aq --filter name=echo.before-)");
        await Fixture.Lab.ShellAsync("new", "docker rm echo; docker image rm lab/echo:1");
    }

    private MigrationInput Input(string name, Guid from, Guid to)
    {
        var mail = Fixture.Mail(name);
        var swapped = from != Fixture.Old;
        return mail with
        {
            OldServer = from,
            NewServer = to,
            Ports = "8025, 8053/udp",
            Workload = new() { Kind = "docker", Container = "echo" },
            Link = mail.Link! with
            {
                OldIpv4 = swapped ? mail.Link.NewIpv4 : mail.Link.OldIpv4,
                NewIpv4 = swapped ? mail.Link.OldIpv4 : mail.Link.NewIpv4,
                OldIpv6 = "fd00:77::1/64",
                NewIpv6 = "fd00:77::2/64",
                AddIpv6 = true,
            },
        };
    }

    private string[] From => ["--from", "198.51.100.2-198.51.100.41", "--from", "2001:db8:100::2-2001:db8:100::9"];

    private string[] Targets(string host, string port)
    {
        var name = host == "old" ? "LAB_OLD" : "LAB_NEW";
        return ["--target", $"{Fixture.Lab.Fact(name)}:{port}", "--target", $"[{Fixture.Lab.Fact(name + "6")}]:{port}"];
    }

    private static void Passed(JsonElement summary, int atLeast)
    {
        Assert.True(Number(summary, "failed") == 0 && Number(summary, "wrong_source") == 0, summary.GetRawText()[..Math.Min(3000, summary.GetRawText().Length)]);
        Assert.InRange(Number(summary, "ok"), atLeast, int.MaxValue);
    }

    private static int Told(string log, string pattern) =>
        Regex.Match(log, pattern) is { Success: true } match ? int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture) : throw new InvalidOperationException($"No '{pattern}' in:\n{log}");

    private static int Number(JsonElement json, string name) => json.GetProperty(name).GetInt32();

    private async Task<string> StateAsync(string host) => (await Fixture.Lab.ShellAsync(host, "docker inspect -f '{{.State.Status}}' echo")).Trim();
}
