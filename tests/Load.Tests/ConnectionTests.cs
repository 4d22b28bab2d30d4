using System.Net;
using System.Net.Sockets;

namespace MigrationDashboard.Load.Tests;

public sealed class ConnectionTests
{
    private static async Task<Summary> CallAsync(Func<FakeClient, Task> behaviour, params string[] more)
    {
        using var server = new FakeServer(behaviour);
        return await Runs.ExecuteAsync(["--target", $"127.0.0.1:{server.Port}", "--rate", "200", "--count", "20", .. more]);
    }

    private static void AllFailed(string reason, Summary summary)
    {
        Assert.Equal((20, 0, 20, 0), (summary.Attempted, summary.Ok, summary.Failed, summary.WrongSource));
        Assert.Equal(20, summary.FailedByReason[reason]);
        Assert.Equal(20, summary.FailedByReason.Values.Sum());
        Assert.Equal(20, summary.FirstFailures.Count);
        Assert.All(summary.FirstFailures, failure => Assert.Equal((reason, "connection"), (failure.Reason, failure.Kind)));
    }

    [Fact]
    public async Task Connections_come_from_all_sources_in_turn_and_the_server_sees_them()
    {
        using var server = new FakeServer(Behaviour.Honest);
        var summary = await Runs.ExecuteAsync(
            "--target", $"127.0.0.1:{server.Port}", "--rate", "200", "--count", "60", "--from", "127.0.0.11-127.0.0.30");
        Assert.Equal((60, 60, 0, 0), (summary.Attempted, summary.Ok, summary.Failed, summary.WrongSource));
        Assert.Equal(20, server.Callers.Distinct().Count());
        Assert.All(server.Callers.CountBy(caller => caller), pair => Assert.Equal(3, pair.Value));
        Assert.Empty(summary.FirstFailures);
        Assert.InRange(summary.ConnectMs.P50!.Value, 0.001, summary.TotalMs.P50!.Value);
        Assert.Equal("count", summary.EndedBy);
    }

    [Fact]
    public async Task A_server_that_sees_another_address_is_counted_apart_from_failures()
    {
        var summary = await CallAsync(Behaviour.SaysSource("203.0.113.20"), "--from", "127.0.0.12");
        Assert.Equal((20, 0, 0, 20), (summary.Attempted, summary.Ok, summary.Failed, summary.WrongSource));
        Assert.Equal(10, summary.WrongSourceExamples.Count);
        var example = summary.WrongSourceExamples[0];
        Assert.Equal(("127.0.0.12", "203.0.113.20"), (example.Expected, example.Seen));
        Assert.Equal(20, summary.ByTarget.Single().Value.WrongSource);
        Assert.Equal(20, summary.BySecond.Sum(second => second.WrongSource));
    }

    [Fact]
    public async Task A_neighbour_of_the_right_address_is_wrong() =>
        Assert.Equal(20, (await CallAsync(Behaviour.SaysSource("127.0.0.13"), "--from", "127.0.0.12")).WrongSource);

    [Fact]
    public async Task A_server_on_a_dual_stack_socket_sees_the_right_address_in_its_other_spelling()
    {
        using var server = new FakeServer(Behaviour.Honest, "::");
        var summary = await Runs.ExecuteAsync("--target", $"127.0.0.1:{server.Port}", "--rate", "100", "--count", "5", "--from", "127.0.0.12");
        Assert.All(server.Callers, caller => Assert.Equal("::ffff:127.0.0.12", caller));
        Assert.Equal((5, 0), (summary.Ok, summary.WrongSource));
    }

    [Fact]
    public async Task Ipv6_connections_come_from_the_address_given()
    {
        using var server = new FakeServer(Behaviour.Honest, "::1");
        var summary = await Runs.ExecuteAsync("--target", $"[::1]:{server.Port}", "--rate", "100", "--count", "5", "--from", "::1");
        Assert.Equal((5, 0), (summary.Ok, summary.WrongSource));
    }

    [Fact]
    public async Task A_reply_of_many_lines_is_read_to_its_end() => Assert.Equal(20, (await CallAsync(Behaviour.SpeaksInManyLines)).Ok);

    [Fact]
    public async Task A_server_that_closes_at_once_is_closed_early() => AllFailed("closed-early", await CallAsync(Behaviour.ClosesAtOnce));

