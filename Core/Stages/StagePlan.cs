using System.Net.Sockets;
using System.Text;
using MigrationDashboard.Core.Migrations;
using MigrationDashboard.Core.Network;

namespace MigrationDashboard.Core.Stages;

/// <summary>One line of a diff.</summary>
/// <param name="Change">' ' stays, '+' comes, '-' goes.</param>
public sealed record DiffLine(char Change, string Text);

/// <summary>What a run would change on one host: its configuration of now and the one to come, as text, and the difference.</summary>
public sealed record HostPlan(Role Role, string Now, string Next, ValueList<DiffLine> Diff);

/// <summary>What a run would do, in words, and what it would change on each host.</summary>
public sealed record StagePlan(Stage From, Stage Target, Direction Direction, ValueList<string> Steps, ValueList<HostPlan> Hosts)
{
    public static StagePlan Of(Migration migration, Stage target, Direction direction)
    {
        var from = direction == Direction.Rehearse ? migration.Stage : StageOrder.Required(target, direction);
        var destination = direction == Direction.Rehearse ? from : (direction, target) is (Direction.Advance, Stage.Cutover) ? Stage.Tail : target;
        var hosts = new[] { Role.Old, Role.New }.Select(role =>
        {
            var now = Text(migration, from, role);
            var next = Text(migration, destination, role);
            return new HostPlan(role, now, next, LineDiff.Of(now, next));
        });
        return new(from, target, direction, StageSteps.Of(migration, target, direction).Select(step => Words(migration, step)).ToValueList(), hosts.ToValueList());
    }

    /// <summary>A host's configuration at a stage, as a network engineer reads it.</summary>
    public static string Text(Migration migration, Stage stage, Role role, RulesBackend? spelling = null, bool held = false)
    {
        var config = StageConfigs.For(migration, stage, role, held);
        if (config.IsEmpty)
            return "";
        var text = new StringBuilder();
        if (config.Link is { } link)
        {
            text.AppendLine($"# link {link.Interface}: {link.Tunnel switch { OpenVpnTunnel tunnel => $"OpenVPN tap to {tunnel.Remote} port {tunnel.Port}/udp{(tunnel.Listens ? ", listening" : "")}", VxlanTunnel vxlan => $"VXLAN {vxlan.Vni} to {vxlan.Remote} port {vxlan.Port}/udp, not encrypted", _ => "an existing network" }}");
            foreach (var address in link.Addresses)
                text.AppendLine($"ip address add {address} dev {link.Interface}");
        }

        foreach (var sysctl in config.Sysctls)
            text.AppendLine($"sysctl {sysctl.Path.Replace('/', '.')} = {sysctl.Value}");
        var routes = PolicyRoutes.Of(config);
        foreach (var rule in routes.Rules)
            text.AppendLine($"ip {(rule.Family == AddressFamily.InterNetwork ? "" : "-6 ")}rule add pref {rule.Preference} {rule.Selector}");
        foreach (var (family, route) in routes.Routes)
            text.AppendLine($"ip {(family == AddressFamily.InterNetwork ? "" : "-6 ")}route add {route} table {config.Allocation.Table}");
        foreach (var opening in config.Openings)
            text.AppendLine($"# opening in the host's firewall ({opening.Firewall}): {opening.Kind} from {opening.In}{(opening.Out is null ? "" : $" to {opening.Out}")}{(opening.Ports.Count > 0 ? $", ports {opening.Ports}" : "")}");
        var backend = spelling ?? migration.Facts(role)?.Backend ?? RulesBackend.Nft;
        if (backend == RulesBackend.Nft)
            text.Append(string.Join('\n', NftRuleset.Render(config).Split('\n').Where(line => !line.StartsWith("add table", StringComparison.Ordinal) && !line.StartsWith("delete table", StringComparison.Ordinal))));
        else
            foreach (var family in new[] { AddressFamily.InterNetwork, AddressFamily.InterNetworkV6 })
                text.Append(IptablesRuleset.Render(config, family).Preview());
        return text.ToString();
    }

