using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using MigrationDashboard.Core;
using MigrationDashboard.Core.Migrations;
using MigrationDashboard.Core.Stages;

namespace MigrationDashboard.Driver;

/// <summary>A dashboard of its own, as a process, with a database of its own; driven by its API as anybody's program would.</summary>
public sealed class Dashboard : IAsyncDisposable
{
    private readonly Process _process;
    private readonly StringBuilder _output = new();

    private Dashboard(Process process, Uri address, string data, string token)
    {
        _process = process;
        Address = address;
        Data = data;
        Token = token;
        Http = new() { BaseAddress = new Uri(address, "/api/v1/"), Timeout = TimeSpan.FromSeconds(60) };
        Http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
    }

    /// <summary>Seconds on a quiet computer; on one that builds and tests at the same time it has taken more than a minute.</summary>
    private static readonly TimeSpan StartLimit = TimeSpan.FromMinutes(3);

    public const string AdministratorName = "admin";

    public const string AdministratorPassword = "correct horse battery staple";

    public Uri Address { get; }

    /// <summary>The data folder, kept when a dashboard is killed to be started again.</summary>
    public string Data { get; }

    public string Token { get; }

    public HttpClient Http { get; }

    public int ProcessId => _process.Id;

    public bool IsRunning => !_process.HasExited;

    /// <summary>What it has printed so far.</summary>
    public string Output
    {
        get
        {
            lock (_output)
                return _output.ToString();
        }
    }

    /// <param name="program">The built program, <c>MigrationDashboard.Web</c>.</param>
    /// <param name="data">A folder from an earlier start, null for a new one.</param>
    public static async Task<Dashboard> StartAsync(string program, string? data = null, int port = 0, string? token = null, IReadOnlyDictionary<string, string>? environment = null)
    {
        data ??= Directory.CreateTempSubdirectory("md-data-").FullName;
        File.SetUnixFileMode(data, (UnixFileMode)0b111_101_101);
        if (port == 0)
            port = FreePort();
        token ??= Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(24));
        var start = new ProcessStartInfo(program, ["--urls", $"http://127.0.0.1:{port}", $"--data={data}"]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["Setup__AdministratorName"] = AdministratorName;
        start.Environment["Setup__AdministratorPassword"] = AdministratorPassword;
        start.Environment["Setup__ApiToken"] = token;
        start.Environment["ASPNETCORE_ENVIRONMENT"] = "Development";
        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
            start.Environment[name] = value;
        var process = Process.Start(start)!;
        var dashboard = new Dashboard(process, new Uri($"http://127.0.0.1:{port}"), data, token);
        process.OutputDataReceived += dashboard.Keep;
        process.ErrorDataReceived += dashboard.Keep;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        for (var waited = Stopwatch.StartNew(); waited.Elapsed < StartLimit; await Task.Delay(100))
        {
            if (process.HasExited)
                throw new InvalidOperationException($"The dashboard ended at once:\n{dashboard.Output}");
            try
            {
                if ((await dashboard.Http.GetAsync("me")).IsSuccessStatusCode)
                    return dashboard;
            }
            catch (HttpRequestException)
            {
                // It does not listen yet.
            }
        }

        throw new TimeoutException($"The dashboard did not answer within {StartLimit}:\n{dashboard.Output}");
    }

    public async Task<T> GetAsync<T>(string path) => await ReadAsync<T>(await Http.GetAsync(path));

    public async Task<T> PostAsync<T>(string path, object? body) => await ReadAsync<T>(await Http.PostAsJsonAsync(path, body ?? new { }, CoreJson.Options));

    public async Task<HttpResponseMessage> TryPostAsync(string path, object? body) => await Http.PostAsJsonAsync(path, body ?? new { }, CoreJson.Options);

