using System.Globalization;
using MigrationDashboard.Infrastructure.Processes;

#pragma warning disable CA1416 // Unix file modes: the dashboard runs on Linux only.

namespace MigrationDashboard.Infrastructure.Postgres;

/// <summary>The part of the dashboard's data folder where its own PostgreSQL lives. Holding it keeps every other dashboard out.</summary>
internal sealed class PostgresFolder : IDisposable
{
    // PostgreSQL refuses to run as root.
    private const string Account = "postgres";
    private const UnixFileMode Passable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    private readonly FileStream _lock;
    private readonly bool _socketsElsewhere;

    private PostgresFolder(string path, FileStream held)
    {
        Path = path;
        _lock = held;
        // A Unix socket's path has at most 107 bytes (unix(7)); PostgreSQL's lock beside it adds five.
        var here = System.IO.Path.Combine(path, "socket");
        _socketsElsewhere = here.Length + "/.s.PGSQL.5432.lock".Length > 107;
        Sockets = _socketsElsewhere ? Directory.CreateTempSubdirectory("migdash-pg-").FullName : here;
    }

    public string Path { get; }

    public string Cluster => System.IO.Path.Combine(Path, "cluster");

    public string Sockets { get; }

    /// <summary>What setpriv needs to run a program as the cluster's owner; empty when that is this user.</summary>
    public static IReadOnlyList<string> AsOwner { get; } =
        Environment.IsPrivilegedProcess ? [$"--reuid={Account}", $"--regid={Account}", "--init-groups"] : [];

    /// <exception cref="EmbeddedPostgresException">Another dashboard holds it, or PostgreSQL's account cannot reach it.</exception>
    public static async Task<PostgresFolder> TakeAsync(string dataFolder, CancellationToken cancellation)
    {
        var data = System.IO.Path.GetFullPath(dataFolder);
        var path = System.IO.Path.Combine(data, "postgres");
        FileStream held;
        try
        {
            // Passable by others, or the account that PostgreSQL runs as could not get in; not readable.
            Directory.CreateDirectory(data, Passable);
            Directory.CreateDirectory(path, Passable);
            held = new(System.IO.Path.Combine(path, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (UnauthorizedAccessException problem)
        {
            throw new EmbeddedPostgresException($"This user may not write in the data folder {data}.", problem);
        }
        catch (IOException problem) when (File.Exists(System.IO.Path.Combine(path, "lock")))
        {
            throw new EmbeddedPostgresException($"Another dashboard{Owner(path)} uses the data folder {data}. Stop it first, or choose another folder; several nodes share a database by a connection string.", problem);
        }

        await File.WriteAllTextAsync(System.IO.Path.Combine(path, "owner.pid"), Environment.ProcessId.ToString(CultureInfo.InvariantCulture), cancellation);
        var folder = new PostgresFolder(path, held);
        try
        {
            await folder.PrepareAsync(data, cancellation);
            return folder;
        }
        catch
        {
            folder.Dispose();
            throw;
        }
    }

    /// <summary>Runs a program as the cluster's owner.</summary>
    public static Task<LocalResult> RunAsync(string program, IReadOnlyList<string> arguments, CancellationToken cancellation) =>
        LocalCommand.RunAsync("setpriv", [.. AsOwner, "--", program, .. arguments], cancellation: cancellation);

    /// <summary>Makes an empty folder that belongs to the cluster's owner alone.</summary>
    public static async Task MakeOwnedAsync(string path, CancellationToken cancellation)
    {
        string[] owner = Environment.IsPrivilegedProcess ? ["-o", Account, "-g", Account] : [];
        var made = await LocalCommand.RunAsync("install", ["-d", "-m", "0700", .. owner, "--", path], cancellation: cancellation);
        if (made.ExitCode != 0)
            throw new EmbeddedPostgresException($"The folder {path} could not be made: {made.ErrorOutput.Trim()}");
    }

    public void Dispose()
    {
        if (_socketsElsewhere && Directory.Exists(Sockets))
            Directory.Delete(Sockets, recursive: true);
        _lock.Dispose();
    }

    private async Task PrepareAsync(string data, CancellationToken cancellation)
    {
        if (Environment.IsPrivilegedProcess)
        {
            var account = await LocalCommand.RunAsync("id", ["-u", Account], cancellation: cancellation);
            if (account.ExitCode != 0)
                throw new EmbeddedPostgresException($"PostgreSQL does not run as root, and there is no account {Account} to run it as. Install PostgreSQL (apt-get install postgresql), or start the dashboard as another user.");
            if ((await RunAsync("test", ["-x", Path], cancellation)).ExitCode != 0)
                throw new EmbeddedPostgresException(
                    $"PostgreSQL runs as the account {Account}, which cannot pass through {Barrier(Path)} to the data folder {data}. " +
                    "Choose a data folder elsewhere, such as /var/lib/migration-dashboard, or let others pass through (chmod o+x).");
        }

        await MakeOwnedAsync(Sockets, cancellation);
    }

    /// <summary>The first folder on the way that others may not pass.</summary>
    private static string Barrier(string path)
    {
        var barrier = path;
        for (var folder = path; folder is not null; folder = System.IO.Path.GetDirectoryName(folder))
        {
            if (!File.GetUnixFileMode(folder).HasFlag(UnixFileMode.OtherExecute))
                barrier = folder;
        }

        return barrier;
    }

    private static string Owner(string path)
    {
        var file = System.IO.Path.Combine(path, "owner.pid");
        return File.Exists(file) ? $" (process {File.ReadAllText(file).Trim()})" : "";
    }
}
