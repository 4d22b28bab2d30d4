using System.Globalization;
using System.Text;
using MigrationDashboard.Core.Migrations;
using MigrationDashboard.Core.Network;

namespace MigrationDashboard.Core.HostScripts;

/// <summary>What becomes of the dead man's switch with a change.</summary>
public abstract record CheckpointChange
{
    /// <summary>No switch: for changes that cannot lock anybody out and that nothing waits on.</summary>
    public sealed record None : CheckpointChange;

    /// <summary>The host goes back by itself after this long unless <see cref="ConfirmScript"/> is run.</summary>
    /// <param name="Seconds">1 to 3600.</param>
    /// <param name="Token">Names this checkpoint: letters and digits.</param>
    /// <param name="OnRevert">Shell run on the host before the old configuration is put back: a cutover starts the workload again.</param>
    public sealed record Arm(int Seconds, string Token, string OnRevert = "") : CheckpointChange;

    /// <summary>One armed before stays as it is: the steps of a cutover have one switch together.</summary>
    public sealed record Keep(string Token) : CheckpointChange;

    /// <summary>One armed before ends together with this change: what comes with it must not be taken back by the host alone any more.</summary>
    public sealed record Commit(string Token) : CheckpointChange;
}

/// <summary>How much of a configuration is set.</summary>
public enum Pace
{
    /// <summary>All of it, whatever is there.</summary>
    Whole,

    /// <summary>New connections begin to wait: only what differs from the configuration before.</summary>
    Hold,

    /// <summary>They go on: only what differs.</summary>
    Release,
}

/// <summary>Renders the script that takes a host from one configuration to the next (DESIGN §4), to be run as root by <c>sh -s</c>.</summary>
public static class ApplyScript
{
    /// <param name="expected">Hash of the stored configuration that the plan was made against; <c>none</c> when there was none, <c>any</c> not to ask.</param>
    /// <param name="pace">How much is set: within a cutover only what changes, because clients wait.</param>
    public static string Render(HostConfig config, RulesBackend backend, CheckpointChange checkpoint, string expected, bool force = false, Pace pace = Pace.Whole)
    {
        var own = config.Allocation;
        var (seconds, token, onRevert) = checkpoint switch
        {
            CheckpointChange.Arm arm => (arm.Seconds.ToString(CultureInfo.InvariantCulture), arm.Token, arm.OnRevert),
            CheckpointChange.Keep keep => ("keep", keep.Token, ""),
            CheckpointChange.Commit commit => ("keep", commit.Token, ""),
            _ => ("0", "none", ""),
        };
        var text = Prologue(own);
        text.Append(CultureInfo.InvariantCulture, $"""
            EXPECTED={Shell.Quote(expected)}
            CHECKPOINT={seconds}
            COMMIT={(checkpoint is CheckpointChange.Commit ? "yes" : "no")}
            TOKEN={Shell.Quote(token)}
            FORCE={(force ? "yes" : "no")}
            PACE={pace switch { Pace.Hold => "hold", Pace.Release => "release", _ => "set" }}
            KEEP_FILES={(config.IsEmpty ? "no" : "yes")}
            WATCH={(config.Link is null ? "no" : "yes")}

            """);
        text.Append(Shell.Function("new_config", ConfigScript.Render(config, backend)));
        text.Append(Shell.Function("empty_config", ConfigScript.Render(new HostConfig(own), backend)));
        text.Append(Shell.Function("revert_text", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n" +
            $"revert_first() {{ :\n{onRevert}\n}}\n" + ScriptFile.Read("host.sh") + ScriptFile.Read("revert.sh")));
        text.Append(Shell.Function("boot_text", $"FOLDER={own.Folder} HOST={Allocation.HostFolder}\n" + ScriptFile.Read("boot.sh")));
        text.Append(Shell.Function("watch_text", $"FOLDER={own.Folder} HOST={Allocation.HostFolder} LINK={config.Link?.Interface}\n" + ScriptFile.Read("watch.sh")));
        text.Append(Shell.Function("unit_migration_dashboard", EarlyUnit));
        text.Append(Shell.Function("unit_migration_dashboard_late", LateUnit));
        text.Append(Shell.Function("unit_migration_dashboard_watch", WatchUnit));
        text.Append(ScriptFile.Read("host.sh"));
        text.Append(ScriptFile.Read("apply.sh"));
        return text.ToString();
    }

