using System.Text.Json;
using MigrationDashboard.Core;
using MigrationDashboard.Core.Migrations;
using MigrationDashboard.Core.Servers;
using MigrationDashboard.Core.Stages;
using MigrationDashboard.Core.Workloads;
using MigrationDashboard.Infrastructure.Migrations;
using MigrationDashboard.Infrastructure.Ssh;

namespace MigrationDashboard.Infrastructure.Stages;

/// <summary>What the database keeps of a workload that was made ready on the other server.</summary>
/// <param name="Folders">What is kept equal, as for a move from old to new.</param>
/// <param name="LastPassMs">How long the last pass of the data will take, as far as is known from those before; null when there is no data or none was copied yet.</param>
public sealed record KnownWorkload(ValueList<SyncFolder> Folders, long? LastPassMs = null);

/// <summary>The steps that move the workload itself. What each does on a host is rendered by <see cref="WorkloadScripts"/> and <see cref="SyncScripts"/>.</summary>
public sealed partial class WorkloadSteps(OpenSsh ssh, MigrationStore migrations, TimeProvider time)
{
    /// <summary>A copy that nobody closed is gone by itself after this long: longer than any first copy takes that somebody would wait for, beside the wait for the window.</summary>
    private static TimeSpan SyncLifetime(RunContext context) => TimeSpan.FromHours(12) + TimeSpan.FromMinutes(context.Migration.Spec.CopyAheadMinutes);

    /// <summary>Long copies end by themselves or by cancellation.</summary>
    private static readonly TimeSpan CopyLimit = TimeSpan.FromHours(12);

    /// <summary>Passes while the workload runs: the second copies what changed during the first. More only while each takes clearly less than the one before.</summary>
    private const int LeastPasses = 2;
    private const int MostPasses = 6;
    private const double ClearlyLess = 0.7;

    /// <summary>What a host runs by itself when the cutover is not confirmed.</summary>
    public string OnRevert(RunContext context, Role role) => WorkloadScripts.Of(context.Migration).OnRevert(role, RunContext.ServedBy(context.Migration.Stage));

    public async Task PrepareAsync(RunContext context, Step.Prepare step, CancellationToken cancellation)
    {
        var scripts = WorkloadScripts.Of(context.Migration);
        context.Prepared = (step.From, step.To);
        // What cannot be stopped or put back is found out before anything is copied.
        await RunAsync(context, step.From, "see that it can be stopped", scripts.Ready(), cancellation);
        ValueList<SyncFolder> folders;
        ValueList<ImageToMove> images = [];
        string? prepare = null;
        if (step.From == Role.Old)
        {
            var inspected = await Task.WhenAll(new[] { Role.Old, Role.New }.Select(role => InspectAsync(context, role, cancellation)));
            var plan = scripts.Prepare(inspected[0], inspected[1]);
            await context.Log.StepAsync("plan the copy", null, notes =>
            {
                foreach (var line in plan.Actions.Concat(plan.Notes.Select(note => "! " + note)).Concat(plan.Errors.Select(error => "✗ " + error)))
                    notes.Add(line);
                return plan.Errors.Count == 0 ? Task.CompletedTask : throw new RunRefusedException(string.Join(" · ", plan.Errors));
            });
            (folders, images, prepare) = (plan.Folders, plan.Images, plan.Script);
            context.Workload = CoreJson.Write(new KnownWorkload(folders));
            await migrations.SaveWorkloadAsync(context.Migration.Id, context.Workload, cancellation);
        }
        else
        {
            folders = context.Workload is null ? [] : CoreJson.Read<KnownWorkload>(context.Workload).Folders;
        }

        if (folders.Count + images.Count > 0)
        {
            var sync = SyncScripts.Of(context.Migration, folders, images, SyncLifetime(context), step.From);
            context.Sync = (sync, "", step.From);
            var key = (await RunAsync(context, step.From, "make the copy's key", sync.OpenSource(), cancellation)).Result("key")?.GetProperty("publicKey").GetString()
                ?? throw new RunRefusedException($"{context.Host(step.From)} made no key for the copy.");
            var host = (await RunAsync(context, step.To, "open the copy's sshd", sync.OpenTarget(key), cancellation)).Result("listening")?.GetProperty("hostKey").GetString()
                ?? throw new RunRefusedException($"{context.Host(step.To)} did not open the copy's sshd.");
            context.Sync = (sync, host, step.From);
            if (images.Count > 0)
                await RunAsync(context, step.From, "copy the image", sync.Images(host), cancellation, CopyLimit);
        }

        if (prepare is not null)
            await RunAsync(context, step.To, "make it ready", prepare, cancellation, CopyLimit, secret: true);
        if (context.Sync is null || folders.Count == 0)
            return;
        long last = 0, before = 0;
        for (var pass = 1; pass <= MostPasses && (pass <= LeastPasses || last < before * ClearlyLess); pass++)
            (before, last) = (last, PassTime(await PassAsync(context, step.From, $"copy the data, pass {pass}", cancellation)));
        await PredictAsync(context, folders, last, cancellation);
    }

