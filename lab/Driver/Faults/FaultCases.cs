using MigrationDashboard.Core.Stages;

namespace MigrationDashboard.Driver.Faults;

/// <summary>The matrix: every run crossed with everything that can go wrong in it.</summary>
public static class FaultCases
{
    private const int Passing = 12;

    /// <summary>Longer than a hold lasts, and than a change waits for its turn.</summary>
    private const int UsualLimits = World.UsualHoldLimit + 10;

    public static IEnumerable<(Move Move, Fault Fault)> All =>
        from move in Move.All
        from fault in Faults
        where (fault.Moment is "before" or "at once" || move.Moments.ContainsKey(fault.Moment)) && fault.Fits(move)
        select (move, fault);

    private static readonly Func<Move, bool> Cutovers = move => move.MovesWorkload;

    private static readonly Func<Move, bool> HostChanges = move => move.ChangesHosts;

    /// <summary>Its hosts are told to keep their change in a step of its own, after the moment between.</summary>
    private static readonly Func<Move, bool> ConfirmsLater = move => move.Moments.TryGetValue("between", out var step) && step is not ("confirm" or "release");

    /// <summary>Not for both kinds of cutover: one is enough where the steps are the same.</summary>
    private static readonly Func<Move, bool> Once = move => move.Name is "forward" or "cutover";

    private static IReadOnlyList<Fault> Faults { get; } =
    [
        // The dashboard is killed and started again.
        new("kill-before", "at once", world => world.KillDashboardAsync()),
        new("kill-during", "during", world => world.KillDashboardAsync()),
        new("kill-between", "between", world => world.KillDashboardAsync()) { Fits = HostChanges },
        new("kill-confirm", "between", world => world.ConfirmLateAsync(() => world.KillDashboardAsync())) { Fits = ConfirmsLater },
        new("kill-between-long", "between", world => world.KillDashboardAsync(TimeSpan.FromSeconds(40))) { Fits = Cutovers },
        new("kill-copy", "copy", world => world.KillDashboardAsync()),
        new("kill-stop", "stop", world => world.KillDashboardAsync()),
        new("kill-start", "start", world => world.KillDashboardAsync()),
        new("kill-long", "stop", world => world.KillDashboardAsync(TimeSpan.FromSeconds(40))),

        // Its database.
        new("postgres-frozen", "during", world => world.FreezePostgresAsync(TimeSpan.FromSeconds(20))),
        new("postgres-frozen-at-start", "at once", world => world.FreezePostgresAsync(TimeSpan.FromSeconds(20))) { Fits = Once },
        new("postgres-killed", "during", world => world.KillPostgresAsync()),

        // The way to the hosts, and between them.
        new("ssh-cut-old", "during", world => world.CutSshAsync("old", Passing)) { Fits = HostChanges },
        new("ssh-cut-new", "during", world => world.CutSshAsync("new", Passing)) { Fits = HostChanges },
        new("ssh-cut-between", "between", world => world.CutSshAsync("new", Passing)) { Fits = HostChanges },
        new("ssh-cut-long", "during", world => world.CutSshAsync("old", 75)) { Fits = Once },
        new("hold-runs-out", "start", world => world.OutlastHoldAsync()),
        new("lock-held", "start", world => world.HoldLockAsync("new", UsualLimits)) { Fits = move => move.Name == "cutover" },
        new("link-cut", "during", world => world.CutLinkAsync(Passing)) { Fits = HostChanges },

        // The hosts themselves.
        new("reboot-old", "during", world => world.RebootAsync("old")) { Loss = move => Serves(move, "old"), Fits = HostChanges },
        new("reboot-new", "during", world => world.RebootAsync("new")) { Loss = move => Serves(move, "new"), Fits = HostChanges },
        new("reboot-stop", "stop", world => world.RebootAsync("new")) { Loss = move => Serves(move, "new") },
        new("docker-restart-old", "during", world => world.Lab.ShellAsync("old", "systemctl restart docker")) { Loss = move => Restarts(move, "old"), Fits = HostChanges },
        new("docker-restart-new", "during", world => world.Lab.ShellAsync("new", "systemctl restart docker")) { Loss = move => Restarts(move, "new"), Fits = HostChanges },
        new("flush-ruleset", "before", world => world.FlushRulesetAsync("new")) { Loss = move => move.From is not Stage.Preflight ? "somebody else threw our rules out; they are told of it, and set them again" : Restarts(move, "new"), Fits = HostChanges },
        new("networkd-restart", "during", world => world.Lab.ShellAsync("old", "systemctl restart systemd-networkd; sleep 1; systemctl stop systemd-networkd systemd-networkd.socket")) { Fits = Once },
        new("clock-off", "before", world => world.ShiftClockAsync("old")) { MendAsync = world => world.ShiftClockBackAsync("old"), Fits = move => move.ChangesHosts && move.CallsOld },

        // The workload and its data.
        new("disk-full", "at once", world => world.Lab.CommandAsync("fill-disk", "new")) { MendAsync = world => world.Lab.CommandAsync("free-disk", "new"), Fits = move => move.Name == "cutover" },
        new("disk-full-in-hold", "hold", world => world.Lab.CommandAsync("fill-disk", "new")) { MendAsync = world => world.Lab.CommandAsync("free-disk", "new"), Fits = move => move.Name == "cutover" },
        new("does-not-stop", "hold", world => world.FreezeWorkloadAsync()) { MendAsync = world => world.ThawWorkloadAsync(), Loss = _ => "the application hangs: when it comes back it hears that it was told to stop, ends under those it serves, and is started again" },
        new("does-not-start", "copy", world => world.OccupyPortAsync()) { MendAsync = world => world.FreePortAsync(), Fits = move => move.Name == "cutover" },
        new("never-healthy", "copy", world => world.SpoilHealthAsync()) { MendAsync = world => world.HealAsync(), Fits = move => move.Name == "cutover" },
        new("rsync-dies", "copy", world => world.SpoilRsyncAsync()) { MendAsync = world => world.MendRsyncAsync() },

        // People.
        new("twice", "at once", _ => Task.CompletedTask) { AskAsync = (world, move) => world.AskTwiceAsync(move) },
        new("cancel-at-once", "at once", world => world.CancelAsync()),
        new("cancel-during", "during", world => world.CancelAsync()),
        new("cancel-between", "between", world => world.CancelAsync()) { Fits = HostChanges },
        new("cancel-confirm", "between", world => world.ConfirmLateAsync(world.CancelAsync)) { Fits = ConfirmsLater },
        new("cancel-copy", "copy", world => world.CancelAsync()),
        new("cancel-stop", "stop", world => world.CancelAsync()),
        new("cancel-start", "start", world => world.CancelAsync()),
    ];

    private static string? Serves(Move move, string host) =>
        move.MovesWorkload || host == ServedBy(move) || (move.CallsNew && host == "new") ? $"{host} itself is down while it boots: who calls it waits or is refused until it is back" : null;

    private static string? Restarts(Move move, string host) => move.MovesWorkload || host == ServedBy(move) ? "Docker stops its containers when it is restarted (live-restore is off)" : null;

    private static string ServedBy(Move move) => move.From == Stage.Tail ? "new" : "old";
}
