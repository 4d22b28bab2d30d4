using MigrationDashboard.Core.Inventory;
using MigrationDashboard.Core.Migrations;
using MigrationDashboard.Core.Preflight;
using MigrationDashboard.Core.Servers;
using MigrationDashboard.Core.Stages;
using Xunit;
using static MigrationDashboard.Core.Preflight.CheckStatus;

namespace MigrationDashboard.Core.Tests.Preflight;

public class SystemChecksTests
{
    private static readonly CheckCase Seed = CheckCase.Seed;

    [Fact]
    public void The_seed_case_passes_every_check_of_the_lab()
    {
        var results = PreflightChecks.Run(Seed.Input);
        Assert.All(results, result => Assert.True(result.Status is Pass or Warn, $"{result.Id} {result.Role}: {result.Status} {result.Found}"));
        Assert.True(PreflightChecks.Allows(results));

        // The lab's machines have public IPv6 addresses, and the link of the seed case has none.
        Assert.Equal(["ipv6"], results.Where(result => result.Status == Warn).Select(result => result.Id));
    }

    [Fact]
    public void Every_check_has_a_name_and_answers_for_unread_servers_without_breaking()
    {
        var unread = Seed.Input with { Old = HostReading.Failed(ReachFailureKind.Unreachable, "old does not answer"), New = new(null, null) };
        var results = PreflightChecks.Run(unread);
        Assert.Equal(PreflightChecks.All.Count, PreflightChecks.All.Select(check => check.Id).Distinct().Count());
        Assert.Contains(results, result => result is { Id: "reach", Role: Role.Old, Status: Fail });
        Assert.Contains(results, result => result is { Id: "reach", Role: Role.New, Status: Unknown });
        Assert.All(results.Where(result => result.Id != "reach"), result => Assert.Equal(Unknown, result.Status));
        Assert.False(PreflightChecks.Allows(results));
    }

    [Fact]
    public void A_check_that_breaks_is_an_error_and_stops_nothing() =>
        Assert.Equal(Error, Assert.Single(PreflightChecks.Run(new Broken(), Seed.Input)).Status);

    private sealed class Broken() : Check("broken", "Broken")
    {
        public override IEnumerable<CheckResult> Judge(PreflightInput input) => throw new InvalidOperationException("no");
    }

    [Theory]
    [InlineData(ReachFailureKind.Unreachable, "firewalls on the way")]
    [InlineData(ReachFailureKind.KeyRefused, "authorized_keys")]
    [InlineData(ReachFailureKind.HostKeyChanged, "in between")]
    [InlineData(ReachFailureKind.HostKeyUnknown, "confirm")]
    [InlineData(ReachFailureKind.NoSudo, "sudo")]
    [InlineData(ReachFailureKind.Refused, "port")]
    [InlineData(ReachFailureKind.Interrupted, "again")]
    [InlineData(ReachFailureKind.Unreadable, "login script")]
    public void A_server_that_is_not_reached_fails_with_what_to_do(ReachFailureKind kind, string advice)
    {
        var result = new ReachCheck().Judge(Seed.Input with { New = HostReading.Failed(kind, "detail") }).Single(result => result.Role == Role.New);
        Assert.Equal((Fail, "detail"), (result.Status, result.Found));
        Assert.Contains(advice, result.Means + result.WillDo, StringComparison.Ordinal);
    }

    [Fact]
    public void A_reading_without_root_fails()
    {
        Assert.Equal(Pass, Seed.Status(new ReachCheck(), Role.New));
        Assert.Equal(Fail, Seed.WithNew(host => host with { System = host.System with { UserId = 1000 } }).Status(new ReachCheck(), Role.New));
    }