    /// <summary>One more pass over the data while the workload runs; <see cref="PrepareAsync"/> comes first.</summary>
    public async Task<ScriptOutput> PassAsync(RunContext context, string name, CancellationToken cancellation) =>
        (await RunAsync(context, context.Sync!.Value.From, name, context.Sync.Value.Scripts.Delta(context.Sync.Value.HostKey), cancellation, CopyLimit)).Output;

    public async Task<string> InspectAsync(RunContext context, Role role, CancellationToken cancellation) =>
        (await RunAsync(context, role, "inspect", WorkloadScripts.Of(context.Migration).Inspect(), cancellation, quiet: true)).Text;

    /// <summary>The script holds the container's environment, as that which makes it does.</summary>
    public async Task<ScriptOutput> TryAsync(RunContext context, Role role, string script, CancellationToken cancellation) =>
        (await RunAsync(context, role, "rehearse", script, cancellation, TimeSpan.FromSeconds(context.Migration.Spec.Workload.StartSeconds + context.Migration.Spec.Workload.StopSeconds + 120), secret: true)).Output;

    public Task LeaveAsync(RunContext context, Step.Leave step, CancellationToken cancellation) => RunAsync(context, step.From, "stop and copy the rest", LeaveScript(context, step), cancellation);

    public Task ArriveAsync(RunContext context, Step.Arrive step, CancellationToken cancellation) => Task.WhenAll(
        RunAsync(context, step.To, "start", StartScript(context, step), cancellation),
        RunAsync(context, step.From, "clear flows", WorkloadScripts.Of(context.Migration).ClearFlows(step.From), cancellation));

    /// <summary>What the host can read while the hold begins there.</summary>
    public static string LeaveScript(RunContext context, Step.Leave step)
    {
        var hasData = context.Workload is not null && CoreJson.Read<KnownWorkload>(context.Workload).Folders.Count > 0;
        return WorkloadScripts.Of(context.Migration).StopAndSync(context.Run.Token, step.From, hasData ? context.Sync?.Scripts : null, context.Sync?.HostKey);
    }

    /// <summary>What the host can read while the workload stops on the other one.</summary>
    public static string StartScript(RunContext context, Step.Arrive step) => WorkloadScripts.Of(context.Migration).StartAndClearFlows(step.To, context.Run.Token);

    public Task StartAsync(RunContext context, Role role, CancellationToken cancellation) =>
        RunAsync(context, role, "start", WorkloadScripts.Of(context.Migration).Start(role), cancellation, TimeSpan.FromSeconds(context.Migration.Spec.Workload.StartSeconds + 60));

    public Task StopAsync(RunContext context, Role role, CancellationToken cancellation) =>
        RunAsync(context, role, "stop", WorkloadScripts.Of(context.Migration).Stop(quietSeconds: context.Run.OverrideReason is null ? StageSteps.LongestGoodbye : 0), cancellation,
            TimeSpan.FromSeconds(context.Migration.Spec.Workload.StopSeconds + StageSteps.LongestGoodbye + 60));

    public Task UnreadyAsync(RunContext context, Role role, CancellationToken cancellation) => RunAsync(context, role, "let it start by itself", WorkloadScripts.Of(context.Migration).Unready(), cancellation);

    public Task RetireAsync(RunContext context, Role role, CancellationToken cancellation) => RunAsync(context, role, "fence", WorkloadScripts.Of(context.Migration).Retire(), cancellation);

    /// <summary>Only UDP: a TCP handshake that is under way is answered by the server that has begun it.</summary>
    public Task DropUdpFlowsAsync(RunContext context, CancellationToken cancellation)
    {
        var udp = context.Migration.Spec.Ports.Where(port => port.Transport == Transport.Udp).ToValueList();
        if (udp.Count == 0)
            return Task.CompletedTask;
        var scripts = WorkloadScripts.Of(context.Migration with { Spec = context.Migration.Spec with { Ports = udp } });
        return Task.WhenAll(new[] { Role.Old, Role.New }.Select(role => RunAsync(context, role, "clear flows", scripts.ClearFlows(role), cancellation)));
    }

    public async Task CloseSyncAsync(RunContext context, CancellationToken cancellation)
    {
        if (context.Sync is not { } sync)
            return;
        var target = sync.From == Role.Old ? Role.New : Role.Old;
        await Task.WhenAll(
            RunAsync(context, sync.From, "close the copy", sync.Scripts.CloseSource(), cancellation),
            RunAsync(context, target, "close the copy", sync.Scripts.CloseTarget(), cancellation));
        context.Sync = null;
    }

    public Task RemoveAsync(RunContext context, Role role, CancellationToken cancellation) => RunAsync(context, role, "remove", WorkloadScripts.Of(context.Migration).Remove(), cancellation, CopyLimit);

    /// <summary>After a run that did not go its whole way: the copy is closed, and what was made ready and is not used is taken away.</summary>
    /// <param name="keep">The workload has moved: only the copy is closed.</param>
    /// <returns>False when something was left behind; the log says what.</returns>
    public async Task<bool> CleanUpAsync(RunContext context, bool keep)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        var clean = true;
        try
        {
            await CloseSyncAsync(context, limit.Token);
        }
        catch (Exception)
        {
            // Logged as a failed step; both ends close by themselves at the end of their lifetime.
            clean = false;
        }

