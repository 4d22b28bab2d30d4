using MigrationDashboard.Core.Stages;
using Xunit;

namespace MigrationDashboard.Lab.Tests;

/// <summary>Whole migrations on real machines, driven through the API.</summary>
public sealed class MigrationTests(LabFixture fixture, ITestOutputHelper output) : LabTest(fixture, output)
{
    [Fact]
    public async Task The_mail_container_moves_there_and_back_and_there_again_and_both_servers_end_as_they_were_found()
    {
        var id = await Fixture.Dashboard.AddMigrationAsync(Fixture.Mail("mail there and back"));
        foreach (var stage in new[] { Stage.Preflight, Stage.Link })
            await Fixture.Dashboard.MustAsync(id, stage);
        Assert.Equal("refused", await AskAsync(Fixture.Lab.Fact("LAB_NEW")));

        await Fixture.Dashboard.MustAsync(id, Stage.Forward);

        // Without the rule that brings replies back the client gets no answer: the probe rests on packets, not on what was set.
        var rule = (await Fixture.Lab.ShellAsync("old", "ip rule | grep 'lookup 73' | head -n 1")).Trim();
        Assert.NotEmpty(rule);
        var preference = rule.Split(':')[0];
        await Fixture.Lab.ShellAsync("old", $"ip rule del pref {preference}");
        var without = await Fixture.Dashboard.RunAsync(id, Stage.Dns, Direction.Advance);
        Assert.Equal(RunState.Reverted, without.State);
        Assert.Contains($"no answer from {Fixture.Lab.Fact("LAB_NEW")} port 25/tcp within 5 s: old has answered, but the reply is lost on its way back", without.Error, StringComparison.Ordinal);
        await Fixture.Lab.ShellAsync("old", $"ip rule add pref {preference} {rule.Split("from all ")[1]}");
        foreach (var stage in new[] { Stage.Dns, Stage.Drain })
            await Fixture.Dashboard.MustAsync(id, stage);
        Assert.Equal("198.51.100.2", await AskAsync(Fixture.Lab.Fact("LAB_NEW")));
        Assert.Equal("198.51.100.2", await AskAsync(Fixture.Lab.Fact("LAB_OLD")));

        await Fixture.Dashboard.MustAsync(id, Stage.Cutover);
        Assert.Equal("exited", await StateAsync("old"));
        Assert.Equal("running", await StateAsync("new"));
        Assert.Equal("198.51.100.2", await AskAsync(Fixture.Lab.Fact("LAB_NEW")));
        Assert.Equal("198.51.100.2", await AskAsync(Fixture.Lab.Fact("LAB_OLD")));

        await Fixture.Dashboard.MustAsync(id, Stage.Drain, Direction.Rollback);
        Assert.Equal("running", await StateAsync("old"));
        Assert.Equal("198.51.100.2", await AskAsync(Fixture.Lab.Fact("LAB_NEW")));

        await Fixture.Dashboard.MustAsync(id, Stage.Cutover);

        // Decommission ends with a comparison of both servers with their snapshots: it fails when anything of ours is left.
        await Fixture.Dashboard.MustAsync(id, Stage.Decommission);
        Assert.Equal("198.51.100.2", await AskAsync(Fixture.Lab.Fact("LAB_NEW")));
        Assert.Equal("refused", await AskAsync(Fixture.Lab.Fact("LAB_OLD")));
        foreach (var host in new[] { "old", "new" })
            Assert.Equal("", (await Fixture.Lab.ShellAsync(host, "nft list ruleset | grep md_; ls -d /var/lib/migration-dashboard 2>/dev/null; systemctl list-units --all --plain --no-legend 'migration-dashboard*'")).Trim());
    }

    private Task<string> StateAsync(string host) => InspectAsync(host, "docker inspect -f '{{.State.Status}}' mail");

    private async Task<string> InspectAsync(string host, string command) => (await Fixture.Lab.ShellAsync(host, command)).Trim();

    /// <summary>Asks the mail server, as a client on another network, which address it sees; <c>refused</c> or <c>timeout</c> when it does not answer.</summary>
    private async Task<string> AskAsync(string host)
    {
        var answer = await Driver.Lab.RunAsync(Path.Combine(Fixture.Lab.Root, "script/lab"),
            ["client", "--", "timeout", "6", "bash", "-c", $"exec 3<>/dev/tcp/{host}/25 && head -n1 <&3 >/dev/null && printf 'WHOAMI\\r\\n' >&3 && head -n1 <&3"]);
        var at = answer.Output.IndexOf("client=[", StringComparison.Ordinal);
        return at >= 0 ? answer.Output[(at + 8)..answer.Output.IndexOf(']', at)] : answer.ExitCode == 124 ? "timeout" : answer.Error.Contains("refused", StringComparison.Ordinal) ? "refused" : $"exit {answer.ExitCode}: {answer.Error}{answer.Output}";
    }
}