    [Fact]
    public async Task A_server_that_closes_after_its_banner_is_closed_early() => AllFailed("closed-early", await CallAsync(Behaviour.ClosesAfterBanner));

    [Fact]
    public async Task A_reset_is_a_reset() => AllFailed("reset", await CallAsync(Behaviour.ResetsAfterWhoami));

    [Fact]
    public async Task A_server_that_turns_away_has_a_bad_banner()
    {
        var summary = await CallAsync(Behaviour.TurnsAway);
        AllFailed("bad-banner", summary);
        Assert.Contains("554 not today", summary.FirstFailures[0].Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_reply_without_source_is_a_bad_reply() => AllFailed("bad-reply", await CallAsync(Behaviour.HidesTheSource));

    [Fact]
    public async Task A_silent_server_times_out_in_the_dialog() => AllFailed("dialog-timeout", await CallAsync(Behaviour.SaysNothing, "--timeout", "0.3"));

    [Fact]
    public async Task A_port_without_server_refuses()
    {
        using var server = new FakeServer(Behaviour.Honest);
        var port = server.Port;
        server.Dispose();
        AllFailed("connect-refused", await Runs.ExecuteAsync("--target", $"127.0.0.1:{port}", "--rate", "200", "--count", "20"));
    }

    [Fact]
    public async Task Slow_answers_do_not_slow_the_schedule()
    {
        var summary = await CallAsync(Behaviour.AnswersAfter(TimeSpan.FromSeconds(1)));
        Assert.Equal(20, summary.Ok);
        Assert.Equal(20, summary.InFlightMax);
        Assert.InRange(summary.TotalMs.P50!.Value, 950, 5000);
        Assert.InRange(summary.ElapsedS, 1, 5);
    }

    // A listener whose queue is full drops SYNs, as a hold does: the kernel sends them again after a second.
    [Fact]
    public async Task A_held_syn_survives_until_the_hold_ends()
    {
        using var server = new FakeServer(Behaviour.Honest, backlog: 0, accept: false);
        using var filler = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await filler.ConnectAsync(IPAddress.Loopback, server.Port);
        var run = Runs.ExecuteAsync("--target", $"127.0.0.1:{server.Port}", "--rate", "100", "--count", "5");
        await Task.Delay(500);
        server.BeginAccepting();
        var summary = await run;
        Assert.Equal([], summary.FirstFailures);
        Assert.Equal((5, 5, 0), (summary.Attempted, summary.Ok, summary.Failed));
        Assert.InRange(summary.ConnectMs.Max!.Value, 900, 20_000);
        Assert.InRange(summary.BySecond[0].ConnectMaxMs!.Value, 900, 20_000);
    }

    [Fact]
    public async Task A_syn_held_longer_than_the_limit_is_a_connect_timeout()
    {
        using var server = new FakeServer(Behaviour.Honest, backlog: 0, accept: false);
        using var filler = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await filler.ConnectAsync(IPAddress.Loopback, server.Port);
        var summary = await Runs.ExecuteAsync("--target", $"127.0.0.1:{server.Port}", "--rate", "100", "--count", "5", "--connect-timeout", "0.4");
        Assert.Equal(5, summary.FailedByReason["connect-timeout"]);
        Assert.Null(summary.ConnectMs.Max);
    }

    [Fact]
    public async Task Seconds_targets_and_totals_agree_when_only_some_fail()
    {
        using var good = new FakeServer(Behaviour.Honest);
        using var bad = new FakeServer(Behaviour.TurnsAway);
        using var liar = new FakeServer(Behaviour.SaysSource("203.0.113.20"));
        var summary = await Runs.ExecuteAsync(
            "--target", $"127.0.0.1:{good.Port}", "--target", $"127.0.0.1:{bad.Port}", "--target", $"127.0.0.1:{liar.Port}", "--rate", "60", "--duration", "1.5");
        Assert.Equal((90, 30, 30, 30), (summary.Attempted, summary.Ok, summary.Failed, summary.WrongSource));
        Assert.Equal([60, 30], summary.BySecond.Select(second => second.Attempted));
        Assert.Equal([20, 10], summary.BySecond.Select(second => second.Failed));
        Assert.Equal(new TargetSummary(30, 0, 30, 0), summary.ByTarget[$"127.0.0.1:{bad.Port}/tcp"]);
        Assert.Equal("duration", summary.EndedBy);
    }
}
