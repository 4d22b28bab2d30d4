namespace MigrationDashboard.Infrastructure.Ssh;

/// <summary>
/// A script that a host has been sent and has read, and that waits there for the word to begin: what it takes to start one is spent before it counts.
/// It either begins or is given up, whatever happens at the same time.
/// </summary>
internal sealed class Poised(SshTarget target, SshCommand command)
{
    private const int Waits = 0;
    private const int Began = 1;
    private const int GivenUp = 2;

    private readonly TaskCompletionSource<Word> _word = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _over = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _state;

    /// <summary>What it begins as: the very command that was asked for, and where its output goes.</summary>
    public sealed record Word(SshCommand As, Func<SshLine, ValueTask> OnLine);

    public (SshTarget Target, string Script) Key { get; } = (target, command.Script);

    public SshCommand Command => command;

    /// <summary>The session's; null when it ended, or was given up, before it began.</summary>
    public Task<SshResult?> Result { get; set; } = Task.FromResult<SshResult?>(null);

    public Task<Word> Spoken => _word.Task;

    /// <summary>Ends when its session is to end.</summary>
    public Task Over => _over.Task;

    /// <returns>Null when it has not begun, and never will.</returns>
    public async Task<SshResult?> BeginAsync(Word word, CancellationToken cancellation)
    {
        if (Interlocked.CompareExchange(ref _state, Began, Waits) != Waits)
            return null;
        await using var ending = cancellation.Register(() => _over.TrySetResult());
        _word.SetResult(word);
        return await Result;
    }

    public void GiveUp()
    {
        if (Interlocked.CompareExchange(ref _state, GivenUp, Waits) == Waits)
            _over.TrySetResult();
    }
}