    [Fact]
    public void The_same_server_twice_fails_and_a_copy_of_it_warns()
    {
        Assert.Equal(Pass, Seed.Status(new SameServerCheck()));
        Assert.Equal(Fail, (Seed with { New = Seed.Old }).Status(new SameServerCheck()));
        Assert.Equal(Fail, Seed.WithSpec(spec => spec with { NewServer = spec.OldServer }).Status(new SameServerCheck()));
        Assert.Equal(Warn, Seed.WithNew(host => host with { Ssh = Seed.Old.Ssh }).Status(new SameServerCheck()));
        Assert.Equal(Warn, Seed.WithNew(host => host with { System = host.System with { MachineId = Seed.Old.System.MachineId } }).Status(new SameServerCheck()));
    }

    [Fact]
    public void The_port_of_ssh_is_never_forwarded()
    {
        Assert.Equal(Pass, Seed.Status(new SshPortCheck(), Role.Old));
        var moved = Seed.WithOld(host => host with { Ssh = host.Ssh with { Ports = [587] } });
        Assert.Equal(Fail, moved.Status(new SshPortCheck(), Role.Old));
        Assert.Equal(Pass, moved.Status(new SshPortCheck(), Role.New));
        Assert.Equal(Fail, new SshPortCheck().Judge(Seed.Input with { NewSshPort = 25 }).Single(result => result.Role == Role.New).Status);
        var udp = Seed.WithSpec(_ => CheckCase.Tunnel() with { Ports = [new(1194, Transport.Udp)] }).WithSpec(spec => spec with { Link = spec.Link with { Port = 1194 } });
        Assert.Equal(Fail, udp.Status(new SshPortCheck(), Role.New));
    }

    [Theory]
    [InlineData("6.1.0-28-amd64", true, Pass)]
    [InlineData("5.4.0-42-generic", true, Pass)]
    [InlineData("4.19.0-5-amd64", true, Warn)]
    [InlineData("4.9.0-8-amd64", true, Warn)]
    [InlineData("4.9.0-8-amd64", false, Fail)]
    [InlineData("3.10.0-1160.el7", true, Warn)]
    [InlineData("2.6.32-754.el6", true, Fail)]
    public void A_kernel_is_judged_by_what_the_rules_need(string release, bool iptables, CheckStatus status) =>
        Assert.Equal(status, Seed.WithOld(host => host with
        {
            System = host.System with { KernelRelease = release },
            Tools = iptables ? host.Tools : host.Tools.Where(tool => !tool.StartsWith("iptables", StringComparison.Ordinal)).ToValueList(),
        }).Status(new KernelCheck(), Role.Old));

    [Fact]
    public void Missing_programs_fail_and_parts_that_could_not_be_read_warn()
    {
        Assert.Equal(Pass, Seed.Status(new ToolsCheck(), Role.New));
        var result = Seed.WithNew(host => host with { Tools = host.Tools.Where(tool => tool != "flock").ToValueList() }).Ask(new ToolsCheck(), Role.New);
        Assert.Equal((Fail, "missing: flock"), (result.Status, result.Found));
        Assert.Equal(Warn, Seed.WithNew(host => host with { Failures = [new("disks", "timeout")] }).Status(new ToolsCheck(), Role.New));
    }

    [Fact]
    public void Without_systemd_it_warns_and_with_one_too_old_it_fails()
    {
        Assert.Equal(Pass, Seed.Status(new SystemdCheck(), Role.New));
        Assert.Equal(Warn, Seed.WithNew(host => host with { System = host.System with { Systemd = false } }).Status(new SystemdCheck(), Role.New));
        Assert.Equal(Fail, Seed.WithNew(host => host with { System = host.System with { Versions = [new("systemctl", "systemd 219")] } }).Status(new SystemdCheck(), Role.New));
    }

