using System.Diagnostics;

namespace MigrationDashboard.Web.Tests;

/// <summary>A throw-away PostgreSQL on a unix socket; each dashboard under test gets a database of its own.</summary>
public sealed class PostgresCluster : IAsyncDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("web-pg").FullName;
    private Process? server;
    private int databases;

    public async Task InitializeAsync()
    {
        var binaries = Directory.GetDirectories("/usr/lib/postgresql").Order(StringComparer.Ordinal).Last() + "/bin";
        // PostgreSQL refuses to run as root.
        string[] user = Environment.UserName == "root" ? ["--reuid=postgres", "--regid=postgres", "--init-groups"] : [];
        if (user.Length > 0) await Shell.CheckedAsync("chown", ["postgres", folder]);
        await Shell.CheckedAsync("setpriv", [.. user, $"{binaries}/initdb", "-D", $"{folder}/data", "-U", "app", "-E", "UTF8", "--locale=C.UTF-8", "--auth-local=trust", "--auth-host=reject", "-N"]);
        server = Process.Start(new ProcessStartInfo("setpriv",
            [.. user, $"{binaries}/postgres", "-D", $"{folder}/data", "-k", folder, "-c", "listen_addresses=", "-c", "fsync=off"])
        { RedirectStandardError = true, WorkingDirectory = "/tmp" })!;
        server.ErrorDataReceived += (_, _) => { };
        server.BeginErrorReadLine();
        for (var i = 0; i < 100 && !File.Exists($"{folder}/.s.PGSQL.5432"); i++) await Task.Delay(50);
    }

    public async Task<string> NewDatabaseAsync()
    {
        var name = $"d{Interlocked.Increment(ref databases)}";
        for (var i = 0; ; i++)
        {
            var (code, _, error) = await Shell.RunAsync("createdb", ["-h", folder, "-U", "app", name]);
            if (code == 0) return $"Host={folder};Username=app;Database={name}";
            // The socket is there a moment before the server takes connections.
            if (i > 20) throw new InvalidOperationException(error);
            await Task.Delay(100);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (server is not null)
        {
            // SIGINT: fast shutdown.
            await Shell.RunAsync("kill", ["-INT", $"{server.Id}"]);
            await server.WaitForExitAsync();
            server.Dispose();
        }
        Directory.Delete(folder, recursive: true);
    }
}
