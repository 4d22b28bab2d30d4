using System.Net;
using MigrationDashboard.Core;
using MigrationDashboard.Core.HostScripts;
using MigrationDashboard.Core.Inventory;
using MigrationDashboard.Core.Migrations;
using MigrationDashboard.Core.Preflight;
using MigrationDashboard.Core.Servers;
using MigrationDashboard.Core.Stages;
using MigrationDashboard.Infrastructure.Hosts;
using MigrationDashboard.Infrastructure.Migrations;
using MigrationDashboard.Infrastructure.Postgres;
using MigrationDashboard.Infrastructure.Ssh;
using Npgsql;

namespace MigrationDashboard.Infrastructure.Stages;

/// <summary>The steps that read hosts: inventory and checks, the link's keys and its probe, the proof that a host is as it was found.</summary>
public sealed class ReadSteps(HostReader reader, OpenSsh ssh, MigrationStore migrations, ServerStore servers, NpgsqlDataSource database, TimeProvider time)
{
    /// <summary>A database that is restarted or fails over is back by then.</summary>
    private static readonly TimeSpan DatabasePatience = TimeSpan.FromMinutes(2);

    private static readonly Role[] Both = [Role.Old, Role.New];

    /// <summary>A tunnel needs a few seconds to come up; one that has not after this long will not.</summary>
    private const int LinkPatienceSeconds = 20;

    /// <param name="snapshot">Keeps how the hosts look now as what they must be equal to in the end.</param>
    public async Task ReadAsync(RunContext context, bool snapshot, CancellationToken cancellation)
    {
        // Side by side: the trial waits a second for its own revert.
        var trying = Task.WhenAll(Both.Select(role => TryCheckpointAsync(context, role, cancellation)));
        var readings = (await Task.WhenAll(Both.Select(async role => (role, reading: await ReadAsync(context, role, cancellation))))).ToDictionary(pair => pair.role, pair => pair.reading);
        var trials = await trying;
        await context.Log.StepAsync("checks", null, async notes =>
        {
            await FactsAsync(context, readings, snapshot, notes, cancellation);
            var checks = PreflightChecks.Run(new PreflightInput(context.Migration.Spec, readings[Role.Old], readings[Role.New])
            {
                Allocation = context.Migration.Allocation,
                Started = context.Migration.Stage != Stage.Preflight,
                OldSshPort = context.Target(Role.Old).Port,
                NewSshPort = context.Target(Role.New).Port,
                OldTrial = trials[0],
                NewTrial = trials[1],
            });
            await migrations.SaveChecksAsync(context.Migration.Id, CoreJson.Write(checks), cancellation);
            context.Checks = checks;
            foreach (var check in checks.Where(check => check.Status is not (CheckStatus.Pass or CheckStatus.Unknown)))
                notes.Add($"{Symbol(check.Status)} {check.Title}{(check.Role is { } role ? $" on {context.Host(role)}" : "")}: {check.Found} {check.Means} {check.WillDo}".TrimEnd());
            notes.Add($"{checks.Count(check => check.Status == CheckStatus.Pass)} checks passed, {checks.Count(check => check.Status == CheckStatus.Warn)} warn, {checks.Count(check => check.Status is CheckStatus.Fail or CheckStatus.Error)} failed.");
        });
    }

    public Task RequireChecksAsync(RunContext context, CancellationToken cancellation)
    {
        var failed = context.Checks.Where(check => check.Status is CheckStatus.Fail or CheckStatus.Error).ToList();
        return failed.Count == 0
            ? Task.CompletedTask
            : throw new RunRefusedException($"{(failed.Count == 1 ? "A check fails" : $"{failed.Count} checks fail")}: {string.Join(" · ", failed.Select(check => $"{check.Title}: {check.Found}{(check.WillDo.Length > 0 ? " " + check.WillDo : "")}"))}");
    }

