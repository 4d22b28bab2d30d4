using System.Globalization;
using System.Net;
using System.Text;
using MigrationDashboard.Core.HostScripts;
using MigrationDashboard.Core.Migrations;
using MigrationDashboard.Core.Network;
using MigrationDashboard.Core.Servers;
using MigrationDashboard.Core.Stages;

namespace MigrationDashboard.Core.Workloads;

/// <summary>
/// The seam through which a workload moves: each member renders one script, to be run as root by <c>sh -s</c> on a host, that may be run again and again and
/// reports in lines of JSON (<see cref="ScriptOutput"/>). What differs between kinds is one shell file and the values given to it.
/// </summary>
/// <remarks>
/// A <c>token</c> names the checkpoint that must still be armed on the host: a script with one does nothing on a host that has gone back by itself, so that
/// a late command never undoes the host's own rescue. Null asks nothing, for rehearsals and repairs.
/// </remarks>
public abstract class WorkloadScripts
{
    private readonly Migration migration;

    private protected WorkloadScripts(Migration migration) => this.migration = migration;

    public static WorkloadScripts Of(Migration migration) => migration.Spec.Workload switch
    {
        DockerContainer container => new DockerScripts(migration, container.Container.Value, "", null),
        ComposeProject project => new DockerScripts(migration, "", project.Project.Value, project.Folder),
        SystemdUnit unit => new SystemdScripts(migration, unit),
        CustomCommands commands => new CommandScripts(migration, commands),
        var other => throw new NotSupportedException(other.GetType().Name),
    };

    private protected Allocation Own => migration.Allocation;

    /// <summary>The kind's own shell files.</summary>
    private protected abstract IEnumerable<string> KindFiles { get; }

    /// <summary>Reads all that is needed to make the workload on another host, and what could be in the way; for both hosts. Changes nothing.</summary>
    public abstract string Inspect();

    /// <summary>The plan for the other host, from what <see cref="Inspect"/> printed on both.</summary>
    /// <exception cref="InvalidInputException">An inspection failed.</exception>
    public abstract Preparation Prepare(string inspectedOld, string inspectedNew);

    /// <summary>Tries the workload on the other host, from a copy of its data and without any network; for that host, after <see cref="Prepare"/> and a pass of the data.</summary>
    /// <returns>The script, which leaves nothing behind, and what the trial does without; no script where a workload of this kind cannot be tried so.</returns>
    /// <exception cref="InvalidInputException">An inspection failed.</exception>
    public virtual (string? Script, ValueList<string> Notes) Rehearse(string inspectedOld, string inspectedNew, ValueList<SyncFolder> folders) =>
        (null, ["a workload of this kind is not started in a rehearsal: only the copy of its data was measured"]);

    /// <summary>On the host the workload leaves, before the hold: sees that it can be stopped and put back, and makes what the fence needs.</summary>
    public string Ready() => Compose(null, Role.Old, [], "locked step ready kind_ready");

    /// <summary>Takes back what <see cref="Ready"/> made, unless the workload is fenced there.</summary>
    public string Unready() => Compose(null, Role.Old, [], "locked step unready unready");

    /// <summary>How many connections are open at the workload's own sockets. Result <c>sessions</c> with <c>open</c>.</summary>
    public string Sessions() => Compose(null, Role.Old, [], "print_sessions");

    /// <summary>Stops it gracefully, sees that it has stopped, and keeps it from starting by itself until <see cref="Start"/> or the host's own revert.</summary>
    /// <param name="quietSeconds">Connections that are open get so long to finish first.</param>
    public string Stop(string? token = null, double quietSeconds = 0) => Compose(token, Role.Old, [], (quietSeconds > 0 ? QuietStep(quietSeconds) + "\n" : "") + "locked step stop stop_workload");

    /// <summary>Starts it, sees that it is healthy, and puts back what starts it by itself.</summary>
    public string Start(Role role, string? token = null) => Compose(token, role, ["workload-health.sh"], StartSteps);

    /// <summary>Whether it answers, asked on the host itself, which no hold concerns.</summary>
    public string Health(Role role) => Compose(null, role, ["workload-health.sh"], "step health wait_healthy");

    /// <summary>Whether it runs here and may start by itself.</summary>
    public string Running() => Compose(null, Role.Old, [], "print_running");

    /// <summary>Waits until no connection to the ports is open any more, at most so long; reports how many remained.</summary>
    public string Quiet(double seconds) => Compose(null, Role.Old, [], QuietStep(seconds));

    /// <summary>Lets it start by itself again, without starting it now.</summary>
    public string Unfence() => Compose(null, Role.Old, [], "locked step unfence unfence");

    /// <summary>Takes away what <see cref="Prepare"/> made, unless the workload is in service there. One that runs beside the other is stopped first.</summary>
    public string Remove() => Compose(null, Role.New, [], $"{(migration.Spec.Mode == CutoverMode.Parallel ? "locked step stop stop_if_made\n" : "")}locked step remove remove_made\nlocked step forget forget");

    /// <summary>For both hosts, before our files leave them: where the workload is fenced it stays down for good, and nothing of the fence itself remains.</summary>
    public string Retire() => Compose(null, Role.Old, [], "locked step retire kind_retire");

    /// <summary>Removes conntrack entries that would go on to where the workload was: half-open TCP and all UDP of the ports.</summary>
    public string ClearFlows(Role role) => Compose(null, role, ["workload-flows.sh"], "step flows clear_flows");

    /// <summary>Counts the conntrack entries of the ports by state.</summary>
    public string CountFlows(Role role) => Compose(null, role, ["workload-flows.sh"], "print_flows");

