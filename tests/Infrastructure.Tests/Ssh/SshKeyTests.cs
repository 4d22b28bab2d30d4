using System.Text;
using MigrationDashboard.Infrastructure.Processes;
using MigrationDashboard.Infrastructure.Ssh;

namespace MigrationDashboard.Infrastructure.Tests.Ssh;

public sealed class SshKeyTests(SshServer server)
{
    private readonly SshKeys _keys = new(server.Runtime);

    [Fact]
    public async Task A_generated_key_is_ed25519_and_leaves_no_file()
    {
        var before = Files();

        using var key = await _keys.GenerateAsync("of the test; $(id)", default);

        Assert.StartsWith("ssh-ed25519 AAAA", key.PublicKey, StringComparison.Ordinal);
        Assert.EndsWith(" ofthetest;$(id)", key.PublicKey, StringComparison.Ordinal);
        Assert.Equal(before, Files());
    }

    [Fact]
    public async Task A_key_that_was_exported_is_imported_with_the_same_public_half()
    {
        using var key = await _keys.GenerateAsync("first", default);
        var pem = Encoding.ASCII.GetString(key.PrivateKey.Span).Replace("\n", "\r\n", StringComparison.Ordinal);

        using var again = await _keys.ImportAsync("  " + pem + "\n\n", "second", default);

        Assert.Equal(key.Fingerprint, again.Fingerprint);
        Assert.EndsWith(" second", again.PublicKey, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ed25519", null)]
    [InlineData("rsa", "PEM")]
    [InlineData("ecdsa", "PKCS8")]
    public async Task A_key_with_a_passphrase_is_refused_with_the_way_out(string type, string? format)
    {
        var file = server.Runtime.File(Guid.NewGuid().ToString("N"));
        string[] formatting = format is null ? [] : ["-m", format];
        await LocalCommand.RunAsync("ssh-keygen", ["-q", "-t", type, .. formatting, "-N", "secret phrase", "-f", file]);

        var problem = await Assert.ThrowsAsync<ArgumentException>(async () => await _keys.ImportAsync(await File.ReadAllTextAsync(file), "x", default));

        Assert.Contains("passphrase", problem.Message, StringComparison.Ordinal);
        File.Delete(file);
        File.Delete(file + ".pub");
    }

    [Theory]
    [InlineData("", "not a private key")]
    [InlineData("ssh-ed25519 AAAAC3Nz me@here", "public key")]
    [InlineData("PuTTY-User-Key-File-3: ssh-ed25519", "puttygen")]
    [InlineData("-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmU=\n-----END OPENSSH PRIVATE KEY-----", "damaged")]
    public async Task What_is_not_a_private_key_is_refused_with_a_reason(string text, string reason)
    {
        var before = Files();

        var problem = await Assert.ThrowsAsync<ArgumentException>(() => _keys.ImportAsync(text, "x", default));

        Assert.Contains(reason, problem.Message, StringComparison.Ordinal);
        Assert.Equal(before, Files());
    }

    [Fact]
    public async Task The_agent_signs_in_without_the_private_key_in_any_file_and_forgets_it_when_stopped()
    {
        string directory;
        await using (var rig = new SshRig(server))
        {
            await rig.Ssh.RunAsync(server.Target(), new("true"), default);
            directory = rig.Directory.Path;
            var secret = PrivatePart(server.Key);
            foreach (var file in Directory.EnumerateFiles(directory).Where(file => new FileInfo(file).Length > 0))
                Assert.DoesNotContain(secret, await File.ReadAllTextAsync(file), StringComparison.Ordinal);
            Assert.Contains(server.Key.Fingerprint, (await ListAsync(rig.Agent.Socket)).Output, StringComparison.Ordinal);
        }

        Assert.False(Directory.Exists(directory));
        Assert.NotEqual(0, (await ListAsync(directory + "/agent")).ExitCode);
    }

    [Fact]
    public async Task A_key_is_added_again_when_its_time_in_the_agent_is_over_and_not_before()
    {
        using var directory = new RuntimeDirectory();
        var keys = new TestKeys(server);
        var clock = new MovedClock();
        await using var agent = new SshAgent(keys, directory, clock);
        await agent.LoadAsync(TestKeys.Known, default);
        await agent.LoadAsync(TestKeys.Known, default);
        Assert.Equal(1, keys.Reads);

        clock.Ahead = SshAgent.KeyLifetime;
        await agent.LoadAsync(TestKeys.Known, default);

        Assert.Equal(2, keys.Reads);
    }

    [Fact]
    public async Task An_agent_that_was_killed_is_started_again()
    {
        using var directory = new RuntimeDirectory();
        await using var agent = new SshAgent(new TestKeys(server), directory, TimeProvider.System);
        await agent.LoadAsync(TestKeys.Known, default);
        var id = (await LocalCommand.RunAsync("pgrep", ["-f", $"^ssh-agent -a {agent.Socket}"])).Output.Split('\n')[0];
        System.Diagnostics.Process.GetProcessById(int.Parse(id, System.Globalization.CultureInfo.InvariantCulture)).Kill();
        await Task.Delay(200);

        await agent.LoadAsync(TestKeys.Known, default);

        Assert.Equal(0, (await ListAsync(agent.Socket)).ExitCode);
    }

    [Fact]
    public async Task The_first_look_shows_every_host_key_with_fingerprint_and_picture()
    {
        var seen = await HostKeyScan.LookAsync(server.Target(pinned: false), default);

        Assert.Equal(["ssh-ed25519", "ecdsa-sha2-nistp256"], seen.Select(one => one.Key.Type));
        Assert.Equal(server.HostKey, seen[0].Key);
        Assert.StartsWith("SHA256:", seen[0].Key.Fingerprint, StringComparison.Ordinal);
        Assert.Equal(11, seen[0].Randomart.Split('\n').Length);
        Assert.StartsWith("+--[ED25519", seen[0].Randomart, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_fingerprint_is_the_one_that_ssh_keygen_shows()
    {
        var shown = await LocalCommand.RunAsync("ssh-keygen", ["-l", "-f", "-"], Encoding.ASCII.GetBytes(server.HostKey + "\n"));

        Assert.Contains($" {server.HostKey.Fingerprint} ", shown.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_first_look_at_a_closed_port_or_an_unknown_name_says_so()
    {
        var closed = await Assert.ThrowsAsync<SshFailure>(() => HostKeyScan.LookAsync(server.Target(port: SshServer.FreePort()), default));
        Assert.Equal(SshFailureKind.Refused, closed.Kind);
        var nowhere = new SshTarget("no-such-host.invalid", 22, "root", [], TestKeys.Known);
        Assert.Equal(SshFailureKind.Unreachable, (await Assert.ThrowsAsync<SshFailure>(() => HostKeyScan.LookAsync(nowhere, default))).Kind);
    }

    private static Task<LocalResult> ListAsync(string socket) =>
        LocalCommand.RunAsync("ssh-add", ["-l"], environment: new Dictionary<string, string> { ["SSH_AUTH_SOCK"] = socket });

    // The middle of the PEM: the first lines hold the public half too.
    private static string PrivatePart(SshPrivateKey key) => Encoding.ASCII.GetString(key.PrivateKey.Span).Split('\n')[4];

    private string[] Files() => Directory.GetFiles(server.Runtime.Path);

    private sealed class MovedClock : TimeProvider
    {
        public TimeSpan Ahead { get; set; }

        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + Ahead;
    }
}
