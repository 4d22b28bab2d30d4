using System.Text;
using System.Text.Json;
using MigrationDashboard.Core;
using MigrationDashboard.Core.HostScripts;
using MigrationDashboard.Core.Migrations;
using MigrationDashboard.Core.Network;
using MigrationDashboard.Infrastructure.Ssh;

namespace MigrationDashboard.Infrastructure.Hosts;

/// <summary>What one step of a script on a host came to: the lines of JSON that <c>step</c> in config.sh prints.</summary>
public sealed record HostStep(string Step, int Exit, int Ms, string Output);

/// <summary>What a change of a host came to.</summary>
/// <param name="Config">Hash of the configuration script now stored on the host, <c>none</c> when nothing is left.</param>
/// <param name="State">Hash of what was read back.</param>
public sealed record HostChange(string Config, string State, IReadOnlyList<HostStep> Steps)
{
    /// <summary>The host had this configuration already and nothing was done.</summary>
    public bool Unchanged => Steps is [{ Step: "unchanged" }];
}

/// <param name="Config">Hash of the stored configuration script, <c>none</c> when there is none.</param>
/// <param name="State">Hash of what is found now.</param>
/// <param name="Applied">Hash of what was found right after it was applied.</param>
/// <param name="Checkpoint">Token of a change that waits for its confirmation, empty when none does.</param>
/// <param name="Confirmed">Token of the last change that was made to stay, empty when none was.</param>
public sealed record HostState(string Config, string State, string Applied, string Checkpoint, string Confirmed)
{
    /// <summary>Somebody else changed what is ours.</summary>
    public bool Drifted => Config != "none" && State != Applied;
}

public enum HostChangeFailureKind
{
    /// <summary>A step failed; the host put itself back.</summary>
    Failed,

    /// <summary>Another change of the host is under way.</summary>
    Busy,

    /// <summary>The host no longer has the configuration the plan was made against.</summary>
    Drifted,

    /// <summary>The host has gone back by itself before it was confirmed.</summary>
    WentBack,
}

/// <summary>A change of a host that did not come to be. The message says what happened and what was left in place.</summary>
public sealed class HostChangeException(HostChangeFailureKind kind, string message, IReadOnlyList<HostStep> steps) : Exception(message)
{
    public HostChangeFailureKind Kind { get; } = kind;

    public IReadOnlyList<HostStep> Steps { get; } = steps;
}

/// <summary>Changes hosts: one round trip to apply, one to confirm (DESIGN §4).</summary>
public sealed class HostApply(OpenSsh ssh)
{
    /// <summary>A script of some forty short commands takes well under a second; a busy or slow host gets a minute.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    /// <exception cref="HostChangeException">The host was not changed, or put itself back.</exception>
    /// <exception cref="SshFailure">The host could not be reached or the connection was lost: an armed checkpoint takes the change back.</exception>
    public Task<HostChange> ApplyAsync(
        SshTarget target, HostConfig config, RulesBackend backend, CheckpointChange checkpoint, string expected, CancellationToken cancellation, bool force = false) =>
        ApplyAsync(target, ApplyScript.Render(config, backend, checkpoint, expected, force), cancellation);

    /// <param name="script">As <see cref="ApplyScript.Render"/> gives it.</param>
    /// <param name="done">Given the name of each step (see config.sh) as soon as the host says that it is done, before the rest of the script.</param>
    public Task<HostChange> ApplyAsync(SshTarget target, string script, CancellationToken cancellation, Action<string>? done = null) => RunAsync(target, "apply", script, newConnection: false, cancellation, done);

    /// <summary>Makes a change stay, over a connection of its own: proof that the host can still be reached.</summary>
    /// <exception cref="HostChangeException">The host has gone back already.</exception>
    public Task<HostChange> ConfirmAsync(SshTarget target, HostConfig config, string token, CancellationToken cancellation) =>
        RunAsync(target, "confirm", ApplyScript.Confirm(config, token), newConnection: true, cancellation);

