using System.Diagnostics;
using MigrationDashboard.Infrastructure.Ssh;

namespace MigrationDashboard.Infrastructure.Tests.Ssh;

public sealed class OpenSshTests(SshServer server) : IAsyncLifetime
{
    private readonly SshRig _rig = new(server);

    private OpenSsh Ssh => _rig.Ssh;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public ValueTask DisposeAsync() => _rig.DisposeAsync();

    [Fact]
    public async Task A_command_gives_its_output_its_errors_and_its_exit_code()
    {
        var result = await Ssh.RunAsync(server.Target(), new("echo out; echo err >&2; exit 7") { AnyExitCode = true }, default);

        Assert.Equal((7, "out\n", "err\n"), (result.ExitCode, result.Output, result.ErrorOutput));
        Assert.InRange(result.Duration, TimeSpan.FromMilliseconds(1), TimeSpan.FromSeconds(10));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(126)]
    [InlineData(254)]
    [InlineData(255)]
    public async Task A_command_that_fails_throws_with_its_exit_code_and_what_it_had_printed(int code)
    {
        var command = new SshCommand($"echo partial; echo why >&2; exit {code}") { Name = "breaking" };

        var failure = await FailureAsync(server.Target(), command);

        Assert.Equal((SshFailureKind.CommandFailed, code, "breaking", "partial\n", "why\n", true),
            (failure.Kind, failure.ExitCode, failure.Command, failure.Output, failure.ErrorOutput, failure.Started));
        Assert.Contains("why", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Arguments_are_values_whatever_is_in_them()
    {
        string[] values = ["", "a b", "it's", "$(touch /tmp/migdash-pwned)", "`id`", "line\nbreak", "\"; exit 3; \"", "-n", "*", "\\", "ü€𝄞", "!!", "tab\there"];

        var result = await Ssh.RunAsync(server.Target(), new("for value; do printf '%s\\0' \"$value\"; done", values), default);

        Assert.Equal(values, result.Output.Split('\0')[..^1]);
        Assert.False(File.Exists("/tmp/migdash-pwned"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_script_of_2_MB_runs_and_5_MB_of_output_come_back_whole(bool bySudo)
    {
        var target = bySudo ? server.Target(server.Sudoer) : server.Target();
        var filler = string.Concat(Enumerable.Repeat(": nothing to see in this line, it only takes room\n", 42_000));
        var script = filler + "i=0; while [ $i -lt 50000 ]; do echo 0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789; i=$((i+1)); done";

        var result = await Ssh.RunAsync(target, new(script), default);

        Assert.True(script.Length > 2_000_000);
        Assert.Equal(50_000 * 101, result.Output.Length);
    }

    [Fact]
    public async Task Nothing_of_a_script_runs_when_its_end_is_missing()
    {
        var failure = await FailureAsync(server.Target(), new("echo began\nif true; then echo half"));

        Assert.Equal((SshFailureKind.CommandFailed, false), (failure.Kind, failure.Started));
        Assert.DoesNotContain("began", failure.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_script_cannot_eat_its_own_text_by_reading_stdin()
    {
        var result = await Ssh.RunAsync(server.Target(), new("cat\necho still here"), default);

        Assert.Equal("still here\n", result.Output);
    }

    [Fact]
    public async Task Line_numbers_in_messages_are_those_of_the_script()
    {
        var failure = await FailureAsync(server.Target(), new("set -eu\n:\necho \"$missing\"", "argument"));

        Assert.Contains("3: missing", failure.ErrorOutput, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_command_over_its_limit_fails_as_timed_out_with_what_it_had_printed()
    {
        var clock = Stopwatch.StartNew();

        var failure = await FailureAsync(server.Target(), new("echo soon; sleep 60") { Limit = TimeSpan.FromSeconds(4) });

        Assert.Equal((SshFailureKind.TimedOut, "soon\n"), (failure.Kind, failure.Output));
        Assert.InRange(clock.Elapsed, TimeSpan.FromSeconds(4), TimeSpan.FromSeconds(20));
        Assert.Equal("next\n", (await Ssh.RunAsync(server.Target(), new("echo next"), default)).Output);
    }

    [Fact]
    public async Task Cancellation_ends_the_wait_at_once()
    {
        await Ssh.RunAsync(server.Target(), new("true"), default);
        using var cancel = new CancellationTokenSource(TimeSpan.FromMilliseconds(700));
        var clock = Stopwatch.StartNew();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Ssh.RunAsync(server.Target(), new("sleep 30"), cancel.Token));

        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(5), $"took {clock.Elapsed}");
    }

    [Fact]
    public async Task An_account_with_sudo_runs_as_root_and_one_that_asks_for_itself_does_not()
    {
        var target = server.Target(server.Sudoer);

        Assert.Equal("0\n", (await Ssh.RunAsync(target, new("id -u"), default)).Output);
        Assert.Equal(server.Sudoer + "\n", (await Ssh.RunAsync(target, new("id -un") { AsRoot = false }, default)).Output);
    }

    [Fact]
    public async Task An_account_without_sudo_is_told_so()
    {
        var failure = await FailureAsync(server.Target(server.Plain), new("id -u"));

        Assert.Equal((SshFailureKind.NoSudo, false), (failure.Kind, failure.Started));
        Assert.Contains(SshCommand.ShellCommandLine, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Another_host_key_than_the_pinned_one_stops_everything()
    {
        var other = SshHostKey.Parse((await new SshKeys(server.Runtime).GenerateAsync("x", default)).PublicKey);

        var failure = await FailureAsync(server.Target(hostKey: other), new("echo never"));

        Assert.Equal((SshFailureKind.HostKeyChanged, false), (failure.Kind, failure.Started));
    }

    [Fact]
    public async Task A_host_without_a_pinned_key_is_not_spoken_to()
    {
        var failure = await FailureAsync(server.Target(pinned: false), new("echo never"));

        Assert.Equal((SshFailureKind.HostKeyUnknown, false), (failure.Kind, failure.Started));
    }

    [Fact]
    public async Task A_key_the_host_does_not_take_fails_as_authentication()
    {
        Assert.Equal(SshFailureKind.AuthenticationFailed, (await FailureAsync(server.Target(keyId: TestKeys.Stranger), new("echo never"))).Kind);
        Assert.Equal(SshFailureKind.AuthenticationFailed, (await FailureAsync(server.Target(keyId: Guid.NewGuid()), new("echo never"))).Kind);
    }

    [Fact]
    public async Task A_closed_port_is_refused_and_a_name_that_does_not_resolve_is_unreachable()
    {
        Assert.Equal(SshFailureKind.Refused, (await FailureAsync(server.Target(port: SshServer.FreePort()), new("echo never"))).Kind);
        var nowhere = new SshTarget("no-such-host.invalid", 22, "root", [server.HostKey], TestKeys.Known);
        Assert.Equal(SshFailureKind.Unreachable, (await FailureAsync(nowhere, new("echo never"))).Kind);
    }

    [Fact]
    public async Task A_host_that_accepts_but_never_speaks_is_unreachable_within_the_limit()
    {
        using var proxy = new CuttableProxy(server.Port);
        proxy.Silence();
        var clock = Stopwatch.StartNew();

        var failure = await FailureAsync(server.Target(port: proxy.Port), new("echo never"));

        Assert.Equal(SshFailureKind.Unreachable, failure.Kind);
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(12), $"took {clock.Elapsed}");
    }

    private Task<SshFailure> FailureAsync(SshTarget target, SshCommand command) =>
        Assert.ThrowsAsync<SshFailure>(() => Ssh.RunAsync(target, command, default));
}