    /// <summary>The script that makes a change stay.</summary>
    public static string Confirm(HostConfig config, string token)
    {
        var text = Prologue(config.Allocation);
        text.Append(CultureInfo.InvariantCulture, $"TOKEN={Shell.Quote(token)}\nREMOVE={(config.IsEmpty ? "yes" : "no")}\n");
        text.Append(ScriptFile.Read("host.sh"));
        text.Append(ScriptFile.Read("confirm.sh"));
        return text.ToString();
    }

    /// <summary>
    /// The script by which the host that a workload has left gives up its own way back, inside the hold (docs/decisions/041). From then on only the other
    /// host's word lets it start the workload again.
    /// </summary>
    /// <param name="onward">What it becomes when the other host keeps the change.</param>
    /// <param name="ask">A script that prints what the other host says: <c>waits</c>, <c>stays</c> or <c>back</c>; nothing while it cannot be asked.</param>
    public static string HandOver(HostConfig onward, RulesBackend backend, string token, string ask)
    {
        var text = Prologue(onward.Allocation);
        text.Append(CultureInfo.InvariantCulture, $"TOKEN={Shell.Quote(token)}\n");
        text.Append(Shell.Function("onward_config", ConfigScript.Render(onward, backend)));
        text.Append(Shell.Function("ask_text", ask));
        text.Append(ScriptFile.Read("host.sh"));
        text.Append(ScriptFile.Read("handover.sh"));
        return text.ToString();
    }

    /// <summary>The script that has a host go back at once instead of when its checkpoint runs out.</summary>
    public static string Revert(Allocation own, string token)
    {
        var text = Prologue(own);
        text.Append(CultureInfo.InvariantCulture, $$"""
            if [ -e "$FOLDER/revert.sh" ] && [ "$(cat "$FOLDER/checkpoint" 2>/dev/null)" = {{Shell.Quote(token)}} ]; then
              code=0
              sh "$FOLDER/revert.sh" {{Shell.Quote(token)}} || code=$?
              printf '{"step":"revert","exit":%d,"ms":0,"output":""}\n' "$code"
              exit "$code"
            else
              printf '{"step":"revert","exit":0,"ms":0,"output":"nothing to take back"}\n'
            fi

            """);
        return text.ToString();
    }

    /// <summary>The script that tells what is stored of a migration on a host and whether it is still what was applied.</summary>
    public static string State(Allocation own) => Prologue(own).Append(ScriptFile.Read("state.sh")).ToString();

    private static StringBuilder Prologue(Allocation own) => new StringBuilder().Append(CultureInfo.InvariantCulture, $"""
        set -u
        export LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
        umask 077
        KEY={own.Key}
        HOST={Allocation.HostFolder}
        FOLDER={own.Folder}

        """);

    private const string EarlyUnit = """
        [Unit]
        Description=MigrationDashboard: network configuration of migration %i
        Documentation=file:/var/lib/migration-dashboard/%i/
        DefaultDependencies=no
        After=local-fs.target systemd-sysctl.service nftables.service netfilter-persistent.service iptables.service ip6tables.service
        Before=network-pre.target
        Wants=network-pre.target
        ConditionPathExists=/var/lib/migration-dashboard/%i/boot.sh

        [Service]
        Type=oneshot
        RemainAfterExit=yes
        ExecStart=/bin/sh /var/lib/migration-dashboard/%i/boot.sh early

        [Install]
        WantedBy=sysinit.target

        """;

    private const string LateUnit = """
        [Unit]
        Description=MigrationDashboard: openings and link of migration %i
        After=network-online.target docker.service ufw.service firewalld.service
        Wants=network-online.target
        PartOf=docker.service
        ConditionPathExists=/var/lib/migration-dashboard/%i/boot.sh

        [Service]
        Type=oneshot
        RemainAfterExit=yes
        ExecStart=/bin/sh /var/lib/migration-dashboard/%i/boot.sh late

        [Install]
        WantedBy=multi-user.target

        """;

    private const string WatchUnit = """
        [Unit]
        Description=MigrationDashboard: watches the link of migration %i
        ConditionPathExists=/var/lib/migration-dashboard/%i/watch.sh

        [Service]
        ExecStart=/bin/sh /var/lib/migration-dashboard/%i/watch.sh
        Restart=always
        RestartSec=1
        # It may be waiting for the lock that whoever stops it holds; what it does may be cut off anywhere and is done again.
        KillSignal=SIGKILL
        SuccessExitStatus=SIGKILL
        # With cgroup v1 inside a container nothing tells systemd that the last process has ended: it waits this long (seen in the lab).
        TimeoutStopSec=1

        [Install]
        WantedBy=multi-user.target

        """;
}
