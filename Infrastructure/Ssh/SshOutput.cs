using System.Text;

namespace MigrationDashboard.Infrastructure.Ssh;

/// <summary>One of a command's two outputs: what came before the script's start is told from what came after.</summary>
/// <param name="onLine">Given each line as it comes; null to keep everything.</param>
/// <param name="linesKept">With <paramref name="onLine"/>: how many of the last lines are kept, for messages (errors only).</param>
/// <param name="most">Characters kept at most.</param>
internal sealed class SshOutput(string marker, bool isError, Func<SshLine, ValueTask>? onLine, int linesKept, int most)
{
    private readonly TaskCompletionSource _started = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly StringBuilder _before = new();
    private readonly StringBuilder _text = new();
    private readonly Queue<string> _lastLines = new();

    /// <summary>True once the marker was seen.</summary>
    public bool Started => _started.Task.IsCompleted;

    /// <summary>Ends when the marker is seen.</summary>
    public Task Start => _started.Task;

    /// <summary>What login scripts, banners and sudo printed.</summary>
    public string BeforeStart { get { lock (_before) return _before.ToString(); } }

    /// <summary>Output of the script. For error output this includes what came before, for it may explain.</summary>
    public string Text
    {
        get
        {
            lock (_before)
                return (isError ? _before.ToString() : "") + (onLine is null ? _text.ToString() : string.Join('\n', _lastLines));
        }
    }

    public async Task ReadAsync(StreamReader reader)
    {
        await ReadToMarkerAsync(reader);
        if (!Started)
            return;
        if (onLine is null)
            await CollectAsync(reader);
        else
            await ForwardAsync(reader, onLine);
    }

    private async Task ReadToMarkerAsync(StreamReader reader)
    {
        while (await reader.ReadLineAsync() is { } line)
        {
            lock (_before)
            {
                // Something may have printed without ending its line.
                if (line.EndsWith(marker, StringComparison.Ordinal))
                {
                    _before.Append(line.AsSpan(0, line.Length - marker.Length));
                    _started.TrySetResult();
                    return;
                }

                if (_before.Length < 65_536)
                    _before.Append(line).Append('\n');
            }
        }
    }

    private async Task CollectAsync(StreamReader reader)
    {
        var buffer = new char[32 * 1024];
        while (await reader.ReadAsync(buffer) is var count and > 0)
        {
            lock (_before)
            {
                if (_text.Length + count > most)
                    throw new InvalidDataException($"The command printed more than {most / (1024 * 1024)} MB.");
                _text.Append(buffer, 0, count);
            }
        }
    }

    private async Task ForwardAsync(StreamReader reader, Func<SshLine, ValueTask> sink)
    {
        while (await reader.ReadLineAsync() is { } line)
        {
            if (isError)
            {
                lock (_before)
                {
                    _lastLines.Enqueue(line);
                    if (_lastLines.Count > linesKept)
                        _lastLines.Dequeue();
                }
            }

            await sink(new(line, isError));
        }
    }
}
