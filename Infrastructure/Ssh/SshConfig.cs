using System.Globalization;
using System.Text;

namespace MigrationDashboard.Infrastructure.Ssh;

/// <summary>The ssh_config(5) text for one target: nothing of the user's own configuration plays a part.</summary>
internal static class SshConfig
{
    /// <summary>How the target is called on ssh's command line.</summary>
    public const string TargetAlias = "target";

    public const string JumpAlias = "jump";

    /// <param name="Agent">Socket of the private agent.</param>
    /// <param name="KnownHosts">File with what <see cref="KnownHosts(SshTarget)"/> renders.</param>
    /// <param name="PublicKey">File of the public key by which ssh finds the private one in the agent.</param>
    /// <param name="JumpPublicKey">Likewise for the jump host; null without one.</param>
    public sealed record Paths(string Agent, string KnownHosts, string PublicKey, string? JumpPublicKey);

    public static string Render(SshTarget target, Paths paths, SshOptions options)
    {
        var text = new StringBuilder();
        Host(text, TargetAlias, target, paths.PublicKey);
        if (target.Jump is not null)
        {
            text.AppendLine($"  ProxyJump {JumpAlias}");
            Host(text, JumpAlias, target.Jump, paths.JumpPublicKey!);
        }

        text.AppendLine(CultureInfo.InvariantCulture, $"""
            Host *
              IdentityAgent "{paths.Agent}"
              IdentitiesOnly yes
              UserKnownHostsFile "{paths.KnownHosts}"
              GlobalKnownHostsFile /dev/null
              StrictHostKeyChecking yes
              UpdateHostKeys no
              CheckHostIP no
              VerifyHostKeyDNS no
              PreferredAuthentications publickey
              BatchMode yes
              ConnectTimeout {(int)Math.Ceiling(options.ConnectTimeout.TotalSeconds)}
              ServerAliveInterval {(int)Math.Ceiling(options.ServerAliveInterval.TotalSeconds)}
              ServerAliveCountMax 3
              TCPKeepAlive yes
              ControlPersist no
              ForwardAgent no
              ForwardX11 no
              PermitLocalCommand no
              RequestTTY no
              LogLevel INFO
            """);
        return text.ToString();
    }

    /// <summary>The pinned keys under the aliases, so that neither the address nor the port plays a part.</summary>
    public static string KnownHosts(SshTarget target)
    {
        var text = new StringBuilder();
        foreach (var key in target.HostKeys)
            text.Append(TargetAlias).Append(' ').Append(key).Append('\n');
        foreach (var key in target.Jump?.HostKeys ?? [])
            text.Append(JumpAlias).Append(' ').Append(key).Append('\n');
        return text.ToString();
    }

    // HostName expands % tokens; an IPv6 zone has one.
    private static void Host(StringBuilder text, string alias, SshTarget target, string publicKey) =>
        text.AppendLine(CultureInfo.InvariantCulture, $"""
            Host {alias}
              HostName {target.Host.Replace("%", "%%", StringComparison.Ordinal)}
              Port {target.Port}
              User {target.User}
              HostKeyAlias {alias}
              IdentityFile "{publicKey}"
            """);
}
