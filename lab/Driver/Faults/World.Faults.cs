using System.Globalization;
using MigrationDashboard.Core.Stages;

namespace MigrationDashboard.Driver.Faults;

/// <summary>What can be done to the world.</summary>
public sealed partial class World
{
    /// <summary>kill -9, and a start on the same data folder.</summary>
    public async Task KillDashboardAsync(TimeSpan away = default)
    {
        if (Dashboard.IsRunning)
            await Dashboard.KillAsync();
        await Task.Delay(away);
        Dashboard = await Dashboard.StartAsync(Program, Dashboard.Data, Dashboard.Address.Port, Dashboard.Token);
    }

    /// <summary>Every process of the dashboard's database stands still: what a hanging disk or a stopped machine looks like from outside.</summary>
    public async Task FreezePostgresAsync(TimeSpan time)
    {
        var processes = Postgres();
        await SignalAsync("-STOP", processes);
        await Task.Delay(time);
        await SignalAsync("-CONT", processes);
    }

    /// <summary>The database ends in the middle of whatever it does; the dashboard starts it again.</summary>
    public Task KillPostgresAsync() => SignalAsync("-KILL", Postgres()[..1]);

    public async Task CutSshAsync(string host, int seconds)
    {
        await Lab.CommandAsync("drop-ssh", host);
        await Task.Delay(TimeSpan.FromSeconds(seconds));
        await Lab.CommandAsync("allow-ssh", host);
    }

    /// <summary>Nobody tells the hosts anything until the hold's time is over, and they go back by themselves.</summary>
    public Task OutlastHoldAsync() => Task.WhenAll(Hosts.Select(host => CutSshAsync(host, 2 * UsualHoldLimit)));

    /// <summary>Another change of this host is under way all the time: what is asked of it now waits, and is refused in the end.</summary>
    public Task HoldLockAsync(string host, int seconds) => Lab.ShellAsync(host, $"flock /var/lib/migration-dashboard/lock sleep {seconds}");

    /// <summary>The hosts are busy when they are told to keep their change: they get to it when whoever told them may not wait for it any more.</summary>
    public async Task ConfirmLateAsync(Func<Task> meanwhile)
    {
        var busy = Task.WhenAll(Hosts.Select(host => HoldLockAsync(host, 3)));
        await MomentAsync("confirm");
        await meanwhile();
        await busy;
    }

    public async Task CutLinkAsync(int seconds)
    {
        await Lab.CommandAsync("cut", "lan");
        await Task.Delay(TimeSpan.FromSeconds(seconds));
        await Lab.CommandAsync("mend", "lan");
    }

    public Task RebootAsync(string host) => Lab.CommandAsync("reboot", host);

    /// <summary>What <c>nft -f /etc/nftables.conf</c> does where that begins with a flush; Docker is restarted, as it must be after that, and the operator sets ours again.</summary>
    public async Task FlushRulesetAsync(string host)
    {
        // What Docker set when it turned forwarding on it does not set again now that it is on: that is put back as it was found.
        await Lab.ShellAsync(host, "policy=$(iptables -S FORWARD | head -n 1); nft flush ruleset; systemctl restart docker; iptables $policy");
        if (await StageAsync() != Stage.Preflight)
            (await Dashboard.TryPostAsync($"migrations/{Migration}/reapply", null)).EnsureSuccessStatusCode();
    }

    /// <summary>All machines share the computer's clock, so it is the tool that lies: what scripts on the host see is an hour late.</summary>
    public Task ShiftClockAsync(string host) => Lab.ShellAsync(host, """
        cat >/usr/local/sbin/date <<'SH'
        #!/bin/sh
        case "$*" in *-d*|*--date*) exec /bin/date "$@" ;; esac
        exec /bin/date -d '1 hour ago' "$@"
        SH
        chmod 755 /usr/local/sbin/date
        """);

    public Task ShiftClockBackAsync(string host) => Lab.ShellAsync(host, "rm -f /usr/local/sbin/date");

