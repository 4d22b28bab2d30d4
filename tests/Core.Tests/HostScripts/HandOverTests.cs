using System.Net;
using MigrationDashboard.Core.HostScripts;
using MigrationDashboard.Core.Migrations;
using MigrationDashboard.Core.Network;
using MigrationDashboard.Core.Stages;
using Xunit;

namespace MigrationDashboard.Core.Tests.HostScripts;

/// <summary>A host that has handed its workload over and hears nothing more from the dashboard: the other host's word decides.</summary>
public sealed class HandOverTests : IDisposable
{
    private readonly ThreeHosts hosts = new();

    private readonly Migration mail = Cases.Mail();

    public void Dispose() => hosts.Dispose();

    [Theory]
    [InlineData("stays", Stage.Tail, "back")]
    [InlineData("back", Stage.Drain, "stays")]
    public void Left_alone_it_holds_until_the_other_says_what_it_does_and_does_what_fits(string said, Stage end, string after)
    {
        using var server = WhoAmI.Tcp(hosts.Old, IPAddress.Any, 25);
        Begin();

        // The time of the hold is over, and it holds: the other one may be serving clients by now.
        Thread.Sleep(2500);
        Assert.Equal(Hash(Stage.Drain, held: true), Stored());
        Assert.Null(hosts.Ask(ThreeHosts.OldPublic, 25, seconds: 1.3));

        hosts.Old.Sh($"echo {said} >/run/said");
        Eventually.Equal(Hash(end), Stored, 10);
        Eventually.Equal(false, () => hosts.Old.Sh($"ls {mail.Allocation.Folder}").Contains("handed", StringComparison.Ordinal), 10);

        if (end == Stage.Drain)
            Assert.Equal("old 198.51.100.7", hosts.Ask(ThreeHosts.OldPublic, 25));
        Assert.Equal(said == "back" ? "started again" : "", hosts.Old.Sh("cat /run/started 2>/dev/null || true").Trim());
        hosts.Old.Sh($"echo '{after}' >/run/said");
        Thread.Sleep(1500);
        Assert.Equal(Hash(end), Stored());
    }

    [Fact]
    public void The_dashboard_that_comes_back_has_the_last_word()
    {
        Begin();
        Thread.Sleep(2500);

        hosts.Old.Apply(mail.Config(Stage.Tail, Role.Old), checkpoint: new CheckpointChange.None()).MustSucceed("release");
        hosts.Old.Sh("echo back >/run/said");
        Thread.Sleep(2500);

        Assert.Equal(Hash(Stage.Tail), Stored());
        Assert.Equal("", hosts.Old.Sh("cat /run/started 2>/dev/null || true").Trim());
    }

    [Fact]
    public void A_timer_that_runs_out_during_the_hand_over_sees_to_it_all_the_same()
    {
        hosts.Apply(mail, Stage.Drain);
        hosts.Old.Apply(mail.Config(Stage.Drain, Role.Old, held: true), checkpoint: new CheckpointChange.Arm(60, "t1")).MustSucceed("hold");

        // What the hand-over does, with the lock that the way back is waiting for by then.
        hosts.Old.Sh($"""
            cd {mail.Allocation.Folder}
            exec 9>{Allocation.HostFolder}/lock; flock 9
            sh revert.sh t1 9>&- >/dev/null 2>&1 </dev/null &
            sleep 1
            echo t1 >handed; echo t1 >confirmed; echo echo back >ask.sh; rm checkpoint
            """);

        Eventually.Equal(Hash(Stage.Drain), Stored, 10);
    }

