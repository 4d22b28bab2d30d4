using System.Globalization;
using MigrationDashboard.Core.Connections;
using MigrationDashboard.Core.HostScripts;
using MigrationDashboard.Infrastructure.Connections;
using MigrationDashboard.Infrastructure.Ssh;
using MigrationDashboard.Infrastructure.Tests.Postgres;
using MigrationDashboard.Infrastructure.Tests.Ssh;

namespace MigrationDashboard.Infrastructure.Tests.Connections;

/// <summary>The real script over a real SSH connection.</summary>
public sealed class SshHostLinesTests(SshServer ssh, PostgresServer postgres) : IAsyncLifetime
{
    private readonly CuttableProxy _proxy = new(ssh.Port);
    private readonly SshRig _rig = new(ssh, new() { ConnectTimeout = TimeSpan.FromSeconds(10), ServerAliveInterval = TimeSpan.FromSeconds(1) });

    // Seen in the host's process list, so that these samplers are told from others'.
    private readonly int _longest = 100_000 + Environment.ProcessId;

    private SshHostLines Hosts => new(_rig.Ssh, (_, _) => Task.FromResult(ssh.Target(ssh.Sudoer, _proxy.Port)));

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await _rig.DisposeAsync();
        _proxy.Dispose();
    }

    [Fact]
    public async Task Lines_come_as_they_are_printed_and_leaving_ends_the_sampler_on_the_host()
    {
        await using var database = await postgres.CreateSchemaAsync();
        var mail = await Sampled.CreateAsync(database);
        var lines = new List<SampleLine>();

        await foreach (var text in Hosts.RunAsync(mail.OldServer, SampleScript.Render([mail.Old], TimeSpan.FromSeconds(_longest)), default))
        {
            var (line, error) = SampleLineReader.Read(text, [mail.Old]);
            Assert.True(line is not null, $"{error}: {text}");
            lines.Add(line);
            Assert.NotEmpty(Samplers());
            if (lines.Count == 3)
                break;
        }

        Assert.InRange((lines[2].HostClock - lines[0].HostClock).TotalSeconds, 1, 30);
        await Eventually.TrueAsync(() => Samplers().Count == 0, "the sampler ends on the host", 60);
    }

    [Fact]
    public async Task When_the_connection_is_cut_the_sampler_on_the_host_ends_and_the_failure_says_so()
    {
        await using var database = await postgres.CreateSchemaAsync();
        var mail = await Sampled.CreateAsync(database);
        var script = SampleScript.Render([mail.Old], TimeSpan.FromSeconds(_longest));

        var failure = await Assert.ThrowsAsync<SshFailure>(async () =>
        {
            await foreach (var _ in Hosts.RunAsync(mail.OldServer, script, default))
                _proxy.Cut();
        });

        Assert.Equal(SshFailureKind.ConnectionLost, failure.Kind);
        await Eventually.TrueAsync(() => Samplers().Count == 0, "the sampler ends on the host", 60);
    }

    private List<string> Samplers()
    {
        var mine = "longest=" + _longest.ToString(CultureInfo.InvariantCulture);
        return [.. Directory.EnumerateDirectories("/proc").Select(folder => Path.Combine(folder, "cmdline")).Where(file =>
        {
            try
            {
                return File.Exists(file) && File.ReadAllText(file).Contains(mine, StringComparison.Ordinal);
            }
            catch (IOException)
            {
                // It ended while it was looked at.
                return false;
            }
        })];
    }
}
