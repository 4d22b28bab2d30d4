using System.Net;
using MigrationDashboard.Core.HostScripts;
using MigrationDashboard.Core.Migrations;
using MigrationDashboard.Core.Network;
using MigrationDashboard.Core.Stages;
using Xunit;

namespace MigrationDashboard.Core.Tests.HostScripts;

/// <summary>What a host is left with: after applying twice, after taking all away, after a failure and after nobody confirmed.</summary>
public sealed class ApplyTests : IDisposable
{
    private readonly ThreeHosts hosts = new();

    private static readonly CheckpointChange.Arm Armed = new(1, "t1");

    public void Dispose() => hosts.Dispose();

    [Theory]
    [InlineData(RulesBackend.Nft, Stage.Forward, Role.New)]
    [InlineData(RulesBackend.Nft, Stage.Tail, Role.Old)]
    [InlineData(RulesBackend.Iptables, Stage.Forward, Role.New)]
    [InlineData(RulesBackend.Iptables, Stage.Tail, Role.Old)]
    public void Applied_twice_nothing_changes_and_taken_away_nothing_is_left(RulesBackend backend, Stage stage, Role role)
    {
        var host = role == Role.Old ? hosts.Old : hosts.New;
        // Values that the kernel overwrites when forwarding is switched on.
        host.Sh("echo 1 >/proc/sys/net/ipv4/conf/pub0/forwarding; echo 1 >/proc/sys/net/ipv6/conf/link0/forwarding; echo 0 >/proc/sys/net/ipv4/conf/pub0/accept_redirects");
        // The base chains that iptables leaves behind by itself are there before.
        host.Sh("""
            for c in iptables ip6tables; do for p in raw:PREROUTING mangle:PREROUTING mangle:FORWARD mangle:OUTPUT mangle:POSTROUTING nat:PREROUTING filter:FORWARD filter:OUTPUT; do
              $c -t ${p%:*} -A ${p#*:} -j ACCEPT; $c -t ${p%:*} -D ${p#*:} -j ACCEPT
            done; done
            """);
        var before = host.Everything();
        var config = Cases.Mail(backend).Config(stage, role);

        var first = host.Apply(config, backend, expected: "none").MustSucceed("first");
        var second = host.Apply(config, backend, expected: ConfigScript.Hash(ConfigScript.Render(config, backend))).MustSucceed("second");

        Assert.Contains("\"step\":\"unchanged\"", second.Out, StringComparison.Ordinal);
        Assert.Equal(first.Out.TrimEnd().Split('\n')[^1], second.Out.TrimEnd().Split('\n')[^1]);
        Assert.NotEqual(before, host.Everything());

        host.Apply(new HostConfig(config.Allocation), backend).MustSucceed("taking away");
        Assert.Equal(before, host.Everything());
    }

    [Theory]
    [InlineData("br-before", "0 0")]
    [InlineData("br-app", "1 1")]
    [InlineData("br-before br-app", "1 1")]
    public void Forwarding_stays_on_for_a_network_of_containers_that_has_come_meanwhile(string bridges, string left)
    {
        var host = hosts.New;
        host.Sh("echo 0 >/proc/sys/net/ipv4/ip_forward; echo 0 >/proc/sys/net/ipv6/conf/all/forwarding");
        void Make(string bridge) => host.Sh($"ip link add {bridge} type bridge; ip addr add 172.19.0.1/16 dev {bridge}; ip addr add fd00:172:19::1/64 dev {bridge} nodad; ip link set {bridge} up");
        if (bridges.StartsWith("br-before", StringComparison.Ordinal))
            Make("br-before");
        var config = Cases.Mail(RulesBackend.Nft).Config(Stage.Forward, Role.New);
        host.Apply(config, RulesBackend.Nft).MustSucceed("forward");
        Assert.Equal("1 1", Forwarding(host));
        if (bridges.EndsWith("br-app", StringComparison.Ordinal))
            Make("br-app");

        host.Apply(new HostConfig(config.Allocation), RulesBackend.Nft).MustSucceed("taking away");
        Assert.Equal(left, Forwarding(host));
    }

