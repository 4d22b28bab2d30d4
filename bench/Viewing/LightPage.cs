using System.Diagnostics;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace MigrationDashboard.Bench.Viewing;

/// <summary>
/// A page without a browser: the HTML is fetched, its circuit is started over a WebSocket as Blazor's script does it, every batch is
/// acknowledged, and calls of the page's own script are answered. The server cannot tell it from a browser's tab.
/// </summary>
internal sealed partial class LightPage : IAsyncDisposable
{
    private const int Invocation = 1, Completion = 3, Ping = 6;

    private readonly ClientWebSocket _socket = new();
    private readonly SemaphoreSlim _sending = new(1, 1);
    private readonly CancellationTokenSource _over = new();
    private readonly TaskCompletionSource _live = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task _receiving = Task.CompletedTask;
    private int _invocations;

    /// <summary>Told of each batch of changes to the page: when it arrived (<see cref="Stopwatch.GetTimestamp"/>) and its bytes.</summary>
    public event Action<long, ReadOnlyMemory<byte>>? Drawn;

    public long Batches { get; private set; }

    public long Bytes { get; private set; }

    public Exception? Failure { get; private set; }

    public static async Task<LightPage> OpenAsync(Visitor visitor, string path)
    {
        var html = await visitor.Http.GetStringAsync(path);
        var markers = MarkerPattern().Matches(html).Select(match => match.Groups[1].Value).Where(json => json.Contains("\"descriptor\"", StringComparison.Ordinal)).ToList();
        var state = StatePattern().Match(html) is { Success: true } found ? found.Groups[1].Value : "";
        if (markers.Count == 0)
            throw new InvalidOperationException($"{path} has no live components.");
        var page = new LightPage();
        await page.StartAsync(visitor, path, markers, state);
        return page;
    }

    public async ValueTask DisposeAsync()
    {
        await _over.CancelAsync();
        await _receiving;
        _socket.Dispose();
        _over.Dispose();
    }

    private async Task StartAsync(Visitor visitor, string path, List<string> markers, string state)
    {
        using var negotiated = await visitor.Http.PostAsync("/_blazor/negotiate?negotiateVersion=1", null);
        negotiated.EnsureSuccessStatusCode();
        var token = JsonDocument.Parse(await negotiated.Content.ReadAsStringAsync()).RootElement.GetProperty("connectionToken").GetString()!;
        _socket.Options.Cookies = visitor.Cookies;
        _socket.Options.SetRequestHeader("Origin", visitor.Address.GetLeftPart(UriPartial.Authority));
        var address = new UriBuilder(visitor.Address) { Scheme = "ws", Path = "/_blazor", Query = $"id={Uri.EscapeDataString(token)}" }.Uri;
        await _socket.ConnectAsync(address, _over.Token);
        await _socket.SendAsync(Encoding.UTF8.GetBytes("{\"protocol\":\"blazorpack\",\"version\":1}\u001e"), WebSocketMessageType.Text, true, _over.Token);
        _receiving = Task.Run(ReceiveAsync);
        await InvokeAsync("StartCircuit", visitor.Address.ToString(), new Uri(visitor.Address, path).ToString(), "[]", state);
        var operations = string.Join(',', markers.Select((marker, index) => $$"""{"type":"add","ssrComponentId":{{index + 1}},"marker":{{marker}}}"""));
        await SendAsync("UpdateRootComponents", $$"""{"batchId":1,"operations":[{{operations}}]}""", state);
        await _live.Task.WaitAsync(TimeSpan.FromSeconds(30));
    }

    private Task InvokeAsync(string method, params object?[] arguments) => WriteAsync(Pack.Framed(Invocation, Pack.Headers.None, (++_invocations).ToString(System.Globalization.CultureInfo.InvariantCulture), method, arguments));

    private Task SendAsync(string method, params object?[] arguments) => WriteAsync(Pack.Framed(Invocation, Pack.Headers.None, null, method, arguments));

    private async Task WriteAsync(byte[] message)
    {
        await _sending.WaitAsync(_over.Token);
        try
        {
            await _socket.SendAsync(message, WebSocketMessageType.Binary, true, _over.Token);
        }
        finally
        {
            _sending.Release();
        }
    }

    private async Task ReceiveAsync()
    {
        var buffer = new byte[32_768];
        using var message = new MemoryStream();
        var shaken = false;
        try
        {
            while (true)
            {
                var part = await _socket.ReceiveAsync(buffer.AsMemory(), _over.Token);
                if (part.MessageType == WebSocketMessageType.Close)
                    throw new InvalidOperationException("The server closed the circuit.");
                message.Write(buffer, 0, part.Count);
                if (!part.EndOfMessage)
                    continue;
                var arrived = Stopwatch.GetTimestamp();
                ReadOnlyMemory<byte> bytes = message.ToArray();
                message.SetLength(0);
                Bytes += bytes.Length;
                if (!shaken)
                {
                    // The answer to the handshake ends with a record separator; more may follow in the same message.
                    var end = bytes.Span.IndexOf((byte)0x1e);
                    shaken = true;
                    bytes = bytes[(end + 1)..];
                }

                foreach (var one in Pack.Messages(bytes))
                    await HandleAsync(one, arrived);
            }
        }
        catch (OperationCanceledException)
        {
            // The page was closed.
        }
        catch (Exception failure)
        {
            Failure = failure;
            _live.TrySetException(failure);
        }
    }

    private async Task HandleAsync(object?[] message, long arrived)
    {
        if (message[0] is long and Ping)
        {
            await WriteAsync(Pack.Framed(Ping));
            return;
        }

        if (message[0] is long and Completion && message[3] is long and 1)
            throw new InvalidOperationException($"The hub refused: {message[4]}");
        if (message[0] is not (long and Invocation) || message[3] is not string method || message[4] is not object?[] arguments)
            return;
        switch (method)
        {
            case "JS.RenderBatch":
                Batches++;
                Drawn?.Invoke(arrived, (ReadOnlyMemory<byte>)arguments[1]!);
                await SendAsync("OnRenderCompleted", arguments[0], null);
                break;
            case "JS.BeginInvokeJS":
                // The page's script: the one call that all pages make asks for the browser's time zone.
                var live = arguments[1] is "dashboard.live" || (arguments[2] is string && arguments.Contains("dashboard.live"));
                var handle = arguments[0] is long ? arguments[0] : arguments.OfType<long>().First();
                await SendAsync("EndInvokeJSFromDotNet", handle, true, $"[{handle},true,{(live ? "\"Europe/Berlin\"" : "null")}]");
                if (live)
                    _live.TrySetResult();
                break;
            case "JS.Error":
                throw new InvalidOperationException($"The circuit failed: {arguments[0]}");
        }
    }

    [GeneratedRegex("<!--Blazor:({.*?})-->")]
    private static partial Regex MarkerPattern();

    [GeneratedRegex("<!--Blazor-Server-Component-State:(.*?)-->")]
    private static partial Regex StatePattern();
}