        if (keep || context.Prepared is not { } prepared)
            return clean;
        if (prepared.To == Role.New)
            try
            {
                // In a parallel cutover it runs by now, and what runs is never taken away.
                if (context.Migration.Spec.Mode == CutoverMode.Parallel)
                    await StandDownAsync(context, limit.Token);
                await RemoveAsync(context, Role.New, limit.Token);
            }
            catch (Exception)
            {
                clean = false;
            }

        try
        {
            await UnreadyAsync(context, prepared.From, limit.Token);
        }
        catch (Exception)
        {
            clean = false;
        }

        return clean;
    }

    /// <summary>A run was cut off that moves the workload: stopped where it was going, if it got as far as running there.</summary>
    public async Task StandDownAsync(RunContext context, CancellationToken cancellation)
    {
        var from = RunContext.ServedBy(context.Run.From);
        var to = from == Role.Old ? Role.New : Role.Old;

        // In a parallel migration that is rolled back it runs on old throughout.
        if ((context.Migration.Spec.Mode == CutoverMode.Exclusive || to == Role.New) && await RunsAsync(context, to, cancellation))
            await StopAsync(context, to, cancellation);
    }

    /// <summary>And started again where it came from, if it stands still there.</summary>
    public async Task ResumeAsync(RunContext context, CancellationToken cancellation)
    {
        var from = RunContext.ServedBy(context.Run.From);
        if (!await RunsAsync(context, from, cancellation))
            await StartAsync(context, from, cancellation);
    }

    /// <summary>The node that copied is gone and with it what it knew: this is what must have been.</summary>
    public void Remember(RunContext context)
    {
        if (!context.Moves && context.Run.Direction != Direction.Rehearse)
            return;
        var from = RunContext.ServedBy(context.Run.From);
        var folders = context.Workload is null ? [] : CoreJson.Read<KnownWorkload>(context.Workload).Folders;
        context.Sync = (SyncScripts.Of(context.Migration, folders, [], SyncLifetime(context), from), "", from);
        context.Prepared = (from, from == Role.Old ? Role.New : Role.Old);
    }

    private async Task<bool> RunsAsync(RunContext context, Role role, CancellationToken cancellation) =>
        (await RunAsync(context, role, "does it run", WorkloadScripts.Of(context.Migration).Running(), cancellation)).Result("running")?.GetProperty("running").GetBoolean() == true;

    private async Task<Said> RunAsync(RunContext context, Role role, string name, string script, CancellationToken cancellation, TimeSpan? limit = null, bool quiet = false, bool secret = false) =>
        await context.Log.StepAsync(name, context.Host(role), async notes =>
        {
            // The script that makes a container holds its environment, passwords included: what it does is in the plan, and only that is kept.
            notes.Command = secret ? null : script;
            var text = new System.Text.StringBuilder();
            var shown = DateTime.MinValue;
            ValueTask Line(SshLine line)
            {
                lock (text)
                {
                    if (!line.IsError && ResultLine.Object(line.Text) is { } json && json.TryGetProperty("result", out var kind) && kind.GetString() == "progress")
                    {
                        if (DateTime.UtcNow - shown > TimeSpan.FromMilliseconds(400))
                            notes.Progress(Words(json));
                        shown = DateTime.UtcNow;
                    }
                    else if (line.IsError)
                        notes.Add(line.Text);
                    else
                        text.Append(line.Text).Append('\n');
                }

                return ValueTask.CompletedTask;
            }

            var result = await ssh.RunAsync(context.Target(role), new SshCommand(script) { Name = name, AnyExitCode = true, Limit = limit ?? TimeSpan.FromMinutes(2) }, Line, cancellation);
            notes.ExitCode = result.ExitCode;
            var said = new Said(text.ToString());
            if (!quiet)
            {
                foreach (var step in said.Output.Steps)
                    notes.Add($"{(step.Exit == 0 ? "✓" : "✗")} {step.Step} {step.Ms} ms{(step.Output.Length > 0 ? ": " + step.Output : "")}");
                foreach (var line in said.Output.Results)
                    notes.Add($"{line.Name}: {Words(line.Json)}");
            }

            if (said.Output.Failure is { } failure)
                throw new RunRefusedException($"{context.Host(role)}: {name}: {failure.Step}: {failure.Output}");
            return result.ExitCode == 0 ? said : throw new RunRefusedException($"{context.Host(role)}: {name} ended with exit code {result.ExitCode}.");
        });

    private static string Words(JsonElement json) =>
        string.Join(", ", json.EnumerateObject().Where(member => member.Name != "result" && member.Value.ValueKind is not (JsonValueKind.Object or JsonValueKind.Array)).Select(member => $"{member.Name} {member.Value}"));

    private sealed record Said(string Text)
    {
        public ScriptOutput Output { get; } = ScriptOutput.Parse(Text);

        public JsonElement? Result(string name) => Output.Result(name);
    }
}
