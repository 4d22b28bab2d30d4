using System.Buffers;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace MigrationDashboard.Load;

/// <summary>One TCP connection that speaks in lines, with one deadline that is set anew for each part of the dialog.</summary>
internal sealed class LineConnection : IDisposable
{
    // RFC 5321 (4.5.3.1.5) allows 512 bytes a reply line; eight of them are more than any reply here has.
    private const int LongestReply = 4096;

    // After 221 the server closes. Waiting for it leaves the TIME_WAIT entry, and with it the port, to the server's side.
    private static readonly TimeSpan CloseWait = TimeSpan.FromSeconds(2);

    private readonly Socket _socket;
    private readonly Target _target;
    private readonly CancellationToken _abort;
    private readonly CancellationTokenSource _deadline;
    private readonly long _started = Stopwatch.GetTimestamp();
    private byte[] _buffer = [];
    private int _begin;
    private int _end;
    private bool _connected;
    private string _step = "connecting";

    /// <param name="target">Where to connect.</param>
    /// <param name="source">The address to connect from; null leaves it to the kernel.</param>
    /// <param name="abort">Ends everything at once; counted as <see cref="FailureReason.Abandoned"/>.</param>
    /// <exception cref="SocketException">This machine has no descriptor left, or no longer the address.</exception>
    public LineConnection(Target target, IPAddress? source, CancellationToken abort)
    {
        _target = target;
        _abort = abort;
        _socket = SourceSocket.Open(target.EndPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp, source);
        _socket.NoDelay = true;
        _deadline = CancellationTokenSource.CreateLinkedTokenSource(abort);
    }

    /// <summary>Time since the connection was begun.</summary>
    public TimeSpan Age => Stopwatch.GetElapsedTime(_started);

    /// <summary>The address that the server should see: the socket's own.</summary>
    public IPAddress LocalAddress => ((IPEndPoint)_socket.LocalEndPoint!).Address;

    /// <summary>Connects.</summary>
    /// <param name="timeout">Long enough for the SYN to be sent again after a hold.</param>
    public async ValueTask ConnectAsync(TimeSpan timeout)
    {
        _deadline.CancelAfter(timeout);
        await _socket.ConnectAsync(_target.EndPoint, _deadline.Token);
        _connected = true;
        _buffer = ArrayPool<byte>.Shared.Rent(LongestReply);
    }

    /// <summary>Gives the dialog, or its next part, this long from now.</summary>
    public void SetDeadline(TimeSpan timeout) => _deadline.CancelAfter(timeout);

    /// <summary>Waits for the greeting.</summary>
    /// <exception cref="DialogException">It isn't 220.</exception>
    public async ValueTask GreetingAsync()
    {
        var reply = await ReplyAsync("waiting for the banner", FailureReason.BadBanner);
        if (reply.Code != 220)
            throw new DialogException(FailureReason.BadBanner, $"the banner was: {reply.Text}");
    }

    /// <summary>Sends one command, or a message, and waits for its reply.</summary>
    /// <param name="bytes">What to send, line ends included.</param>
    /// <param name="name">What it is called in messages.</param>
    public async ValueTask<SmtpReply> AskAsync(ReadOnlyMemory<byte> bytes, string name)
    {
        _step = name;
        for (var sent = 0; sent < bytes.Length;)
            sent += await _socket.SendAsync(bytes[sent..], SocketFlags.None, _deadline.Token);
        return await ReplyAsync(name, FailureReason.BadReply);
    }

    /// <summary>Says QUIT and waits for 221.</summary>
    public async ValueTask QuitAsync()
    {
        var reply = await AskAsync(Quit, "QUIT");
        if (reply.Code != 221)
            throw new DialogException(FailureReason.BadReply, $"QUIT was answered: {reply.Text}");
    }

    /// <summary>After 221: waits, not for long, until the server has closed. However that goes, the dialog was complete.</summary>
    public async ValueTask AwaitCloseAsync()
    {
        _deadline.CancelAfter(CloseWait);
        try
        {
            while (await _socket.ReceiveAsync(_buffer, SocketFlags.None, _deadline.Token) > 0)
                _step = "reading what came after 221";
        }
        catch (Exception ignored) when (ignored is SocketException or OperationCanceledException)
        {
            _step = "closing";
        }
    }

    /// <summary>Between two questions: returns after the time, or when told to stop, if the server neither closed nor spoke.</summary>
    /// <exception cref="DialogException">It did.</exception>
    public async ValueTask StayQuietAsync(TimeSpan time, CancellationToken stop)
    {
        _step = "idle";
        _deadline.CancelAfter(Timeout.InfiniteTimeSpan);
        using var quiet = CancellationTokenSource.CreateLinkedTokenSource(stop, _abort);
        quiet.CancelAfter(time);
        try
        {
            // It may have spoken in the same segment as its last reply.
            if (_begin == _end)
                await ReceiveAsync(quiet.Token);
        }
        catch (OperationCanceledException) when (!_abort.IsCancellationRequested)
        {
            return;
        }

        var state = SmtpReply.Parse(_buffer.AsSpan(_begin.._end), out var reply, out _);
        throw new DialogException(FailureReason.BadReply, state == ReplyState.Incomplete ? "the server spoke unasked" : $"unasked: {reply.Text}");
    }

    /// <summary>The reason to count, and words for people, for an exception thrown by one of the methods above.</summary>
    public (FailureReason Reason, string Detail) Explain(Exception exception) => exception switch
    {
        DialogException dialog => (dialog.Reason, dialog.Message),
        SocketException socket => (FailureReasons.Of(socket.SocketErrorCode, _connected), $"{_step}: {socket.Message}"),
        OperationCanceledException when _abort.IsCancellationRequested => (FailureReason.Abandoned, $"{_step}: the run was cut short"),
        OperationCanceledException when _connected => (FailureReason.DialogTimeout, $"{_step}: no answer in time"),
        OperationCanceledException => (FailureReason.ConnectTimeout, $"{_step}: no answer in time"),
        _ => throw new UnreachableException("not an exception of a connection", exception),
    };

    /// <summary>True for what the methods above throw when the network or the server misbehaves.</summary>
    public static bool IsFailure(Exception exception) => exception is DialogException or SocketException or OperationCanceledException;

    public void Dispose()
    {
        _socket.Dispose();
        _deadline.Dispose();
        if (_buffer.Length > 0)
            ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
    }

    private static readonly byte[] Quit = "QUIT\r\n"u8.ToArray();

    private async ValueTask<SmtpReply> ReplyAsync(string step, FailureReason whenMalformed)
    {
        _step = step;
        while (true)
        {
            var state = SmtpReply.Parse(_buffer.AsSpan(_begin.._end), out var reply, out var used);
            if (state == ReplyState.Malformed)
                throw new DialogException(whenMalformed, $"{step}: not a reply: {reply.Text}");
            if (state == ReplyState.Complete)
            {
                _begin += used;
                return reply;
            }

            if (_end == _buffer.Length && _begin < _end)
                throw new DialogException(whenMalformed, $"{step}: a reply of more than {LongestReply} bytes");
            await ReceiveAsync(_deadline.Token);
        }
    }

    private async ValueTask ReceiveAsync(CancellationToken cancellation)
    {
        if (_begin == _end)
            _begin = _end = 0;
        var received = await _socket.ReceiveAsync(_buffer.AsMemory(_end), SocketFlags.None, cancellation);
        if (received == 0)
            throw new DialogException(FailureReason.ClosedEarly, $"{_step}: the server closed");
        _end += received;
    }
}
