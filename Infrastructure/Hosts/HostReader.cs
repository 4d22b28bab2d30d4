using MigrationDashboard.Core.HostScripts;
using MigrationDashboard.Core.Inventory;
using MigrationDashboard.Core.Preflight;
using MigrationDashboard.Core.Servers;
using MigrationDashboard.Infrastructure.Ssh;

namespace MigrationDashboard.Infrastructure.Hosts;

/// <summary>Reads hosts: one round trip, which changes nothing on them.</summary>
public sealed class HostReader(OpenSsh ssh, TimeProvider time)
{
    /// <summary>A reading takes a third of a second; adding up the workload's data may take 20 s a folder (inventory.sh, measure_patience).</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan LimitWithData = TimeSpan.FromMinutes(3);

    /// <param name="measure">Adds up the image and data of this workload as well; null to read the host alone.</param>
    /// <exception cref="SshFailure">The host could not be reached or read.</exception>
    /// <exception cref="FormatException">What came back is no reading.</exception>
    public async Task<HostInventory> ReadAsync(SshTarget target, Workload? measure, CancellationToken cancellation)
    {
        var command = new SshCommand(InventoryScript.Text, InventoryScript.Arguments(measure)) { Name = "inventory", Limit = measure is null ? Limit : LimitWithData };
        var result = await ssh.RunAsync(target, command, cancellation);
        var ended = time.GetUtcNow();
        var host = InventoryText.Parse(result.Output);

        // The script ended about now, so the middle of its run was half its time ago.
        return host with { System = host.System with { ClockOffset = host.System.Clock - (ended - (host.System.Took / 2)) } };
    }

    /// <summary>Likewise, with a failure as a value: what checks are made of.</summary>
    public async Task<HostReading> TryReadAsync(SshTarget target, Workload? measure, CancellationToken cancellation)
    {
        try
        {
            return HostReading.Of(await ReadAsync(target, measure, cancellation));
        }
        catch (SshFailure failure)
        {
            return HostReading.Failed(KindOf(failure.Kind), failure.Message);
        }
        catch (FormatException problem)
        {
            return HostReading.Failed(ReachFailureKind.Unreadable, $"{target}: {problem.Message}");
        }
    }

    private static ReachFailureKind KindOf(SshFailureKind kind) => kind switch
    {
        SshFailureKind.Unreachable => ReachFailureKind.Unreachable,
        SshFailureKind.Refused => ReachFailureKind.Refused,
        SshFailureKind.AuthenticationFailed => ReachFailureKind.KeyRefused,
        SshFailureKind.HostKeyUnknown => ReachFailureKind.HostKeyUnknown,
        SshFailureKind.HostKeyChanged => ReachFailureKind.HostKeyChanged,
        SshFailureKind.NoSudo => ReachFailureKind.NoSudo,
        SshFailureKind.CommandFailed => ReachFailureKind.Unreadable,
        _ => ReachFailureKind.Interrupted,
    };
}
