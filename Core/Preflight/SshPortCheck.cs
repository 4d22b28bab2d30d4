using System.Globalization;
using MigrationDashboard.Core.Servers;

namespace MigrationDashboard.Core.Preflight;

/// <summary>Would forwarding take the way in to the servers, or the link's own packets?</summary>
public sealed class SshPortCheck() : HostCheck("ssh-port", "SSH and the link stay out of it")
{
    protected override IEnumerable<CheckResult> Judge(HostView view)
    {
        var ssh = view.Host.Ssh.Ports.Select(port => (int)port).Append(view.Input.SshPort(view.Role)).Distinct().Order().ToList();
        var taken = view.Spec.Ports.Where(port => port.Transport == Transport.Tcp && ssh.Contains(port.Number)).ToList();
        var link = view.Spec.Ports.Where(port => port.Transport == Transport.Udp && port.Number == view.Spec.Link.Port).ToList();
        var shown = string.Join(", ", ssh.Select(port => port.ToString(CultureInfo.InvariantCulture)));
        yield return taken.Count > 0
            ? Result(view.Role, CheckStatus.Fail, $"SSH listens on {shown}", $"{taken[0]} is to be forwarded: the server would be locked out.", "Take the port out of the migration.")
            : link.Count > 0
                ? Result(view.Role, CheckStatus.Fail, $"{link[0]} is the link's own port", "The link would be forwarded through itself.", "Choose another port for the link.")
                : Result(view.Role, CheckStatus.Pass, $"SSH listens on {shown}", "", "No rule will match these ports.");
    }
}
