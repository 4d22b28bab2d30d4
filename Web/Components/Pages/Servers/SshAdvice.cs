using MigrationDashboard.Infrastructure.Ssh;

namespace MigrationDashboard.Web.Components.Pages.Servers;

/// <summary>What an operator can do about a connection that failed.</summary>
public static class SshAdvice
{
    public static string For(SshFailureKind kind) => kind switch
    {
        SshFailureKind.Unreachable => "See that the address is right, the server is up, and no firewall between the dashboard and it drops SSH.",
        SshFailureKind.Refused => "See that sshd runs there and listens on this port.",
        SshFailureKind.TimedOut => "See whether the server is overloaded, then try again.",
        SshFailureKind.HostKeyUnknown => "Look at the server's keys and pin them first.",
        SshFailureKind.HostKeyChanged => "Find out why, on the server's own console. Only if its keys were renewed: remove it here and register it anew.",
        SshFailureKind.AuthenticationFailed => "Put the dashboard's key into the account's authorized_keys with the line shown, then try again.",
        SshFailureKind.NoSudo => "Put the sudo line shown into /etc/sudoers.d/migration-dashboard, then try again.",
        SshFailureKind.ConnectionLost => "Try again.",
        _ => "The details say what the server answered.",
    };
}
