namespace MigrationDashboard.Load.Tests;

public sealed class SessionTests
{
    private static Task<Summary> RunAsync(FakeServer server, params string[] more) => Runs.ExecuteAsync(
        ["--target", $"127.0.0.1:{server.Port}", "--sessions", "10", "--session-interval", "0.2", "--duration", "1.1", "--from", "127.0.0.11-127.0.0.20", .. more]);

    [Fact]
    public async Task Sessions_stay_open_and_ask_again_and_again()
    {
        using var server = new FakeServer(Behaviour.Honest);
        var summary = await RunAsync(server);
        Assert.Equal((10, 0, 0, 0), (summary.Sessions.Opened, summary.Sessions.NotOpened, summary.Sessions.Broken, summary.Sessions.WrongSource));
        // Five or six questions each, fewer on a machine that stalls.
        Assert.InRange(summary.Sessions.Checks, 30, 60);
        Assert.Equal(10, server.Callers.Count);
        Assert.Equal(0, summary.Attempted);
    }

    [Fact]
    public async Task A_wrong_source_in_a_session_is_found()
    {
        using var server = new FakeServer(Behaviour.SaysSource("203.0.113.20"));
        var summary = await RunAsync(server);
        Assert.Equal(summary.Sessions.Checks, summary.Sessions.WrongSource);
        Assert.Equal("session", summary.WrongSourceExamples[0].Kind);
        Assert.Equal(0, summary.WrongSource);
    }

    private static async Task AnswerOnceThenAsync(FakeClient client, Action end)
    {
        await client.SayAsync("220 fake\r\n");
        await client.LineAsync();
        await client.SayAsync($"502 client=[{client.Address}]\r\n");
        end();
    }

    [Fact]
    public async Task A_session_closed_between_two_questions_is_broken_at_once()
    {
        using var server = new FakeServer(client => AnswerOnceThenAsync(client, () => { }));
        var summary = await RunAsync(server, "--session-interval", "60");
        Assert.Equal((10, 10, 10), (summary.Sessions.Opened, summary.Sessions.Broken, summary.Sessions.BrokenByReason["closed-early"]));
    }

    [Fact]
    public async Task A_session_reset_is_broken()
    {
        using var server = new FakeServer(client => AnswerOnceThenAsync(client, client.Reset));
        Assert.Equal(10, (await RunAsync(server)).Sessions.BrokenByReason["reset"]);
    }

    [Fact]
    public async Task A_server_that_takes_its_leave_breaks_the_session_in_its_own_words()
    {
        using var server = new FakeServer(async client =>
        {
            await AnswerOnceThenAsync(client, () => { });
            await client.SayAsync("421 shutting down\r\n");
        });
        var summary = await RunAsync(server);
        Assert.Equal(10, summary.Sessions.Broken);
        Assert.Contains("421 shutting down", summary.FirstFailures[0].Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_session_that_gets_no_more_answers_is_broken_after_the_timeout()
    {
        using var server = new FakeServer(async client =>
        {
            await AnswerOnceThenAsync(client, () => { });
            await client.LineAsync();
            await client.LineAsync();
        });
        Assert.Equal(10, (await RunAsync(server, "--timeout", "0.3")).Sessions.BrokenByReason["dialog-timeout"]);
    }

    [Fact]
    public async Task A_session_that_never_opened_is_not_a_broken_one()
    {
        using var server = new FakeServer(Behaviour.TurnsAway);
        var summary = await RunAsync(server);
        Assert.Equal((0, 10, 0), (summary.Sessions.Opened, summary.Sessions.NotOpened, summary.Sessions.Broken));
        Assert.Equal(10, summary.Sessions.BrokenByReason["bad-banner"]);
    }
}
