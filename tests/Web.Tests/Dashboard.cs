using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.RegularExpressions;

namespace MigrationDashboard.Web.Tests;

/// <summary>The dashboard as a program of its own, on a free port, with a data folder and an embedded database of its own.</summary>
public sealed partial class Dashboard : IAsyncDisposable
{
    public const string Administrator = "ada";
    public const string Password = "correct horse battery";

    private readonly string home = Directory.CreateTempSubdirectory("web-tests").FullName;
    private readonly ConcurrentQueue<string> output = [];
    private readonly string[] arguments;
    private Process? process;

    private Dashboard(string[] arguments)
    {
        this.arguments = arguments;
        // PostgreSQL's own account must be able to pass through to its cluster.
        File.SetUnixFileMode(home, File.GetUnixFileMode(home) | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
    }

    /// <summary>Like http://127.0.0.1:43210, without a slash at the end.</summary>
    public string Address { get; private set; } = "";

    /// <summary>A token with the administrator's role, if started with <see cref="StartSeededAsync"/>.</summary>
    public static string Token { get; } = "lab-" + new string('k', 43);

    /// <summary>Of the embedded database, for looking at what was written.</summary>
    public string ConnectionString => $"Host={home}/data/postgres/socket;Username=dashboard;Database=migration_dashboard;Pooling=false";

    public string Output => string.Join('\n', output);

    /// <summary>The latest printed setup link.</summary>
    public string SetupLink => LinkPattern().Matches(Output) is { Count: > 0 } found ? found[^1].Value : throw new InvalidOperationException($"No link was printed:\n{Output}");

    public static async Task<Dashboard> StartAsync(params string[] arguments)
    {
        var dashboard = new Dashboard(arguments);
        await dashboard.RestartAsync();
        return dashboard;
    }

    /// <summary>With an administrator and a token from the settings.</summary>
    public static Task<Dashboard> StartSeededAsync(params string[] arguments) => StartAsync(
        [$"--Setup:AdministratorName={Administrator}", $"--Setup:AdministratorPassword={Password}", $"--Setup:ApiToken={Token}", .. arguments]);

    public async Task RestartAsync()
    {
        await StopAsync();
        output.Clear();
        var start = new ProcessStartInfo("dotnet", [Path.Combine(Places.Program, "MigrationDashboard.Web.dll"), "--Urls=http://127.0.0.1:0", $"--data={home}/data", .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = "/",
        };
        start.Environment["ASPNETCORE_ENVIRONMENT"] = "Production";
        process = Process.Start(start)!;
        process.OutputDataReceived += (_, line) => output.Enqueue(line.Data ?? "");
        process.ErrorDataReceived += (_, line) => output.Enqueue(line.Data ?? "");
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        var deadline = Stopwatch.StartNew();
        while (!Output.Contains("Application started", StringComparison.Ordinal))
        {
            if (process.HasExited || deadline.Elapsed > TimeSpan.FromSeconds(180)) throw new InvalidOperationException($"The dashboard did not start:\n{Output}");
            await Task.Delay(50);
        }
        Address = ListeningPattern().Match(Output).Groups[1].Value;
    }

    public HttpClient Client(string? token = null)
    {
        var client = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false, UseCookies = false }) { BaseAddress = new Uri(Address) };
        if (token is not null) client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return client;
    }

    /// <summary>Adds a user by the API.</summary>
    public async Task AddUserAsync(string name, string role)
    {
        using var client = Client(Token);
        var answer = await client.PostAsJsonAsync("/api/v1/users", new { name, password = Password, role });
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        Directory.Delete(home, recursive: true);
    }

    public async Task StopAsync()
    {
        if (process is null) return;
        if (!process.HasExited)
        {
            await Shell.RunAsync("kill", ["-TERM", $"{process.Id}"]);
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
            try
            {
                await process.WaitForExitAsync(patience.Token);
            }
            catch (OperationCanceledException)
            {
                process.Kill();
                throw new InvalidOperationException($"The dashboard did not stop within 60 s:\n{Output}");
            }
        }
        process.Dispose();
        process = null;
    }

    [GeneratedRegex(@"http://\S+/setup\?token=\S+")]
    private static partial Regex LinkPattern();

    [GeneratedRegex(@"Now listening on: (\S+)")]
    private static partial Regex ListeningPattern();
}
