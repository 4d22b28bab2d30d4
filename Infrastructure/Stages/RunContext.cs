using System.Diagnostics;
using MigrationDashboard.Core;
using MigrationDashboard.Core.HostScripts;
using MigrationDashboard.Core.Migrations;
using MigrationDashboard.Core.Preflight;
using MigrationDashboard.Core.Servers;
using MigrationDashboard.Core.Stages;
using MigrationDashboard.Core.Workloads;
using MigrationDashboard.Infrastructure.Migrations;
using MigrationDashboard.Infrastructure.Ssh;

namespace MigrationDashboard.Infrastructure.Stages;

/// <summary>What a run knows while it runs. Everything that must outlive the process is in the database or on the hosts.</summary>
public sealed class RunContext(StageRun run, StoredMigration stored, Server old, Server @new, RunLog log, TimeProvider time)
{
    private readonly Dictionary<Role, SshTarget> _targets = new() { [Role.Old] = TargetOf(old), [Role.New] = TargetOf(@new) };
    private readonly Dictionary<Role, string> _configs = new() { [Role.Old] = stored.OldConfig, [Role.New] = stored.NewConfig };

    public StageRun Run => run;

    public RunLog Log => log;

    public Migration Migration { get; set; } = stored.Migration;

    /// <summary>The run began before its window opens, to copy.</summary>
    public bool BeganAhead { get; } = run.NotBefore > time.GetUtcNow();

    /// <summary>Its window has not opened yet.</summary>
    public bool IsAhead => run.NotBefore > time.GetUtcNow();

    /// <summary>The workload's definition as it was last read where it runs, JSON.</summary>
    public string? Workload { get; set; } = stored.Workload;

    /// <summary>Roles whose hosts have a change that is not confirmed, with the configuration it goes to.</summary>
    public HashSet<Role> Armed { get; } = [];

    /// <summary>The configuration the hosts were last given, by stage and hold.</summary>
    public (Stage Stage, bool Held)? Given { get; set; }

    /// <summary>Something stays from here on: a failure after this is no way back.</summary>
    public bool Committed { get; set; }

    /// <summary>Both hosts have been told to keep what the run leads to.</summary>
    public bool Arrived => Committed && Armed.Count == 0 && Given is { } given && (given.Stage, given.Held) == (Destination, false);

    /// <summary>What the checks said when the hosts were last read in this run.</summary>
    public ValueList<CheckResult> Checks { get; set; } = [];

    /// <summary>Runs while new connections are held.</summary>
    public Stopwatch Hold { get; } = new();

    public int? HoldMs { get; set; }

    /// <summary>What goes on beside the steps: the rest of the hold, once the host that serves the workload holds.</summary>
    public Task Beside { get; set; } = Task.CompletedTask;

    /// <summary>Hosts that do not let clients in yet while the hold ends.</summary>
    public int Releasing { get; set; }

    /// <summary>Where the workload is being made ready, when it is; it is cleared away when the run fails.</summary>
    public (Role From, Role To)? Prepared { get; set; }

    /// <summary>The copy that is open between the hosts, with the public key of its temporary sshd; null when none is.</summary>
    public (SyncScripts Scripts, string HostKey, Role From)? Sync { get; set; }

    public SshTarget Target(Role role) => _targets[role];

    public string Host(Role role) => (role == Role.Old ? old : @new).Name;

    /// <summary>Hash of the configuration script that is on the host.</summary>
    public string Config(Role role) => _configs[role];

    public void SetConfig(Role role, string hash)
    {
        lock (_configs)
            _configs[role] = hash;
    }

    public RulesBackend Backend(Role role) => Migration.Facts(role)?.Backend ?? RulesBackend.Nft;

    /// <summary>What the stored script's hash is when a host has the configuration of a stage.</summary>
    public string HashOf(Stage stage, Role role, bool held = false)
    {
        var config = StageConfigs.For(Migration, stage, role, held);
        return config.IsEmpty ? "none" : ConfigScript.Hash(ConfigScript.Render(config, Backend(role)));
    }

    /// <summary>The stage the run leads to: a cutover ends in Tail, and a rehearsal where it began.</summary>
    public Stage Destination => run.Direction == Direction.Rehearse ? run.From : run is { Direction: Direction.Advance, Target: Stage.Cutover } ? Stage.Tail : run.Target;

    /// <summary>The workload itself moves in this run, or moves back.</summary>
    public bool Moves => ServedBy(run.From) != ServedBy(Destination) && run.Target != Stage.Decommission;

    /// <summary>Where the workload runs at a stage.</summary>
    public static Role ServedBy(Stage stage) => stage is Stage.Tail or Stage.Decommission ? Role.New : Role.Old;

    public static SshTarget TargetOf(Server server) =>
        new(server.Host, (ushort)server.Port, server.User, server.HostKeys.Select(SshHostKey.Parse), server.KeyId);
}

/// <summary>A run that cannot go on for a reason the operator can do something about. The message says what.</summary>
public sealed class RunRefusedException(string message) : Exception(message);
