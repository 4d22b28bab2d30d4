namespace MigrationDashboard.Infrastructure.Ssh;

public sealed record SshOptions
{
    /// <summary>For TCP and the first exchange. A host on the other side of the world answers within a second; 10 s leaves room for a few lost packets.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Between questions on an idle connection. Three without an answer end it: a dead host is noticed within 15 s.</summary>
    public TimeSpan ServerAliveInterval { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Commands at once on one connection. sshd's MaxSessions is 10 by default (sshd_config(5)); two are left to spare.</summary>
    public int SessionsPerConnection { get; init; } = 8;
}