    /// <summary>Registers a server of the lab by its address, with the lab's key.</summary>
    public async Task<Guid> RegisterAsync(string name, string host, Guid key, string user = "migrate")
    {
        var keys = await PostAsync<JsonElement>("servers/look", new { host, port = 22 });
        var server = await PostAsync<JsonElement>("servers", new { name, host, port = 22, user, keyId = key, hostKeys = keys.EnumerateArray().Select(found => found.GetProperty("key").GetString()).ToArray() });
        return server.GetProperty("id").GetGuid();
    }

    public async Task<Guid> ImportKeyAsync(string file) =>
        (await PostAsync<JsonElement>("keys", new { name = "lab", privateKey = await File.ReadAllTextAsync(file) })).GetProperty("id").GetGuid();

    /// <summary>The migrations made so far, also those that are gone by now.</summary>
    public List<Guid> Added { get; } = [];

    public async Task<Guid> AddMigrationAsync(MigrationInput input)
    {
        var id = (await PostAsync<JsonElement>("migrations", input)).GetProperty("id").GetGuid();
        Added.Add(id);
        return id;
    }

    /// <summary>Asks for a stage and waits for its end.</summary>
    public async Task<StageRun> RunAsync(Guid migration, Stage target, Direction direction = Direction.Advance, string? reason = null, TimeSpan? limit = null)
    {
        var run = await PostAsync<StageRun>($"migrations/{migration}/runs", new { target, direction, overrideReason = reason });
        return await WaitAsync(run.Id, limit ?? TimeSpan.FromMinutes(3));
    }

    public async Task<StageRun> WaitAsync(Guid runId, TimeSpan limit)
    {
        for (var waited = Stopwatch.StartNew(); waited.Elapsed < limit; await Task.Delay(50))
            if (await GetAsync<StageRun>($"runs/{runId}") is { IsOver: true } run)
                return run;
        throw new TimeoutException($"Run {runId} was not over within {limit}:\n{await LogAsync(runId)}");
    }

    /// <summary>Runs a stage that must succeed.</summary>
    public async Task<StageRun> MustAsync(Guid migration, Stage target, Direction direction = Direction.Advance, string? reason = null)
    {
        var run = await RunAsync(migration, target, direction, reason);
        return run.State == RunState.Succeeded ? run : throw new InvalidOperationException($"{direction} to {target}: {run.State}: {run.Error}\n{await LogAsync(run.Id)}");
    }

    public async Task<string> LogAsync(Guid runId) => string.Join('\n', (await GetAsync<RunStep[]>($"runs/{runId}/steps")).Select(step =>
        $"{step.Number,3} {step.State,-9} {step.Name} {step.Host} {step.DurationMs} ms\n{Indent(step.Output)}"));

    /// <summary>kill -9: what a crash leaves.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
    }

    /// <summary>Ends it and takes its folder away.</summary>
    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        if (!_process.HasExited)
        {
            // SIGTERM, so that it stops its database in order.
            using (var kill = Process.Start("kill", ["-TERM", _process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]))
                await kill.WaitForExitAsync();
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
            try
            {
                await _process.WaitForExitAsync(limit.Token);
            }
            catch (OperationCanceledException)
            {
                _process.Kill(entireProcessTree: true);
            }
        }

        _process.Dispose();
        try
        {
            Directory.Delete(Data, recursive: true);
        }
        catch (IOException)
        {
            // Something that was killed still writes there.
        }
    }

    private static async Task<T> ReadAsync<T>(HttpResponseMessage response)
    {
        var text = await response.Content.ReadAsStringAsync();
        return response.IsSuccessStatusCode ? CoreJson.Read<T>(text) : throw new HttpRequestException($"{response.RequestMessage!.Method} {response.RequestMessage.RequestUri}: {(int)response.StatusCode} {text}");
    }

    private static string Indent(string text) => string.Join('\n', text.Split('\n').Select(line => "      " + line));

    private static int FreePort()
    {
        using var listener = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private void Keep(object sender, DataReceivedEventArgs line)
    {
        if (line.Data is null)
            return;
        lock (_output)
            _output.AppendLine(line.Data);
    }
}