    private static string Forwarding(KernelHost host) => host.Sh("cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv6/conf/all/forwarding").Trim().Replace('\n', ' ');

    [Theory]
    [InlineData(RulesBackend.Nft, Role.Old)]
    [InlineData(RulesBackend.Nft, Role.New)]
    [InlineData(RulesBackend.Iptables, Role.Old)]
    [InlineData(RulesBackend.Iptables, Role.New)]
    public void Within_a_cutover_only_what_changes_is_set_and_the_host_ends_up_the_same(RulesBackend backend, Role role)
    {
        var host = role == Role.Old ? hosts.Old : hosts.New;
        var mail = Cases.Mail(backend);
        host.Apply(mail.Config(Stage.Drain, role), backend).MustSucceed("before");

        var hold = host.Apply(mail.Config(Stage.Drain, role, held: true), backend, pace: Pace.Hold).MustSucceed("hold").Out;
        var release = host.Apply(mail.Config(Stage.Tail, role), backend, pace: Pace.Release).MustSucceed("release").Out;
        var state = host.Everything();
        var whole = host.Apply(mail.Config(Stage.Tail, role), backend, force: true).MustSucceed("whole").Out;

        Assert.DoesNotContain("\"step\":\"routes\"", hold, StringComparison.Ordinal);
        Assert.DoesNotContain("\"step\":\"link\"", release, StringComparison.Ordinal);
        Assert.Contains("\"step\":\"sysctls\"", whole, StringComparison.Ordinal);
        Assert.Equal(whole.TrimEnd().Split('\n')[^1], release.TrimEnd().Split('\n')[^1]);
        Assert.Equal(host.Everything(), state);
    }

    [Fact]
    public void Applied_again_by_force_the_host_reads_back_the_same()
    {
        var config = Cases.Mail().Config(Stage.Tail, Role.Old);
        var first = hosts.Old.Apply(config).MustSucceed("first");
        var before = hosts.Old.Everything();

        var second = hosts.Old.Apply(config, force: true).MustSucceed("second");

        Assert.DoesNotContain("unchanged", second.Out, StringComparison.Ordinal);
        Assert.Equal(first.Out.TrimEnd().Split('\n')[^1], second.Out.TrimEnd().Split('\n')[^1]);
        Assert.Equal(before, hosts.Old.Everything());
    }

    [Theory]
    [InlineData("nft delete table ip md_a1b2c3d4")]
    [InlineData("ip rule del pref 3010")]
    [InlineData("ip -6 route flush table 7301")]
    [InlineData("echo 0 >/proc/sys/net/ipv4/conf/link0/rp_filter")]
    public void Whatever_somebody_takes_away_is_noticed_and_put_back(string damage)
    {
        var config = Cases.Mail().Config(Stage.Forward, Role.Old);
        var first = hosts.Old.Apply(config).MustSucceed("first").Out.TrimEnd().Split('\n')[^1];

        hosts.Old.Sh(damage);

        Assert.DoesNotContain(hosts.Old.Sh($"sh {config.Allocation.Folder}/current.sh hash").Trim(), first, StringComparison.Ordinal);
        var second = hosts.Old.Apply(config).MustSucceed("second").Out;
        Assert.DoesNotContain("unchanged", second, StringComparison.Ordinal);
        Assert.Equal(first, second.TrimEnd().Split('\n')[^1]);
    }

