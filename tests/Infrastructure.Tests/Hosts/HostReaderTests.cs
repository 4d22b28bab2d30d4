using MigrationDashboard.Core.Preflight;
using MigrationDashboard.Infrastructure.Hosts;
using MigrationDashboard.Infrastructure.Tests.Ssh;

namespace MigrationDashboard.Infrastructure.Tests.Hosts;

public sealed class HostReaderTests(SshServer server) : IAsyncLifetime
{
    private readonly SshRig _rig = new(server);

    private HostReader Reader => new(_rig.Ssh, TimeProvider.System);

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public ValueTask DisposeAsync() => _rig.DisposeAsync();

    [Fact]
    public async Task A_host_is_read_as_root_by_sudo_in_one_round_trip()
    {
        var target = server.Target(server.Sudoer);
        var host = await Reader.ReadAsync(target, null, default);

        Assert.Equal(0, host.System.UserId);
        Assert.Equal(File.ReadAllText("/proc/sys/kernel/osrelease").Trim(), host.System.KernelRelease);
        Assert.Contains(host.Links, link => link is { Name: "lo", Kind: "loopback" });
        Assert.Contains(host.Sockets, socket => socket.Port == server.Port);
        Assert.Equal(1, _rig.Ssh.RoundTrips(target));
    }

    [Fact]
    public async Task Its_clock_is_compared_with_ours()
    {
        // The same computer: apart by no more than the answer took on its way back, which on a busy one can be seconds.
        var host = await Reader.ReadAsync(server.Target(), null, default);
        Assert.InRange(host.System.ClockOffset!.Value, TimeSpan.FromSeconds(-10), TimeSpan.FromSeconds(1));
    }

    [Fact]
    public async Task A_host_that_cannot_be_read_is_a_value_that_says_why()
    {
        Assert.Equal(ReachFailureKind.NoSudo, (await Reader.TryReadAsync(server.Target(server.Plain), null, default)).Failure!.Kind);
        Assert.Equal(ReachFailureKind.KeyRefused, (await Reader.TryReadAsync(server.Target(keyId: TestKeys.Stranger), null, default)).Failure!.Kind);
        Assert.Equal(ReachFailureKind.HostKeyUnknown, (await Reader.TryReadAsync(server.Target(pinned: false), null, default)).Failure!.Kind);
        Assert.Equal(ReachFailureKind.Refused, (await Reader.TryReadAsync(server.Target(port: SshServer.FreePort()), null, default)).Failure!.Kind);
        Assert.NotNull((await Reader.TryReadAsync(server.Target(), null, default)).Inventory);
    }
}
