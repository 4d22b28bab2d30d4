using MigrationDashboard.Core.Servers;

namespace MigrationDashboard.Core.Preflight;

/// <summary>Is the conntrack command there, which UDP needs to move?</summary>
public sealed class ConntrackToolCheck() : HostCheck("conntrack-tool", "The conntrack command")
{
    protected override IEnumerable<CheckResult> Judge(HostView view)
    {
        var udp = view.Spec.Ports.Any(port => port.Transport == Transport.Udp);
        if (view.Host.Has("conntrack"))
            yield return Result(view.Role, CheckStatus.Pass, "conntrack is installed");
        else if (udp)
            yield return Result(view.Role, CheckStatus.Fail, "conntrack is not installed", "UDP flows that go on are never looked at again by the kernel: without deleting their entries they stay where they were.", "Install conntrack (conntrack-tools).");
        else
            yield return Result(view.Role, CheckStatus.Warn, "conntrack is not installed",
                view.Host.System.ConntrackList ? "Counting reads /proc/net/nf_conntrack instead, which costs more on a busy server." : "Connections are counted from sockets only: the ones to containers and forwarded ones are missing.",
                "Install conntrack (conntrack-tools) for exact counts.");
    }
}