    [Fact]
    public void A_plan_made_against_another_configuration_is_refused_and_changes_nothing()
    {
        var mail = Cases.Mail();
        var before = hosts.Old.Everything();
        Assert.Equal(76, hosts.Old.Apply(mail.Config(Stage.Forward, Role.Old), expected: new string('a', 64)).Exit);
        Assert.Equal(before, hosts.Old.Everything());

        hosts.Old.Apply(mail.Config(Stage.Link, Role.Old)).MustSucceed("link");
        before = hosts.Old.Everything();
        Assert.Equal(76, hosts.Old.Apply(mail.Config(Stage.Forward, Role.Old), expected: "none").Exit);
        Assert.Equal(before, hosts.Old.Everything());
    }

    [Fact]
    public void A_step_that_fails_has_the_host_put_back_as_it_was()
    {
        var mail = Cases.Mail();
        hosts.New.Apply(mail.Config(Stage.Link, Role.New)).MustSucceed("link");
        var before = hosts.New.Everything();
        var impossible = mail.Config(Stage.Forward, Role.New) with { Sysctls = [Sysctl.Ipv4Forwarding, new("net/ipv4/no_such_thing", "1")] };

        var outcome = hosts.New.Apply(impossible);

        Assert.Equal(1, outcome.Exit);
        Assert.Contains("no_such_thing is not there", outcome.Out, StringComparison.Ordinal);
        Assert.Contains("put back as it was", outcome.Out, StringComparison.Ordinal);
        Assert.Equal(before.Split("/var/lib")[0], hosts.New.Everything().Split("/var/lib")[0]);
        Assert.Contains("reverted none", hosts.New.Sh($"cat {mail.Allocation.Folder}/outcome"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_first_step_that_fails_leaves_nothing_at_all()
    {
        var before = hosts.New.Everything();
        var mail = Cases.Mail();
        hosts.New.Sh($"ip rule add pref {mail.Allocation.Preference} to 192.0.2.1 lookup main");
        var taken = hosts.New.Everything();

        var outcome = hosts.New.Apply(mail.Config(Stage.Tail, Role.New));

        Assert.Equal(1, outcome.Exit);
        Assert.Contains("is not ours", outcome.Out, StringComparison.Ordinal);
        Assert.Equal(taken, hosts.New.Everything());
        hosts.New.Sh($"ip rule del pref {mail.Allocation.Preference}");
        Assert.Equal(before, hosts.New.Everything());
    }

    [Fact]
    public void Without_a_confirmation_the_host_goes_back_by_itself()
    {
        var before = hosts.New.Everything();
        hosts.New.Apply(Cases.Mail().Config(Stage.Forward, Role.New), checkpoint: Armed).MustSucceed("forward");
        Assert.NotEqual(before, hosts.New.Everything());

        Eventually.Equal(before, hosts.New.Everything, seconds: 5);
    }

    [Fact]
    public void A_confirmed_change_stays()
    {
        var config = Cases.Mail().Config(Stage.Forward, Role.New);
        var applied = hosts.New.Apply(config, checkpoint: new CheckpointChange.Arm(5, "t1")).MustSucceed("forward").Out;
        var confirmed = hosts.New.Confirm(config, "t1").MustSucceed("confirm").Out;
        Assert.Contains(applied.TrimEnd().Split('\n')[^1].Split("\"state\":")[1], confirmed, StringComparison.Ordinal);
        var after = hosts.New.Everything();

        Thread.Sleep(5500);

        Assert.Equal(after, hosts.New.Everything());
    }

    [Fact]
    public void A_confirmation_that_comes_too_late_is_told_so()
    {
        var config = Cases.Mail().Config(Stage.Forward, Role.New);
        var before = hosts.New.Everything();
        hosts.New.Apply(config, checkpoint: Armed).MustSucceed("forward");
        Eventually.Equal(before, hosts.New.Everything, seconds: 5);

        Assert.Equal(77, hosts.New.Confirm(config, "t1").Exit);
        Assert.Equal(before, hosts.New.Everything());
    }

    [Fact]
    public void Taking_all_away_can_be_taken_back_until_it_is_confirmed()
    {
        var mail = Cases.Mail();
        var before = hosts.New.Everything();
        hosts.New.Apply(mail.Config(Stage.Forward, Role.New)).MustSucceed("forward");
        var forwarding = hosts.New.Everything();
        var empty = mail.Config(Stage.Decommission, Role.New);

        hosts.New.Apply(empty, checkpoint: Armed).MustSucceed("decommission");
        hosts.New.Run(ApplyScript.Revert(empty.Allocation, "t1")).MustSucceed("revert");
        // Names of files differ by what the revert has written down.
        Assert.Equal(forwarding.Split("/var/lib")[0], hosts.New.Everything().Split("/var/lib")[0]);

        hosts.New.Apply(empty, checkpoint: new CheckpointChange.Arm(30, "t2")).MustSucceed("decommission");
        hosts.New.Confirm(empty, "t2").MustSucceed("confirm");
        Assert.Equal(before, hosts.New.Everything());
    }

    [Fact]
    public async Task Asked_again_while_the_first_confirmation_still_takes_everything_away_it_is_confirmed()
    {
        var mail = Cases.Mail();
        var before = hosts.New.Everything();
        hosts.New.Apply(mail.Config(Stage.Forward, Role.New)).MustSucceed("forward");
        var empty = mail.Config(Stage.Decommission, Role.New);
        hosts.New.Apply(empty, checkpoint: new CheckpointChange.Arm(60, "t1")).MustSucceed("decommission");

        // As the first confirmation does whose answer got lost: it holds the lock, and the folder is gone when it lets go.
        var first = Task.Run(() => hosts.New.Run($"exec 9>{Allocation.HostFolder}/lock; flock 9; sleep 2; rm -rf {Allocation.HostFolder}"), TestContext.Current.CancellationToken);
        Eventually.Equal("held\n", () => hosts.New.Sh($"flock -n {Allocation.HostFolder}/lock true && echo free || echo held"), seconds: 2);

        Assert.Equal(0, hosts.New.Confirm(empty, "t1").Exit);
        (await first).MustSucceed("the first confirmation");
        Assert.Equal(before, hosts.New.Everything());
    }

    [Fact]
    public void The_way_back_leads_to_the_last_configuration_that_was_confirmed()
    {
        var mail = Cases.Mail();
        var before = hosts.New.Everything();
        hosts.New.Apply(mail.Config(Stage.Link, Role.New), checkpoint: new CheckpointChange.Arm(60, "t1")).MustSucceed("link");

        hosts.New.Apply(mail.Config(Stage.Forward, Role.New), checkpoint: new CheckpointChange.Arm(60, "t2")).MustSucceed("forward");
        hosts.New.Run(ApplyScript.Revert(mail.Allocation, "t2")).MustSucceed("revert");

        Assert.Equal(before, hosts.New.Everything());
    }

    [Fact]
    public void The_steps_of_a_cutover_share_one_checkpoint_whose_commands_come_before_the_way_back()
    {
        var mail = Cases.Mail();
        hosts.New.Apply(mail.Config(Stage.Drain, Role.New)).MustSucceed("drain");
        var drain = hosts.New.Sh("nft -s list ruleset; ip rule");
        hosts.New.Apply(mail.Config(Stage.Drain, Role.New, held: true), checkpoint: new CheckpointChange.Arm(6, "cut", "nft list ruleset >/run/first")).MustSucceed("held");
        Assert.Equal(77, hosts.New.Apply(mail.Config(Stage.Tail, Role.New, held: true), checkpoint: new CheckpointChange.Keep("other")).Exit);
        hosts.New.Apply(mail.Config(Stage.Tail, Role.New, held: true), checkpoint: new CheckpointChange.Keep("cut")).MustSucceed("tail");

        Eventually.Equal(drain, () => hosts.New.Sh("nft -s list ruleset; ip rule"), seconds: 12);
        Assert.Contains("held", hosts.New.Sh("cat /run/first"), StringComparison.Ordinal);
        Assert.Equal(77, hosts.New.Apply(mail.Config(Stage.Tail, Role.New), checkpoint: new CheckpointChange.Keep("cut")).Exit);
    }

    [Fact]
    public void A_setting_that_two_migrations_want_goes_back_with_the_last_of_them()
    {
        var first = Cases.Mail();
        var second = Cases.Mail(slot: 2, key: "eeeeeeee", ports: "80");
        string Forwards() => hosts.New.Sh("cat /proc/sys/net/ipv4/ip_forward").Trim();
        hosts.New.Apply(first.Config(Stage.Forward, Role.New)).MustSucceed("first");
        hosts.New.Apply(second.Config(Stage.Forward, Role.New)).MustSucceed("second");

        hosts.New.Apply(new HostConfig(first.Allocation)).MustSucceed("first away");
        Assert.Equal("1", Forwards());

        hosts.New.Apply(new HostConfig(second.Allocation)).MustSucceed("second away");
        Assert.Equal("0", Forwards());
    }

    [Fact]
    public void Only_addresses_that_were_not_there_before_are_taken_away()
    {
        var link = Cases.ExistingLink with
        {
            Ipv4 = new(IPNetwork.Parse("10.99.7.0/30"), IPAddress.Parse("10.99.7.1"), IPAddress.Parse("10.99.7.2"), AddedByUs: true),
            Ipv6 = Cases.Six with { AddedByUs = true },
        };
        var mail = Cases.Mail(link: link);
        var before = hosts.Old.Everything();
        hosts.Old.Apply(mail.Config(Stage.Link, Role.Old)).MustSucceed("link");
        Assert.Contains("link0 inet 10.99.7.1/30", hosts.Old.Everything(), StringComparison.Ordinal);

        hosts.Old.Apply(new HostConfig(mail.Allocation)).MustSucceed("away");

        Assert.Equal(before, hosts.Old.Everything());
        Assert.Contains("link0 inet6 fd99::1/64", before, StringComparison.Ordinal);
    }

    [Fact]
    public void After_a_reboot_the_host_sets_early_what_it_can_and_the_rest_when_the_link_is_there()
    {
        var mail = Cases.Mail();
        var config = mail.Config(Stage.Tail, Role.Old);
        var state = hosts.Old.Apply(config).MustSucceed("tail").Out.TrimEnd().Split('\n')[^1].Split('"')[^2];
        // What a reboot loses, while the link's interface is not there yet.
        hosts.Old.Sh("""
            nft flush ruleset; for p in 3010 3011 3012; do ip rule del pref $p 2>/dev/null || true; ip -6 rule del pref $p 2>/dev/null || true; done
            echo 0 >/proc/sys/net/ipv4/ip_forward; ip link set link0 name later0; echo 0 >/proc/sys/net/ipv4/conf/later0/rp_filter
            """);
        hosts.Old.Wire("ip link set later0 down; ip route flush table 7301; ip -6 route flush table 7301");

        hosts.Old.Sh($"sh {config.Allocation.Folder}/current.sh early");
        Assert.Equal("unreachable default metric 4294967294\n", hosts.Old.Sh("ip route show table 7301 | sed 's/ *$//'"));
        Assert.Contains("lookup 7301", hosts.Old.Sh("ip rule"), StringComparison.Ordinal);
        Assert.Equal("1\n", hosts.Old.Sh("cat /proc/sys/net/ipv4/ip_forward"));
        Assert.Contains("dnat to", hosts.Old.Sh("nft list ruleset"), StringComparison.Ordinal);

        hosts.Old.Sh("ip link set later0 name link0; ip link set link0 up; ip -6 addr add fd99::1/64 dev link0 nodad");
        hosts.Old.Sh($"sh {config.Allocation.Folder}/current.sh late");
        Assert.Equal(state, hosts.Old.Sh($"sh {config.Allocation.Folder}/current.sh hash").Trim());
    }
}
