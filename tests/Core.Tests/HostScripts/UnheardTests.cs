using MigrationDashboard.Core.HostScripts;
using Xunit;

namespace MigrationDashboard.Core.Tests.HostScripts;

/// <summary>A cancelled run or a dashboard that dies takes its connection along: scripts that only look leave nothing behind even then.</summary>
public sealed class UnheardTests : IDisposable
{
    private readonly KernelHost host = new("old");

    public void Dispose() => host.Dispose();

    [Fact]
    public void The_trial_of_the_revert() => LeavesNothing(SelfTestScript.Render(Cases.Mail().Allocation));

    [Fact]
    public void The_inventory() => LeavesNothing(InventoryScript.Text);

    private void LeavesNothing(string script)
    {
        var before = host.Sh("ls -A /run /var/lib");

        // As sshd starts it: .NET lets what it starts ignore a broken pipe.
        host.Sh($"cat >/run/script <<'END-OF-SCRIPT'\n{script}\nEND-OF-SCRIPT\nenv --default-signal=PIPE sh /run/script | true; rm /run/script");
        Assert.Equal(before, host.Sh("ls -A /run /var/lib"));
    }
}
