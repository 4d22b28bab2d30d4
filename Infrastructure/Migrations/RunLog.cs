using System.Diagnostics;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using MigrationDashboard.Core.Audit;
using MigrationDashboard.Core.Stages;
using MigrationDashboard.Infrastructure.Audit;

namespace MigrationDashboard.Infrastructure.Migrations;

/// <summary>
/// Writes down what a run does. The writing goes on beside the run: a slow or stopped database never makes a hold longer. What was not
/// written yet is written when the database is back, for as long as <see cref="GiveUp"/>.
/// </summary>
public sealed class RunLog : IAsyncDisposable
{
    /// <summary>How long a database may be away in the middle of a run.</summary>
    public static readonly TimeSpan GiveUp = TimeSpan.FromHours(1);

    private readonly Channel<Func<CancellationToken, Task>> _writes = Channel.CreateUnbounded<Func<CancellationToken, Task>>(new() { SingleReader = true });
    private readonly RunStore _runs;
    private readonly StageRun _run;
    private readonly AuditStore _audit;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Task _writer;
    private int _number;

    public RunLog(RunStore runs, AuditStore audit, StageRun run, int stepsSoFar, TimeProvider time, ILogger logger)
    {
        _runs = runs;
        _audit = audit;
        _run = run;
        _number = stepsSoFar;
        _time = time;
        _logger = logger;
        _writer = WriteAsync();
    }

    /// <summary>Does one step and writes down how it went.</summary>
    /// <param name="host">The host it concerns, null for the dashboard itself.</param>
    public async Task<T> StepAsync<T>(string name, string? host, Func<StepNotes, Task<T>> work)
    {
        var number = Interlocked.Increment(ref _number);
        var started = _time.GetUtcNow();
        var clock = Stopwatch.StartNew();
        Write(cancellation => _runs.BeginStepAsync(_run.Id, number, name, host, started, cancellation));
        var notes = new StepNotes(text => Write(cancellation => _runs.ProgressAsync(_run.Id, number, text, cancellation)));
        try
        {
            var result = await work(notes);
            End(number, name, host, StepState.Succeeded, clock, notes, notes.Text);
            return result;
        }
        catch (Exception error)
        {
            End(number, name, host, StepState.Failed, clock, notes, notes.Text.Length == 0 ? error.Message : $"{notes.Text}\n{error.Message}");
            throw;
        }
    }

    public Task StepAsync(string name, string? host, Func<StepNotes, Task> work) =>
        StepAsync(name, host, async notes =>
        {
            await work(notes);
            return true;
        });

    /// <summary>Writes something else in the same order: the migration's facts, the hold's length.</summary>
    public void Write(Func<CancellationToken, Task> write) => _writes.Writer.TryWrite(write);

    /// <summary>Waits until all that was handed over so far is in the database.</summary>
    public async Task FlushAsync()
    {
        var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        if (_writes.Writer.TryWrite(_ =>
            {
                reached.SetResult();
                return Task.CompletedTask;
            }))
            await reached.Task;
    }

    public async ValueTask DisposeAsync()
    {
        _writes.Writer.TryComplete();
        await _writer;
    }

    private void End(int number, string name, string? host, StepState state, Stopwatch clock, StepNotes notes, string output)
    {
        var milliseconds = (int)clock.ElapsedMilliseconds;
        var ended = _time.GetUtcNow();
        Write(cancellation => _runs.EndStepAsync(_run.Id, number, state, milliseconds, notes.ExitCode ?? (state == StepState.Succeeded ? 0 : null), output, cancellation));
        Write(async cancellation => await _audit.AppendAsync(
            new AuditEvent
            {
                At = ended,
                Actor = _run.RequestedBy,
                Action = "stage." + name.Split(' ')[0].ToLowerInvariant(),
                MigrationId = _run.MigrationId,
                Host = host,
                Command = notes.Command,
                ExitCode = notes.ExitCode,
                DurationMs = milliseconds,
                Outcome = state == StepState.Succeeded ? AuditOutcome.Ok : AuditOutcome.Failed,
                Detail = $"{_run.Direction} to {_run.Target}: {name}\n{output}",
            }, cancellation));
    }

    private async Task WriteAsync()
    {
        await foreach (var write in _writes.Reader.ReadAllAsync())
        {
            var until = _time.GetUtcNow() + GiveUp;
            while (true)
            {
                try
                {
                    using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
                    await write(limit.Token);
                    break;
                }
                catch (Exception error) when (_time.GetUtcNow() < until)
                {
                    _logger.LogWarning("The database does not take the run log yet: {Reason}", error.Message);
                    await Task.Delay(TimeSpan.FromMilliseconds(500), _time);
                }
                catch (Exception error)
                {
                    _logger.LogError(error, "A line of the log of run {Run} is lost", _run.Id);
                    break;
                }
            }
        }
    }
}

/// <summary>What a step says of itself while it runs.</summary>
public sealed class StepNotes(Action<string> progress)
{
    public string Text { get; private set; } = "";

    public int? ExitCode { get; set; }

    /// <summary>What is run on the host, in full, for the audit; null when nothing is.</summary>
    public string? Command { get; set; }

    public void Add(string text) => Text = Text.Length == 0 ? text : $"{Text}\n{text}";

    /// <summary>Shows how far a long step is; the last one shown is replaced.</summary>
    public void Progress(string text) => progress(Text.Length == 0 ? text : $"{Text}\n{text}");
}