    private Task<HostReading> ReadAsync(RunContext context, Role role, CancellationToken cancellation) =>
        context.Log.StepAsync("read", context.Host(role), async notes =>
        {
            var reading = await reader.TryReadAsync(context.Target(role), role == Role.Old ? context.Migration.Spec.Workload : null, cancellation);
            notes.ExitCode = reading.Inventory is null ? 1 : 0;
            notes.Add(reading.Inventory is { } host ? $"{host.System.Hostname}, kernel {host.System.KernelRelease}" : reading.Failure!.Detail);
            if (reading.Inventory is { } inventory)
                context.Log.Write(token => servers.SaveInventoryAsync(role == Role.Old ? context.Migration.Spec.OldServer : context.Migration.Spec.NewServer, CoreJson.Write(inventory), time.GetUtcNow(), token));
            return reading;
        });

    /// <returns>Null when the host could not be reached, which the reading says.</returns>
    private async Task<CheckpointTrial?> TryCheckpointAsync(RunContext context, Role role, CancellationToken cancellation)
    {
        try
        {
            return await context.Log.StepAsync("try the revert", context.Host(role), async notes =>
            {
                var result = await ssh.RunAsync(context.Target(role), new SshCommand(SelfTestScript.Render(context.Migration.Allocation)) { Name = "try the revert" }, cancellation);
                notes.ExitCode = 0;
                notes.Add(result.Output.Trim());
                return CoreJson.Read<CheckpointTrial>(result.Output.Trim());
            });
        }
        catch (SshFailure)
        {
            return null;
        }
    }

    private async Task FactsAsync(RunContext context, Dictionary<Role, HostReading> readings, bool snapshot, StepNotes notes, CancellationToken cancellation)
    {
        var id = context.Migration.Id;
        var nothingOnHosts = context.Migration.Stage == Stage.Preflight && Both.All(role => context.Config(role) == "none");
        if (nothingOnHosts && readings[Role.Old].Inventory is { } old && readings[Role.New].Inventory is { } @new && MarkChoice.Of(old, @new).Mask is { } mask && mask != context.Migration.Allocation.Mask)
        {
            context.Migration = context.Migration with { Allocation = context.Migration.Allocation with { Mask = mask } };
            await migrations.SaveMaskAsync(id, mask, cancellation);
        }

        foreach (var role in Both)
        {
            if (readings[role].Inventory is not { } host)
                continue;
            var (facts, errors) = FactsFromInventory.Of(host, context.Migration.Spec, role);
            foreach (var error in errors)
                notes.Add($"✗ {error.Reason}");
            if (facts is null)
                continue;
            if (context.Migration.Facts(role) is { } known)
                facts = facts with { LinkFingerprint = known.LinkFingerprint, LinkMtu = known.LinkMtu };
            context.Migration = context.Migration.With(role, facts);
            await migrations.SaveFactsAsync(id, role, facts, cancellation);
            if (snapshot && nothingOnHosts)
                await migrations.SaveSnapshotAsync(id, role, CoreJson.Write(HostSnapshot.Of(host, await OthersAsync(context, role, cancellation))), cancellation);
        }
    }

    public Task LinkKeysAsync(RunContext context, CancellationToken cancellation) => Task.WhenAll(Both.Select(role => context.Log.StepAsync("link key", context.Host(role), async notes =>
    {
        var result = await ssh.RunAsync(context.Target(role), new SshCommand(LinkKeyScript.Render(context.Migration.Allocation)) { Name = "link key", AnyExitCode = true }, cancellation);
        notes.ExitCode = result.ExitCode;
        var fingerprint = LinkKeyScript.Fingerprint(result.Output)
            ?? throw new RunRefusedException($"{context.Host(role)} could not make its key for the link: {result.Output}{result.ErrorOutput}");
        notes.Add($"certificate {fingerprint}");
        HostFacts facts;
        lock (context)
        {
            facts = context.Migration.Facts(role)! with { LinkFingerprint = fingerprint };
            context.Migration = context.Migration.With(role, facts);
        }

        await migrations.SaveFactsAsync(context.Migration.Id, role, facts, cancellation);
    })));

