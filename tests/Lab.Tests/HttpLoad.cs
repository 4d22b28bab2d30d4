using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MigrationDashboard.Lab.Tests;

/// <summary>Clients of a web server: a new connection for each request, at a fixed rate, to each address in turn, until stopped or two minutes are over.</summary>
internal sealed class HttpLoad : IAsyncDisposable
{
    private static readonly TimeSpan LongestRun = TimeSpan.FromMinutes(2);

    /// <summary>Longer than any hold, and than the kernel repeats a SYN (tcp_syn_retries: 127 s): what is held must survive, also on a busy computer.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(130);

    private readonly CancellationTokenSource _stop = new(LongestRun);
    private readonly string[] _hosts;
    private readonly int _port;
    private readonly int _rate;
    private readonly Func<int, string>? _post;
    private readonly Task _loop;
    private int _attempted;

    /// <param name="post">What request N sends; null asks for the page.</param>
    public HttpLoad(string[] hosts, int port, int rate, Func<int, string>? post = null)
    {
        (_hosts, _port, _rate, _post) = (hosts, port, rate, post);
        _loop = LoopAsync();
    }

    public int Attempted => _attempted;

    /// <summary>What went wrong, one line each.</summary>
    public ConcurrentQueue<string> Failures { get; } = [];

    /// <summary>What was sent, and what came back with status 200.</summary>
    public ConcurrentDictionary<string, string> Answers { get; } = [];

    /// <summary>The source addresses that the application saw.</summary>
    public ConcurrentDictionary<string, int> Sources { get; } = [];

    /// <summary>Ends it and waits for every answer that is still due.</summary>
    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await _loop;
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _stop.Dispose();
    }

    /// <summary>One request.</summary>
    /// <returns>Status, the source address that the application saw, and the body.</returns>
    public static async Task<(int Status, string? Source, string Body)> AskAsync(string host, int port, string? post, TimeSpan patience)
    {
        using var limit = new CancellationTokenSource(patience);
        var address = IPAddress.Parse(host);
        using var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(new IPEndPoint(address, port), limit.Token);
        await using var stream = new NetworkStream(socket);
        var request = post is null
            ? "GET / HTTP/1.0\r\nHost: lab\r\n\r\n"
            : string.Create(CultureInfo.InvariantCulture, $"POST / HTTP/1.0\r\nHost: lab\r\nContent-Length: {Encoding.UTF8.GetByteCount(post)}\r\n\r\n{post}");
        await stream.WriteAsync(Encoding.UTF8.GetBytes(request), limit.Token);
        using var reader = new StreamReader(stream, Encoding.UTF8);
        var answer = await reader.ReadToEndAsync(limit.Token);
        var parts = answer.Split("\r\n\r\n", 2);
        var head = parts[0].Split("\r\n");
        if (parts.Length < 2 || head[0].Split(' ') is not [_, var status, ..])
            throw new IOException($"no answer, but '{answer}'");
        var source = head.FirstOrDefault(line => line.StartsWith("X-Client: ", StringComparison.OrdinalIgnoreCase))?["X-Client: ".Length..].Trim();
        return (int.Parse(status, CultureInfo.InvariantCulture), source, parts[1].Trim());
    }

    private async Task LoopAsync()
    {
        var requests = new List<Task>();
        var clock = Stopwatch.StartNew();
        while (!_stop.IsCancellationRequested)
        {
            for (var due = (int)(clock.Elapsed.TotalSeconds * _rate); _attempted < due;)
                requests.Add(OneAsync(_attempted++));
            await Task.Delay(5);
        }

        await Task.WhenAll(requests);
    }

    private async Task OneAsync(int number)
    {
        var host = _hosts[number % _hosts.Length];
        var text = _post?.Invoke(number);
        try
        {
            var (status, source, body) = await AskAsync(host, _port, text, Patience);
            if (status != 200)
                Failures.Enqueue($"{number} to {host}: status {status}: {body}");
            else
                Answers[text ?? number.ToString(CultureInfo.InvariantCulture)] = body;
            Sources.AddOrUpdate(source ?? "none", 1, (_, count) => count + 1);
        }
        catch (Exception error) when (error is IOException or SocketException or OperationCanceledException)
        {
            Failures.Enqueue($"{number} to {host}: {error.Message}");
        }
    }
}