    [Fact]
    public void Nothing_is_handed_over_by_a_host_that_has_gone_back()
    {
        hosts.Apply(mail, Stage.Drain);
        hosts.Old.Apply(mail.Config(Stage.Drain, Role.Old, held: true), checkpoint: new CheckpointChange.Arm(1, "t1")).MustSucceed("hold");
        Eventually.Equal(Hash(Stage.Drain), Stored, 10);

        var late = HandOver();

        Assert.Equal(77, late.Exit);
        Assert.DoesNotContain("handed", hosts.Old.Sh($"ls {mail.Allocation.Folder}"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_release_stays_before_it_lets_anybody_in_and_is_done_to_the_end_when_nobody_hears_of_it()
    {
        HoldNew();
        hosts.New.Sh($"cat >/run/release.sh <<'THE_END'\n{Release()}\nTHE_END");

        // The reader is gone before the first word. As under sshd: what .NET starts would be deaf to the signal already.
        hosts.New.Sh("(sleep 0.3; exec env --default-signal=PIPE sh -s </run/release.sh 2>&1) | true");

        var said = hosts.New.Sh($"cd {mail.Allocation.Folder}; cat confirmed; ls; sh current.sh hash | cmp - applied");
        Assert.StartsWith("t1\n", said, StringComparison.Ordinal);
        Assert.DoesNotContain("checkpoint", said, StringComparison.Ordinal);
        Assert.DoesNotContain("revert.sh", said, StringComparison.Ordinal);
        Thread.Sleep(3500);
        Assert.Equal(HashOfNew(Stage.Tail), StoredOnNew());
    }

    [Fact]
    public void A_release_whose_rules_cannot_be_set_goes_on_holding_and_is_not_taken_back()
    {
        HoldNew();
        BreakNft(hosts.New);

        var outcome = hosts.New.Run(Release());

        Assert.Equal(1, outcome.Exit);
        var stays = outcome.Out.IndexOf("""{"step":"stays","exit":0""", StringComparison.Ordinal);
        Assert.InRange(stays, 0, outcome.Out.IndexOf("""{"step":"rules","exit":1""", StringComparison.Ordinal));
        Thread.Sleep(3500);
        Assert.Equal(HashOfNew(Stage.Tail), StoredOnNew());
        MendNft(hosts.New);
        hosts.New.Apply(mail.Config(Stage.Tail, Role.New), checkpoint: new CheckpointChange.None()).MustSucceed("set again");
    }

    [Fact]
    public void A_host_that_is_told_and_cannot_do_it_finds_out_by_itself_later()
    {
        Begin();
        BreakNft(hosts.Old);
        Assert.Equal(1, hosts.Old.Apply(mail.Config(Stage.Tail, Role.Old), checkpoint: new CheckpointChange.None()).Exit);
        Assert.Equal(Hash(Stage.Drain, held: true), Stored());
        MendNft(hosts.Old);

        hosts.Old.Sh("echo stays >/run/said");

        Eventually.Equal(Hash(Stage.Tail), Stored, 10);
        Assert.Equal("", hosts.Old.Sh("cat /run/started 2>/dev/null || true").Trim());
    }

    private void HoldNew()
    {
        hosts.Apply(mail, Stage.Drain);
        hosts.New.Apply(mail.Config(Stage.Drain, Role.New, held: true), checkpoint: new CheckpointChange.Arm(3, "t1")).MustSucceed("hold");
    }

    private string Release() => ApplyScript.Render(mail.Config(Stage.Tail, Role.New), RulesBackend.Nft, new CheckpointChange.Commit("t1"), "any", pace: Pace.Release);

    private static void BreakNft(KernelHost host) => host.Sh("mkdir -p /run/broken; printf '#!/bin/sh\\nexit 1\\n' >/run/broken/nft; chmod 755 /run/broken/nft; mount --bind /run/broken /usr/local/sbin");

    private static void MendNft(KernelHost host) => host.Sh("umount /usr/local/sbin");

    private void Begin()
    {
        hosts.Apply(mail, Stage.Drain);
        hosts.Old.Apply(mail.Config(Stage.Drain, Role.Old, held: true), checkpoint: new CheckpointChange.Arm(2, "t1", "echo started again >/run/started")).MustSucceed("hold");
        HandOver().MustSucceed("hand over");
        HandOver().MustSucceed("asked twice, it answers the same");
    }

    private Outcome HandOver() => hosts.Old.Run(ApplyScript.HandOver(mail.Config(Stage.Tail, Role.Old), RulesBackend.Nft, "t1", "cat /run/said\n"));

    private string StoredOnNew() => hosts.New.Sh($"sha256sum {mail.Allocation.Folder}/current.sh").Split(' ')[0];

    private string HashOfNew(Stage stage) => ConfigScript.Hash(ConfigScript.Render(mail.Config(stage, Role.New), RulesBackend.Nft));

    private string Stored() => hosts.Old.Sh($"sha256sum {mail.Allocation.Folder}/current.sh").Split(' ')[0];

    private string Hash(Stage stage, bool held = false) => ConfigScript.Hash(ConfigScript.Render(mail.Config(stage, Role.Old, held), RulesBackend.Nft));
}