    /// <summary>
    /// Inside the hold, on the host the workload leaves, in one go: quiet, stop, last pass of the data and its proof. Nothing is stopped while the link is
    /// cut, and given up when that lasts a third of the longest hold.
    /// </summary>
    /// <param name="sync">Null for a workload without data.</param>
    public string StopAndSync(string token, Role from, SyncScripts? sync, string? hostKey) => Compose(
        token, from, sync is null ? [] : ["sync-source.sh"],
        $"await_link {Link(from == Role.Old ? Role.New : Role.Old, migration.Spec.Link.Ipv4 ?? migration.Spec.Link.Ipv6)} {Milliseconds(migration.Spec.HoldLimitSeconds / 3.0)}\n{QuietStep(migration.Spec.QuietSeconds)} $waited\nlocked step stop stop_workload\n{(sync is null ? "" : SyncScripts.FinalSteps)}",
        sync?.SourceValues(hostKey ?? throw new ArgumentNullException(nameof(hostKey))) ?? "");

    /// <summary>Inside the hold, on the host the workload comes to, in one go: start, health, and the entries that would miss it.</summary>
    public string StartAndClearFlows(Role role, string token) => Compose(token, role, ["workload-health.sh", "workload-flows.sh"], "step flows clear_flows &\n" + StartSteps + "\nwait");

    /// <summary>Run by a host itself when its checkpoint was not confirmed: <see cref="CheckpointChange.Arm.OnRevert"/>. Needs nothing but what is in it.</summary>
    /// <param name="source">Where the workload runs before the move: there it is started again, on the other it is stopped.</param>
    public string OnRevert(Role role, Role source = Role.Old) =>
        $"(\n{Values(null, role)}{Files(["workload-health.sh"])}{(role == source ? "resume_here" : "stand_down_here")}\n) </dev/null\n";

    private static readonly string[] CommonFiles = ["step.sh", "words.sh", "workload.sh"];

    private const string StartSteps = "locked step start start_workload\nlocked step policy kind_after_start &\npolicy=$!\nstep health wait_healthy\nwait $policy || exit 1";

    private static string QuietStep(double seconds) => $"wait_quiet {Milliseconds(seconds)}";

    private static string Milliseconds(double seconds) => ((long)(seconds * 1000)).ToString(CultureInfo.InvariantCulture);

    private protected string Compose(string? token, Role role, IEnumerable<string> files, string main, string values = "") =>
        // Read whole before anything runs: commands that read their input would take the rest of the script for it.
        Values(token, role) + values + Files(files) + "main() {\n" + main + "\n}\nmain </dev/null\n";

    private string Files(IEnumerable<string> files) =>
        string.Concat(CommonFiles.Concat(KindFiles).Concat(files).Select(ScriptFile.Read));

    private protected virtual string KindValues => "";

    private string Values(string? token, Role role)
    {
        var workload = migration.Spec.Workload;
        var own = migration.Allocation;
        var health = workload.Health;
        return string.Create(CultureInfo.InvariantCulture, $"""
            set -u
            export LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
            umask 077
            BEST_EFFORT=no
            REPLACE={(workload.Replace ? "yes" : "no")}
            KEY={own.Key}
            HOST={Allocation.HostFolder}
            FOLDER={own.Folder}
            STATE={StateFolder(own)}
            TOKEN={Shell.Quote(token ?? "")}
            PORTS={Shell.Quote(string.Join(' ', migration.Spec.Ports))}
            ADDRESSES={Shell.Quote(string.Join(' ', Addresses(role)))}
            STOP_SECONDS={workload.StopSeconds}
            START_SECONDS={workload.StartSeconds}
            HEALTH={(health.Kind == HealthKind.TcpConnect ? "tcp" : health.Kind.ToString().ToLowerInvariant())}
            HEALTH_PORT={health.Port}
            EXPECT={Shell.Quote(health.Expect ?? (health.Kind is HealthKind.Http or HealthKind.Https ? "200" : ""))}
            HEALTH_PATH={Shell.Quote(health.Path ?? "/")}
            {KindValues}

            """);
    }

    internal static string StateFolder(Allocation own) => own.Folder + "/workload";

    /// <summary>This host's addresses that clients or its peer call.</summary>
    private IEnumerable<IPAddress> Addresses(Role role) =>
        new[] { migration.Facts(role)?.PublicIpv4, Link(role, migration.Spec.Link.Ipv4), migration.Facts(role)?.PublicIpv6, Link(role, migration.Spec.Link.Ipv6) }.OfType<IPAddress>();

    /// <summary>What stands on <c>new</c> for each address of <c>old</c>: clients come to its public address, stragglers over the link.</summary>
    private protected IReadOnlyDictionary<IPAddress, ValueList<IPAddress>> AddressesOnNew()
    {
        var map = new Dictionary<IPAddress, ValueList<IPAddress>>();
        foreach (var (@public, publicNew, network) in new[]
        {
            (migration.OldFacts?.PublicIpv4, migration.NewFacts?.PublicIpv4, migration.Spec.Link.Ipv4),
            (migration.OldFacts?.PublicIpv6, migration.NewFacts?.PublicIpv6, migration.Spec.Link.Ipv6),
        })
        {
            if (@public is not null)
                map[@public] = new[] { publicNew, network?.New }.OfType<IPAddress>().ToValueList();
            if (network is not null)
                map[network.Old] = [network.New];
        }

        return map;
    }

    private static IPAddress? Link(Role role, LinkNetwork? network) => role == Role.Old ? network?.Old : network?.New;
}