    private static string Words(Migration migration, Step step) => step switch
    {
        Step.Read => "Read both servers and judge the checks",
        Step.RequireChecks => "Go on only if no check fails",
        Step.RequireGate { AtOpening: true } => "In a window: see that the gate is open when it opens",
        Step.RequireGate => "Go on only if the gate is open",
        Step.RequireBudget => $"Go on only if what a rehearsal measured fits the hold's limit of {migration.Spec.HoldLimitSeconds} s",
        Step.Rehearse rehearse => $"Try {migration.Spec.Workload.Label} on {rehearse.To.ToString().ToLowerInvariant()} from a copy of its data and without network, and measure it",
        Step.RequireDns => "Go on only if every watched resolver leads to new, and old records have run out in caches",
        Step.LinkKeys => "Both servers make their own key for the link",
        Step.Apply { Held: true } apply => $"Hold new connections on both servers; they go back by themselves after {apply.Arm} s",
        Step.HandOver hand => $"{hand.From} gives it up: {migration.Spec.Workload.Label} does not start there by itself again",
        Step.Apply { Commit: true } apply => $"Set both servers to {apply.Stage}, for good, and release the hold",
        Step.Apply apply => $"Set {string.Join(", then ", apply.Order.Select(role => role.ToString().ToLowerInvariant()))} to {apply.Stage}; they go back by themselves after {apply.Arm} s unless confirmed",
        Step.ProbeLink => "Try the link with full-size packets",
        Step.ProbePath path => $"Open connections to {path.Via.ToString().ToLowerInvariant()} and see that the application answers and sees the true source address",
        Step.Confirm => "Confirm over new SSH connections: the change stays",
        Step.Compare => "Compare both servers with what they were before",
        Step.Prepare prepare => $"Make {migration.Spec.Workload.Label} ready on {prepare.To.ToString().ToLowerInvariant()} and copy its image and data while it runs",
        Step.AwaitWindow wait => $"In a window: copy from {wait.From.ToString().ToLowerInvariant()} again and again until it opens",
        Step.CountSessions { Role: Role.New } when migration.Spec.Mode == CutoverMode.Parallel => $"Tell how many connections are still open on new: they get {StageSteps.LongestGoodbye} s to end",
        Step.CountSessions count => migration.Spec.Mode == CutoverMode.Exclusive
            ? $"Tell how many connections are open on {count.Role.ToString().ToLowerInvariant()}: they get {migration.Spec.QuietSeconds:0.#} s to finish"
            : $"Tell how many connections are open on {count.Role.ToString().ToLowerInvariant()}: they go on there until they end",
        Step.RequireNoSessions none => $"Go on only if no connection is open on {none.Role.ToString().ToLowerInvariant()} any more: the stop would cut it",
        Step.Leave leave => $"Let established connections finish, at most {migration.Spec.QuietSeconds:0.#} s; stop {migration.Spec.Workload.Label} on {leave.From.ToString().ToLowerInvariant()}; copy what has changed since, and prove it",
        Step.Arrive arrive => $"Start {migration.Spec.Workload.Label} on {arrive.To.ToString().ToLowerInvariant()} and wait until it is healthy",
        Step.StartWorkload start => $"Start {migration.Spec.Workload.Label} on {start.Role.ToString().ToLowerInvariant()} and wait until it is healthy",
        Step.StopWorkload stop => $"Stop {migration.Spec.Workload.Label} on {stop.Role.ToString().ToLowerInvariant()}",
        Step.DropUdpFlows => "Let conntrack forget UDP flows, which must be decided anew",
        Step.RetireWorkload retire => $"Keep {migration.Spec.Workload.Label} from starting on {retire.Role.ToString().ToLowerInvariant()} by itself",
        Step.UnreadyWorkload unready => $"Take what was to keep {migration.Spec.Workload.Label} down off {unready.Role.ToString().ToLowerInvariant()} again",
        Step.CloseSync => "Take the copy's key and its sshd away again",
        Step.RemoveWorkload remove => $"Take {migration.Spec.Workload.Label} off {remove.Role.ToString().ToLowerInvariant()} again",
        _ => step.GetType().Name,
    };
}

/// <summary>A line diff by longest common subsequence; configurations have some hundred lines at most.</summary>
public static class LineDiff
{
    public static ValueList<DiffLine> Of(string now, string next)
    {
        var a = Lines(now);
        var b = Lines(next);
        var common = new int[a.Length + 1, b.Length + 1];
        for (var i = a.Length - 1; i >= 0; i--)
            for (var j = b.Length - 1; j >= 0; j--)
                common[i, j] = a[i] == b[j] ? common[i + 1, j + 1] + 1 : Math.Max(common[i + 1, j], common[i, j + 1]);
        var diff = new List<DiffLine>();
        int x = 0, y = 0;
        while (x < a.Length || y < b.Length)
            if (x < a.Length && y < b.Length && a[x] == b[y])
            {
                diff.Add(new(' ', a[x++]));
                y++;
            }
            else if (y == b.Length || (x < a.Length && common[x + 1, y] >= common[x, y + 1]))
                diff.Add(new('-', a[x++]));
            else
                diff.Add(new('+', b[y++]));
        return diff.ToValueList();
    }

    private static string[] Lines(string text) => text.Length == 0 ? [] : text.TrimEnd('\n').Split('\n');
}
