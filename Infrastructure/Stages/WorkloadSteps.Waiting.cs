using System.Globalization;
using MigrationDashboard.Core;
using MigrationDashboard.Core.Migrations;
using MigrationDashboard.Core.Stages;
using MigrationDashboard.Core.Workloads;
using MigrationDashboard.Infrastructure.Migrations;
using MigrationDashboard.Infrastructure.Ssh;

namespace MigrationDashboard.Infrastructure.Stages;

/// <summary>What is done before a hold begins or a workload is stopped: copying while the window is awaited, and looking at who is still connected.</summary>
public sealed partial class WorkloadSteps
{
    /// <summary>
    /// While the window is awaited: a pass at most takes a twentieth of the time, far from the window a fifth of what is left lies between two, and never
    /// more than this.
    /// </summary>
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan ShortestPause = TimeSpan.FromSeconds(5);

    private Task<Said> PassAsync(RunContext context, Role from, string name, CancellationToken cancellation) =>
        RunAsync(context, from, name, context.Sync!.Value.Scripts.Delta(context.Sync.Value.HostKey), cancellation, CopyLimit);

    /// <summary>Milliseconds that the folders of a pass took together.</summary>
    private static long PassTime(Said said) => said.Output.Results.Where(result => result.Name == "pass").Sum(result => result.Json.GetProperty("ms").GetInt64());

    private async Task PredictAsync(RunContext context, ValueList<SyncFolder> folders, long milliseconds, CancellationToken cancellation)
    {
        await KeepAsync(context, folders, milliseconds, cancellation);
        await context.Log.StepAsync("predict the last pass", null, notes =>
        {
            notes.Add(string.Create(CultureInfo.InvariantCulture, $"The last pass, inside the hold, will take about {milliseconds / 1000.0:0.0} s, as the one before did."));
            return Task.CompletedTask;
        });
    }

    private Task KeepAsync(RunContext context, ValueList<SyncFolder> folders, long milliseconds, CancellationToken cancellation)
    {
        context.Workload = CoreJson.Write(new KnownWorkload(folders, milliseconds));
        return migrations.SaveWorkloadAsync(context.Migration.Id, context.Workload, cancellation);
    }

    /// <summary>Nothing is held or stopped yet: what changes is copied now and then, so that little is left for the hold.</summary>
    public async Task AwaitWindowAsync(RunContext context, Role from, CancellationToken cancellation)
    {
        if (context.Run.NotBefore is { } opening && context.BeganAhead)
        {
            var pause = ShortestPause;
            while (context.IsAhead)
            {
                var left = opening - time.GetUtcNow();
                await Task.Delay(left < pause ? left > TimeSpan.Zero ? left : TimeSpan.Zero : pause, time, cancellation);
                if (context.Sync is null || context.Workload is null || CoreJson.Read<KnownWorkload>(context.Workload).Folders is not { Count: > 0 } folders)
                    continue;
                var took = PassTime(await PassAsync(context, from, "copy the data again", cancellation));
                await KeepAsync(context, folders, took, cancellation);
                pause = TimeSpan.FromMilliseconds(Math.Clamp(Math.Max(took * 19, (opening - time.GetUtcNow()).TotalMilliseconds / 5), ShortestPause.TotalMilliseconds, LongestPause.TotalMilliseconds));
            }
        }

        if (context.Run.NotAfter is { } closing && time.GetUtcNow() > closing)
            throw new RunRefusedException($"Its window closed at {closing:u} before the copy was done.");
    }

    public Task CountSessionsAsync(RunContext context, Role role, CancellationToken cancellation) => context.Log.StepAsync("open connections", context.Host(role), async notes =>
    {
        var open = await SessionsAsync(context, role, notes, cancellation);
        var fate = role == Role.New && context.Migration.Spec.Mode == CutoverMode.Parallel
            ? $"they get {StageSteps.LongestGoodbye} s to end"
            : context.Migration.Spec.Mode == CutoverMode.Exclusive
            ? $"they get {context.Migration.Spec.QuietSeconds:0.#} s to finish, then the application is stopped and ends them"
            : "they go on there until they end";
        notes.Add($"{open} {(open == 1 ? "connection is" : "connections are")} open{(open == 0 ? "" : $": {fate}")}.");
    });

    public Task RequireNoSessionsAsync(RunContext context, Role role, CancellationToken cancellation) => context.Log.StepAsync("open connections", context.Host(role), async notes =>
    {
        var open = await SessionsAsync(context, role, notes, cancellation);
        notes.Add($"{open} {(open == 1 ? "connection is" : "connections are")} open.");
        if (open == 0)
            return;
        if (context.Run.OverrideReason is not { } reason)
            throw new RunRefusedException($"{(open == 1 ? "A connection is" : $"{open} connections are")} still open at {context.Migration.Spec.Workload.Label} on {context.Host(role)} and would be cut. Wait for their end, or give a reason to cut them.");
        notes.Add($"Cut by {context.Run.RequestedBy}: {reason}");
    });

    private async Task<long> SessionsAsync(RunContext context, Role role, StepNotes notes, CancellationToken cancellation)
    {
        notes.Command = WorkloadScripts.Of(context.Migration).Sessions();
        var result = await ssh.RunAsync(context.Target(role), new SshCommand(notes.Command) { Name = "open connections" }, cancellation);
        notes.ExitCode = result.ExitCode;
        return ScriptOutput.Parse(result.Output).Result("sessions")?.GetProperty("open").GetInt64() ?? throw new RunRefusedException($"{context.Host(role)} did not say how many connections are open.");
    }
}