    [Fact]
    public void Rules_need_nft_or_iptables()
    {
        Assert.Equal(Pass, Seed.Status(new RulesBackendCheck(), Role.New));
        HostInventory Broken(HostInventory host) => host with { Firewall = host.Firewall with { NftWorks = false, NftProblem = "Error: Could not process rule" } };
        Assert.Equal(Warn, Seed.WithNew(Broken).Status(new RulesBackendCheck(), Role.New));
        Assert.Equal(Fail, Seed.WithNew(host => Broken(host) with { Tools = ["nft"] }).Status(new RulesBackendCheck(), Role.New));
        Assert.Equal(Fail, Seed.WithNew(host => host with { Firewall = host.Firewall with { NftWorks = null }, Tools = [] }).Status(new RulesBackendCheck(), Role.New));
        Assert.Equal(Pass, Seed.WithNew(host => host with { Firewall = host.Firewall with { NftWorks = null } }).Status(new RulesBackendCheck(), Role.New));
        Assert.Equal(Warn, Seed.WithNew(host => host with { Firewall = host.Firewall with { MixedIptables = true } }).Status(new RulesBackendCheck(), Role.New));
    }

    [Fact]
    public void Clocks_more_than_five_seconds_apart_warn()
    {
        Assert.Equal(Pass, Seed.Status(new ClockCheck()));
        Assert.Equal(Warn, Seed.WithNew(host => host with { System = host.System with { ClockOffset = TimeSpan.FromSeconds(-6) } }).Status(new ClockCheck()));
        Assert.Equal(Unknown, Seed.WithNew(host => host with { System = host.System with { ClockOffset = null } }).Status(new ClockCheck()));
    }

    [Fact]
    public void What_is_left_of_this_migration_warns_and_other_migrations_do_not()
    {
        Assert.Equal(Pass, Seed.Status(new LeftoverCheck(), Role.New));
        Assert.Equal(Pass, Seed.WithNew(host => host with { Own = new(true, ["feedbeef"], []) }).Status(new LeftoverCheck(), Role.New));
        var left = Seed.WithNew(host => host with { Own = new(true, ["0123abcd"], []) });
        Assert.Equal(Warn, left.Status(new LeftoverCheck(), Role.New));
        Assert.Equal(Pass, new LeftoverCheck().Judge(left.Input with { Started = true }).Single(result => result.Role == Role.New).Status);
    }

    [Fact]
    public void Udp_cannot_move_without_the_conntrack_command()
    {
        var without = Seed.WithNew(host => host with { Tools = host.Tools.Where(tool => tool != "conntrack").ToValueList() });
        Assert.Equal(Pass, Seed.Status(new ConntrackToolCheck(), Role.New));
        Assert.Equal(Warn, without.Status(new ConntrackToolCheck(), Role.New));
        Assert.Equal(Fail, without.WithSpec(spec => spec with { Ports = [new(53, Transport.Udp)] }).Status(new ConntrackToolCheck(), Role.New));
    }

    [Theory]
    [InlineData("100", Pass)]
    [InlineData("183000", Pass)]
    [InlineData("184000", Warn)]
    public void A_conntrack_table_that_fills_up_warns(string count, CheckStatus status) =>
        Assert.Equal(status, Seed.WithOld(host => host with { Sysctls = [new("net/netfilter/nf_conntrack_count", count), new("net/netfilter/nf_conntrack_max", "262144")] }).Status(new ConntrackFillCheck(), Role.Old));

    [Fact]
    public void Copying_data_needs_rsync_on_both_and_ssh_on_old()
    {
        Assert.Equal(Pass, Seed.Status(new RsyncCheck(), Role.Old));
        var without = Seed.WithOld(host => host with { Tools = ["rsync"] }).WithNew(host => host with { Tools = [] });
        Assert.Equal("missing: ssh, ssh-keygen", without.Ask(new RsyncCheck(), Role.Old).Found);
        Assert.Equal(Fail, without.Status(new RsyncCheck(), Role.New));
        Assert.Empty(new RsyncCheck().Judge(without.WithSpec(spec => spec with { Workload = new SystemdUnit(Name.Parse<UnitName>("postfix", "unit"), []) }).Input));
    }
}
