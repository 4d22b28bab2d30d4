using MigrationDashboard.Infrastructure.Ssh;

namespace MigrationDashboard.Infrastructure.Tests.Ssh;

public sealed class SshTargetTests
{
    [Theory]
    [InlineData("192.0.2.1")]
    [InlineData("2001:db8::1")]
    [InlineData("fe80::1%eth0")]
    [InlineData("mail.example.org")]
    [InlineData("old")]
    public void Addresses_and_names_are_taken(string host) => Assert.Equal(host, Make(host: host).Host);

    [Theory]
    [InlineData("")]
    [InlineData("-oProxyCommand=reboot")]
    [InlineData("a b")]
    [InlineData("a;reboot")]
    [InlineData("1.2.3")]
    [InlineData("192.0.2.256")]
    [InlineData("0x7f.1")]
    [InlineData("name\n")]
    [InlineData("$(id)")]
    [InlineData("fe80::1%eth0;reboot")]
    [InlineData("-mail.example.org")]
    [InlineData("exa_mple\"")]
    public void Hosts_that_ssh_could_misread_are_refused(string host) => Assert.Throws<ArgumentException>(() => Make(host: host));

    [Theory]
    [InlineData("")]
    [InlineData("-l")]
    [InlineData("ro ot")]
    [InlineData("root\n")]
    [InlineData("a;b")]
    [InlineData("%h")]
    public void Users_that_ssh_could_misread_are_refused(string user) => Assert.Throws<ArgumentException>(() => Make(user: user));

    [Fact]
    public void Port_0_and_chains_of_jump_hosts_are_refused()
    {
        Assert.Throws<ArgumentException>(() => Make(port: 0));
        Assert.Throws<ArgumentException>(() => Make(jump: Make(jump: Make())));
    }

    [Theory]
    [InlineData("ssh-ed25519")]
    [InlineData("ssh-ed25519 AAAA")]
    [InlineData("ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIJX1pJkmm0nI9wbUdVFQwQp2v3z3i4P4l3pK2j8hJxX5")]
    [InlineData("a b ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJX1pJkmm0nI9wbUdVFQwQp2v3z3i4P4l3pK2j8hJxX5")]
    public void Lines_that_are_no_host_key_are_refused(string line) => Assert.Throws<ArgumentException>(() => SshHostKey.Parse(line));

    [Fact]
    public void Targets_are_equal_by_value_and_a_change_of_a_pinned_key_makes_another_one()
    {
        var key = SshHostKey.Parse("host ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJX1pJkmm0nI9wbUdVFQwQp2v3z3i4P4l3pK2j8hJxX5 comment");

        Assert.Equal(Make(keys: [key]), Make(keys: [key]));
        Assert.Equal(Make(keys: [key]).GetHashCode(), Make(keys: [key]).GetHashCode());
        Assert.NotEqual(Make(keys: [key]), Make(keys: []));
    }

    private static SshTarget Make(string host = "192.0.2.1", ushort port = 22, string user = "root", SshHostKey[]? keys = null, SshTarget? jump = null) =>
        new(host, port, user, keys ?? [], Guid.Empty, jump);
}