    /// <summary>The application hangs: it neither takes connections nor hears the signal that asks it to stop.</summary>
    public async Task FreezeWorkloadAsync() => await Lab.ShellAsync(await ServingAsync(), "kill -STOP $(docker inspect -f '{{.State.Pid}}' mail)");

    public async Task ThawWorkloadAsync()
    {
        foreach (var host in new[] { "old", "new" })
            await Lab.TryShellAsync(host, "kill -CONT $(docker inspect -f '{{.State.Pid}}' mail)");
    }

    /// <summary>Somebody takes port 25 on the host where the workload is to start.</summary>
    public Task OccupyPortAsync() => Lab.ShellAsync("new", """
        systemd-run --quiet --collect --unit=lab-occupier python3 -c '
        import socket, time
        s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind(("0.0.0.0", 25)); s.listen(); time.sleep(600)'
        """);

    public Task FreePortAsync() => Lab.ShellAsync("new", "systemctl stop lab-occupier");

    /// <summary>The application starts and never answers: what it would say is dropped on the host.</summary>
    public Task SpoilHealthAsync() => Lab.ShellAsync("new", "nft 'table inet lab_spoil { chain output { type filter hook output priority 10; tcp dport { 25, 587 } drop; }; }'");

    public Task HealAsync() => Lab.ShellAsync("new", "nft delete table inet lab_spoil");

    /// <summary>rsync is killed a moment after it began, whenever it begins.</summary>
    public async Task SpoilRsyncAsync() => await Lab.ShellAsync(await ServingAsync(), """
        printf '#!/bin/sh\nexec timeout -s KILL 0.01 /usr/bin/rsync "$@"\n' >/usr/local/sbin/rsync
        chmod 755 /usr/local/sbin/rsync
        """);

    public async Task MendRsyncAsync()
    {
        foreach (var host in new[] { "old", "new" })
            await Lab.ShellAsync(host, "rm -f /usr/local/sbin/rsync");
    }

    /// <summary>Two operators press the same button; one is refused or its run ends at once.</summary>
    public async Task<Guid> AskTwiceAsync(Move move)
    {
        var answers = await Task.WhenAll(Enumerable.Range(0, 2).Select(_ => Dashboard.TryPostAsync($"migrations/{Migration}/runs", new { target = move.Target, direction = move.Direction })));
        var runs = new List<Guid>();
        foreach (var answer in answers)
            if (answer.IsSuccessStatusCode)
                runs.Add(Core.CoreJson.Read<StageRun>(await answer.Content.ReadAsStringAsync()).Id);

        // The first that was taken is the one that counts; a second one must not have changed anything.
        return runs.Order().First();
    }

    public async Task CancelAsync() => await Dashboard.TryPostAsync($"runs/{_run}/cancel", null);

    private async Task<string> ServingAsync() => await RunsAsync("new") ? "new" : "old";

    /// <summary>The postmaster first, then its children.</summary>
    private int[] Postgres()
    {
        var file = Path.Combine(Dashboard.Data, "postgres");
        var pidFile = Directory.EnumerateFiles(Directory.Exists(file) ? file : Dashboard.Data, "postmaster.pid", SearchOption.AllDirectories).First();
        var postmaster = int.Parse(File.ReadLines(pidFile).First(), CultureInfo.InvariantCulture);
        var children = Directory.EnumerateDirectories($"/proc/{postmaster}/task").SelectMany(task => File.ReadAllText(Path.Combine(task, "children")).Split(' ', StringSplitOptions.RemoveEmptyEntries));
        return [postmaster, .. children.Select(pid => int.Parse(pid, CultureInfo.InvariantCulture))];
    }

    private static async Task SignalAsync(string signal, IEnumerable<int> processes) =>
        await Lab.RunAsync("kill", [signal, .. processes.Select(pid => pid.ToString(CultureInfo.InvariantCulture))]);
}
