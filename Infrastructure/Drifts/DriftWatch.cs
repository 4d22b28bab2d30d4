using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using MigrationDashboard.Core;
using MigrationDashboard.Core.Audit;
using MigrationDashboard.Core.HostScripts;
using MigrationDashboard.Core.Migrations;
using MigrationDashboard.Core.Network;
using MigrationDashboard.Core.Stages;
using MigrationDashboard.Infrastructure.Audit;
using MigrationDashboard.Infrastructure.Connections;
using MigrationDashboard.Infrastructure.Migrations;
using MigrationDashboard.Infrastructure.Ssh;
using Npgsql;

namespace MigrationDashboard.Infrastructure.Drifts;

/// <summary>
/// Watches on every host that this node counts on whether somebody else changes what is ours. It tells and never mends: who changed it may have had a
/// reason, and two managers that silently undo each other help nobody.
/// </summary>
public sealed class DriftWatch(
    MigrationStore migrations, ServerStore servers, RunStore runs, SamplerLeases leases, DriftStore drifts, IHostLines hosts, AuditStore audit, TimeProvider time, ILogger<DriftWatch> logger) : BackgroundService
{
    private static readonly TimeSpan Round = TimeSpan.FromSeconds(2);

    /// <summary>A script that is started anew each hour never outlives a forgotten dashboard by more.</summary>
    private static readonly TimeSpan Life = TimeSpan.FromHours(1);

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(5);

    private readonly Dictionary<Guid, (ValueList<End> Ends, CancellationTokenSource Stop, Task Watching)> _watched = [];

    /// <summary>One migration as one of its hosts has it.</summary>
    private sealed record End(Guid Migration, Role Role, Allocation Own);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Task.Yield();
        try
        {
            while (true)
            {
                try
                {
                    await LookAsync(stoppingToken);
                }
                catch (Exception problem) when (problem is NpgsqlException or TimeoutException)
                {
                    logger.LogInformation("The database does not say what to watch: {Reason}", problem.Message);
                }

                await Task.Delay(Round, time, stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The way a stop is told.
        }
        finally
        {
            foreach (var server in _watched.Keys.ToList())
                await StopAsync(server);
        }
    }

    private async Task LookAsync(CancellationToken cancellation)
    {
        var page = await migrations.ListAsync(new(ActiveOnly: true, Take: 500), cancellation);
        var ends =
            from stored in page.Items
            where stored.Migration.Stage is > Stage.Preflight and < Stage.Decommission
            from role in new[] { Role.Old, Role.New }
            where stored.Config(role) != "none"
            orderby stored.Migration.Id
            group new End(stored.Migration.Id, role, stored.Migration.Allocation) by role == Role.Old ? stored.Migration.Spec.OldServer : stored.Migration.Spec.NewServer;
        var ours = await leases.HeldAsync(cancellation);
        var wanted = ends.Where(host => ours.Contains(host.Key)).ToDictionary(host => host.Key, host => host.ToValueList());
        foreach (var (server, running) in _watched.ToList())
            if (!wanted.TryGetValue(server, out var same) || !same.Equals(running.Ends))
                await StopAsync(server);
        foreach (var (server, watch) in wanted)
            if (!_watched.ContainsKey(server))
            {
                var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
                _watched[server] = (watch, stop, Task.Run(() => WatchAsync(server, watch, stop.Token), CancellationToken.None));
            }
    }

    private async Task StopAsync(Guid server)
    {
        var (_, stop, watching) = _watched[server];
        _watched.Remove(server);
        await stop.CancelAsync();
        await watching;
        stop.Dispose();
    }

    private async Task WatchAsync(Guid server, ValueList<End> ends, CancellationToken stop)
    {
        var script = DriftScript.Render(ends.Select(end => end.Own), Life);
        while (!stop.IsCancellationRequested)
            try
            {
                await foreach (var text in hosts.RunAsync(server, script, stop))
                    if (CoreJson.Read<DriftLine>(text) is { Key: { } key } line && ends.FirstOrDefault(end => end.Own.Key == key) is { } end)
                        await TellAsync(server, end, line, stop);
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception problem) when (problem is SshFailure or NpgsqlException or TimeoutException or IOException or System.Text.Json.JsonException or InvalidOperationException)
            {
                logger.LogInformation("Server {Server} is not watched for changes: {Reason}", server, problem.Message);
                try
                {
                    await Task.Delay(Pause, time, stop);
                }
                catch (OperationCanceledException)
                {
                    return;
                }
            }
    }

    private async Task TellAsync(Guid server, End end, DriftLine line, CancellationToken cancellation)
    {
        // While a run changes the host, what is found is its work.
        if (await runs.RunningAsync(end.Migration, cancellation) is not null)
            return;
        var host = (await servers.FindAsync(server, cancellation))?.Name;
        if (line.Found == "same")
        {
            if (await drifts.ClearAsync(end.Migration, end.Role, cancellation))
                await AuditAsync(end, host, AuditOutcome.Ok, "What is ours on this host is again as it was applied.", cancellation);
            return;
        }

        // What the migration no longer has there cannot be missing.
        if (line.Found == "missing" && (await migrations.FindAsync(end.Migration, cancellation))?.Config(end.Role) is null or "none")
            return;
        if (await drifts.SaveAsync(end.Migration, end.Role, line.Found!, line.Was ?? "", line.Is ?? "", cancellation))
        {
            var changes = line.Found == "missing" ? Drift.Missing : string.Join('\n', Drift.Explain(line.Was!, line.Is!).Select(change => $"{change.Change} {change.Text}{(change.Breaks is null ? "" : "   ← " + change.Breaks)}"));
            await AuditAsync(end, host, AuditOutcome.Failed, $"Somebody else changed what is ours on this host:\n{changes}", cancellation);
        }
    }

    private Task AuditAsync(End end, string? host, AuditOutcome outcome, string detail, CancellationToken cancellation) => audit.AppendAsync(
        new AuditEvent { At = time.GetUtcNow(), Actor = "dashboard", Action = outcome == AuditOutcome.Ok ? "drift.gone" : "drift.found", MigrationId = end.Migration, Host = host, Outcome = outcome, Detail = detail }, cancellation);
}