    /// <summary>Inside the hold, over the open connection, where each millisecond counts: see <see cref="ApplyScript.HandOver"/>.</summary>
    /// <exception cref="HostChangeException">The host has gone back already.</exception>
    /// <param name="script">As <see cref="ApplyScript.HandOver"/> gives it.</param>
    public Task<HostChange> HandOverAsync(SshTarget target, string script, CancellationToken cancellation) => RunAsync(target, "hand over", script, newConnection: false, cancellation);

    /// <summary>Has the host take back a change that is not confirmed, at once.</summary>
    public Task<HostChange> RevertAsync(SshTarget target, Allocation own, string token, CancellationToken cancellation) =>
        RunAsync(target, "revert", ApplyScript.Revert(own, token), newConnection: false, cancellation);

    /// <summary>What is stored of a migration on a host, and whether it is still what was applied.</summary>
    public async Task<HostState> StateAsync(SshTarget target, Allocation own, CancellationToken cancellation)
    {
        var result = await ssh.RunAsync(target, new SshCommand(ApplyScript.State(own)) { Name = "state" }, cancellation);
        return CoreJson.Read<HostState>(result.Output.Trim());
    }

    private async Task<HostChange> RunAsync(SshTarget target, string name, string script, bool newConnection, CancellationToken cancellation, Action<string>? done = null)
    {
        var (output, errors) = (new StringBuilder(), new StringBuilder());
        ValueTask Line(SshLine line)
        {
            var text = line.IsError ? errors : output;
            lock (text)
                text.Append(line.Text).Append('\n');
            if (done is not null && !line.IsError && Parse(line.Text).Steps is [{ Exit: 0 } step])
                done(step.Step);
            return ValueTask.CompletedTask;
        }

        var result = await ssh.RunAsync(target, new SshCommand(script) { Name = name, AnyExitCode = true, Limit = Limit, NewConnection = newConnection }, Line, cancellation);
        var (steps, config, state) = Parse(output.ToString());
        return result.ExitCode == 0 ? new(config ?? "none", state ?? "none", steps) : throw Failure(target, name, result.ExitCode, errors.ToString(), steps);
    }

    /// <summary>Reads the lines of JSON a script printed; lines that are none become part of no step and are left to the caller's output.</summary>
    public static (IReadOnlyList<HostStep> Steps, string? Config, string? State) Parse(string output)
    {
        var steps = new List<HostStep>();
        string? config = null, state = null;
        foreach (var line in output.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (!line.StartsWith('{'))
                continue;
            try
            {
                using var json = JsonDocument.Parse(line);
                if (json.RootElement.TryGetProperty("step", out _))
                    steps.Add(json.RootElement.Deserialize<HostStep>(CoreJson.Options)!);
                config = json.RootElement.TryGetProperty("config", out var hash) ? hash.GetString() : config;
                state = json.RootElement.TryGetProperty("state", out hash) ? hash.GetString() : state;
            }
            catch (JsonException)
            {
                steps.Add(new("unreadable", 1, 0, line));
            }
        }

        return (steps, config, state);
    }

    private static HostChangeException Failure(SshTarget target, string name, int exitCode, string errors, IReadOnlyList<HostStep> steps)
    {
        var failed = steps.FirstOrDefault(step => step.Exit != 0);
        var said = failed is null ? $"{errors.Trim()} (exit code {exitCode})" : $"{failed.Step}: {failed.Output}";
        var (kind, left) = exitCode switch
        {
            75 => (HostChangeFailureKind.Busy, "nothing was changed"),
            76 => (HostChangeFailureKind.Drifted, "nothing was changed"),
            77 => (HostChangeFailureKind.WentBack, "it has the configuration it had before"),
            _ => (HostChangeFailureKind.Failed, steps.Any(step => step.Step == "reverted" && step.Output.Contains("was put back", StringComparison.Ordinal)) ? "it was put back as it was" : "it goes back when its checkpoint runs out"),
        };
        return new(kind, $"{name} on {target.Host}: {said}. On the host, {left}.", steps);
    }
}
