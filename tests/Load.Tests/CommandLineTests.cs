namespace MigrationDashboard.Load.Tests;

public sealed class CommandLineTests
{
    private static IReadOnlyList<string> Errors(string args) => CommandLine.Parse(args.Split(' '), _ => null, "run").Errors;

    [Fact]
    public void All_options_are_read()
    {
        var options = Runs.Options(
            "--target", "203.0.113.10:25/smtp", "--target=203.0.113.20:53/udp", "--rate", "300.5", "--duration", "90", "--count", "1000", "--from",
            "198.51.100.2-198.51.100.3", "--connect-timeout", "40", "--timeout", "2.5", "--sessions", "50", "--session-interval", "0.5", "--mail-rate", "5",
            "--mail-log", "accepted", "--run", "cutover-1", "--stop-file", "stop", "--progress");
        Assert.Equal(["203.0.113.10:25/smtp", "203.0.113.20:53/udp"], options.Targets.Select(target => target.Name));
        Assert.Equal(300.5, options.Rate);
        Assert.Equal(TimeSpan.FromSeconds(90), options.Duration);
        Assert.Equal(1000, options.Count);
        Assert.Equal(2, options.Sources.Count);
        Assert.Equal(TimeSpan.FromSeconds(40), options.ConnectTimeout);
        Assert.Equal(TimeSpan.FromSeconds(2.5), options.Timeout);
        Assert.Equal(50, options.Sessions);
        Assert.Equal(TimeSpan.FromSeconds(0.5), options.SessionInterval);
        Assert.Equal(5, options.MailRate);
        Assert.Equal("accepted", options.MailLog);
        Assert.Equal("cutover-1", options.Run);
        Assert.Equal("stop", options.StopFile);
        Assert.True(options.Progress);
    }

    [Fact]
    public void A_run_without_duration_still_ends_and_a_held_syn_survives_by_default()
    {
        var options = Runs.Options("--target", "203.0.113.10:25", "--rate", "1");
        Assert.Equal(TimeSpan.FromMinutes(10), options.Duration);
        Assert.Equal(TimeSpan.FromSeconds(30), options.ConnectTimeout);
        Assert.Equal(TimeSpan.FromSeconds(30), options.Timeout);
    }

    [Theory]
    [InlineData("--rate 1", "--target: none given")]
    [InlineData("--target 203.0.113.10:25", "--rate: give it")]
    [InlineData("--target 203.0.113.10:25 --rate 0", "--rate: 0, and neither")]
    [InlineData("--target 203.0.113.10:25 --rate fast", "--rate: 'fast'")]
    [InlineData("--target 203.0.113.10:25 --rate -1", "--rate: '-1'")]
    [InlineData("--target 203.0.113.10:25 --rate NaN", "--rate: 'NaN'")]
    [InlineData("--target 203.0.113.10:25 --rate", "--rate: the value is missing")]
    [InlineData("--target 203.0.113.10:25 --rate 1 --duration 0", "--duration: '0'")]
    [InlineData("--target 203.0.113.10:25 --rate 1 --duration 86401", "--duration: '86401'")]
    [InlineData("--target 203.0.113.10:25 --rate 1 --count 1.5", "--count: '1.5'")]
    [InlineData("--target 203.0.113.10:25 --sessions 1 --count 5", "--count: needs")]
    [InlineData("--target 203.0.113.10:25 --rate 1 --run a/b", "--run: 'a/b'")]
    [InlineData("--target 203.0.113.10:25 --mail-rate 1", "--mail-rate: no --target")]
    [InlineData("--target 203.0.113.10:25 --rate 1 --mail-log x", "--mail-log: needs")]
    [InlineData("--target 203.0.113.10:25/udp --sessions 1", "--sessions: every")]
    [InlineData("--target 203.0.113.10:25 --rate 1 --from 2001:db8::1", "--from: has no IPv4 address")]
    [InlineData("--target 203.0.113.10:25 --rate 1 --verbose", "--verbose: no such option")]
    [InlineData("--target 203.0.113.10:25 --rate 1 --verbose=1", "--verbose: no such option")]
    public void An_error_names_the_option(string args, string error) => Assert.StartsWith(error, Assert.Single(Errors(args)), StringComparison.Ordinal);

    [Fact]
    public void All_errors_are_told_at_once() => Assert.Equal(3, Errors("--target nowhere --rate fast --from 1-2-3").Count);
}