    public async Task ProbeLinkAsync(RunContext context, CancellationToken cancellation)
    {
        var probes = (await Task.WhenAll(Both.Select(async role => (role, probe: await ProbeAsync(context, role, cancellation))))).ToDictionary(pair => pair.role, pair => pair.probe);
        foreach (var (role, probe) in probes)
        {
            if (!probe.Up)
                throw new RunRefusedException($"The link is not up, seen from {context.Host(role)}: {probe.Reason}");
            var mtu = probes.Values.Select(other => other.Mtu).OfType<int>().DefaultIfEmpty(StageConfigs.LeastLinkMtu).Min();
            var facts = context.Migration.Facts(role)! with { LinkMtu = mtu };
            context.Migration = context.Migration.With(role, facts);
            await migrations.SaveFactsAsync(context.Migration.Id, role, facts, cancellation);
        }
    }

    private Task<LinkProbe> ProbeAsync(RunContext context, Role role, CancellationToken cancellation) => context.Log.StepAsync("probe link", context.Host(role), async notes =>
    {
        var result = await ssh.RunAsync(context.Target(role), new SshCommand(LinkProbeScript.Render(context.Migration.Spec.Link, role, LinkPatienceSeconds)) { Name = "probe link", AnyExitCode = true }, cancellation);
        notes.ExitCode = result.ExitCode;
        var probe = LinkProbeScript.Parse(result.Output);
        notes.Add(probe.Up ? $"up: peer {probe.PeerMac}, {probe.RttMs:0.##} ms, packets of {probe.Mtu} bytes pass whole" : probe.Reason);
        return probe;
    });

    /// <summary>Both hosts must read back equal to what they were before the first change.</summary>
    public async Task CompareAsync(RunContext context, CancellationToken cancellation)
    {
        var differences = new List<string>();
        foreach (var role in Both)
        {
            if (await database.RetryAsync(token => migrations.SnapshotAsync(context.Migration.Id, role, token), DatabasePatience, cancellation) is not { } before)
                continue;
            await context.Log.StepAsync("compare", context.Host(role), async notes =>
            {
                var now = HostSnapshot.Of(await reader.ReadAsync(context.Target(role), null, cancellation), await OthersAsync(context, role, cancellation));
                var found = HostSnapshot.Compare(CoreJson.Read<HostSnapshot>(before), now, context.Run.Target == Stage.Decommission ? context.Migration.Spec.Workload : null);
                notes.Add(found.Count == 0 ? "as it was found" : string.Join('\n', found));
                differences.AddRange(found.Select(difference => $"{context.Host(role)}: {difference.Area}"));
            });
        }

        if (differences.Count > 0)
            throw new RunRefusedException($"Something is not as it was before the migration (others may have changed it meanwhile): {string.Join("; ", differences)}.");
    }

    /// <summary>Other migrations that have something on the same server: theirs may come and go meanwhile.</summary>
    private async Task<IEnumerable<Core.Network.Allocation>> OthersAsync(RunContext context, Role role, CancellationToken cancellation)
    {
        var server = role == Role.Old ? context.Migration.Spec.OldServer : context.Migration.Spec.NewServer;
        var page = await database.RetryAsync(token => migrations.ListAsync(new(ActiveOnly: true, Take: 500), token), DatabasePatience, cancellation);
        return page.Items.Select(stored => stored.Migration).Where(other => other.Id != context.Migration.Id && (other.Spec.OldServer == server || other.Spec.NewServer == server)).Select(other => other.Allocation);
    }

    private static string Symbol(CheckStatus status) => status switch { CheckStatus.Warn => "!", CheckStatus.Fail => "✗", CheckStatus.Error => "?", _ => "✓" };
}
