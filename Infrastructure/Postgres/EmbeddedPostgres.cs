using System.Diagnostics;
using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using MigrationDashboard.Infrastructure.Processes;
using Npgsql;

namespace MigrationDashboard.Infrastructure.Postgres;

/// <summary>
/// The dashboard's own PostgreSQL: a cluster in its data folder, reached by a Unix socket only. It ends with this process, however that ends,
/// and is started again when it ends by itself.
/// </summary>
public sealed class EmbeddedPostgres : IAsyncDisposable
{
    private const string User = "dashboard";
    private const string DatabaseName = "migration_dashboard";

    /// <summary>Replaying the write-ahead log after a crash: at most max_wal_size (1 GB), minutes on a slow disk.</summary>
    private static readonly TimeSpan StartLimit = TimeSpan.FromMinutes(5);

    /// <summary>A fast shutdown writes one checkpoint.</summary>
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(30);

    private readonly PostgresFolder _folder;
    private readonly string _binaries;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stopping = new();
    private readonly StringBuilder _lastWords = new();
    private Process _postmaster = null!;
    private Task _watch = Task.CompletedTask;

    private EmbeddedPostgres(PostgresFolder folder, string binaries, ILogger logger) => (_folder, _binaries, _logger) = (folder, binaries, logger);

    public string ConnectionString => new NpgsqlConnectionStringBuilder { Host = _folder.Sockets, Username = User, Database = DatabaseName }.ConnectionString;

    /// <summary>Process id of the server's main process, for diagnosis.</summary>
    public int ProcessId => _postmaster.Id;

    /// <summary>Makes the cluster if there is none yet, starts it and waits until it takes connections.</summary>
    /// <exception cref="EmbeddedPostgresException">Not installed, folder in use or out of reach, or it does not start.</exception>
    public static async Task<EmbeddedPostgres> StartAsync(string dataFolder, CancellationToken cancellation, ILogger<EmbeddedPostgres>? logger = null)
    {
        var folder = await PostgresFolder.TakeAsync(dataFolder, cancellation);
        try
        {
            var versionFile = Path.Combine(folder.Cluster, "PG_VERSION");
            int? madeBy = File.Exists(versionFile) ? int.Parse(await File.ReadAllTextAsync(versionFile, cancellation), CultureInfo.InvariantCulture) : null;
            var binaries = await PostgresBinaries.FindAsync(madeBy, cancellation);
            var postgres = new EmbeddedPostgres(folder, binaries, (ILogger?)logger ?? NullLogger.Instance);
            await postgres.InitializeAsync(cancellation);
            await StaleServer.EndAsync(folder.Cluster, folder.Sockets, cancellation);
            postgres.Launch();
            try
            {
                await postgres.WaitUntilReadyAsync(cancellation);
                await postgres.CreateDatabaseAsync(cancellation);
            }
            catch
            {
                await StaleServer.StopAsync(postgres._postmaster.Id, StopLimit);
                throw;
            }

            postgres._watch = postgres.KeepRunningAsync();
            return postgres;
        }
        catch
        {
            folder.Dispose();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _watch;
        if (!_postmaster.HasExited)
            await StaleServer.StopAsync(_postmaster.Id, StopLimit);
        await _postmaster.WaitForExitAsync();
        _postmaster.Dispose();
        _stopping.Dispose();
        _folder.Dispose();
    }

    private async Task InitializeAsync(CancellationToken cancellation)
    {
        if (Directory.Exists(_folder.Cluster))
            return;
        // Made aside and renamed when complete: a start that is killed half-way leaves nothing that looks like a cluster.
        var making = _folder.Cluster + ".new";
        if (Directory.Exists(making))
            Directory.Delete(making, recursive: true);
        await PostgresFolder.MakeOwnedAsync(making, cancellation);
        string[] arguments =
        [
            "-D", making, "-U", User, "-E", "UTF8", "--locale=C.UTF-8", "--auth-local=trust", "--auth-host=reject", "--data-checksums",
        ];
        var made = await PostgresFolder.RunAsync(Path.Combine(_binaries, "initdb"), arguments, cancellation);
        if (made.ExitCode != 0)
            throw new EmbeddedPostgresException($"The database could not be made: {made.ErrorOutput.Trim()}");
        Directory.Move(making, _folder.Cluster);
    }

    private void Launch()
    {
        string[] arguments =
        [
            "-D", _folder.Cluster, "-k", _folder.Sockets,
            "-c", "listen_addresses=", // No TCP: nobody but this computer's root and the server's own account can connect.
            "-c", "unix_socket_permissions=0700",
            "-c", "max_connections=100",
            "-c", "timezone=UTC",
            "-c", "jit=off", // Short queries: compiling them costs more than running them.
            "-c", "idle_in_transaction_session_timeout=60s", // A lost transaction must not hold its locks for ever.
        ];
        lock (_lastWords)
            _lastWords.Clear();
        // SIGINT is PostgreSQL's fast shutdown.
        _postmaster = TiedProcess.Start("INT", PostgresFolder.AsOwner, Path.Combine(_binaries, "postgres"), arguments, info =>
        {
            info.RedirectStandardInput = true;
            info.RedirectStandardOutput = true;
            info.RedirectStandardError = true;
            info.WorkingDirectory = "/";
            info.Environment["LC_ALL"] = "C.UTF-8";
        });
        _postmaster.StandardInput.Close();
        _postmaster.OutputDataReceived += (_, line) => Note(line.Data);
        _postmaster.ErrorDataReceived += (_, line) => Note(line.Data);
        _postmaster.BeginOutputReadLine();
        _postmaster.BeginErrorReadLine();
    }

    private async Task WaitUntilReadyAsync(CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(StartLimit);
        while (true)
        {
            if (_postmaster.HasExited)
            {
                await _postmaster.WaitForExitAsync(limit.Token); // Until its last words are read.
                throw new EmbeddedPostgresException($"PostgreSQL did not start: {LastWords()}");
            }

            try
            {
                await using var connection = new NpgsqlConnection(Maintenance());
                await connection.OpenAsync(limit.Token);
                return;
            }
            catch (NpgsqlException)
            {
                // Not there yet, or replaying its log.
                await Task.Delay(20, limit.Token);
            }
        }
    }

    private async Task CreateDatabaseAsync(CancellationToken cancellation)
    {
        await using var connection = new NpgsqlConnection(Maintenance());
        await connection.OpenAsync(cancellation);
        await using var find = new NpgsqlCommand($"SELECT 1 FROM pg_database WHERE datname = '{DatabaseName}'", connection);
        if (await find.ExecuteScalarAsync(cancellation) is not null)
            return;
        await using var create = new NpgsqlCommand($"CREATE DATABASE {DatabaseName}", connection);
        await create.ExecuteNonQueryAsync(cancellation);
    }

    /// <summary>Starts the server again when it ends without being told to (killed by the kernel for memory, or by hand).</summary>
    private async Task KeepRunningAsync()
    {
        // Its other processes notice within a moment, and hold the shared memory until then; longer pauses are for a cause that lasts, such as a full disk.
        var shortest = TimeSpan.FromMilliseconds(300);
        var pause = shortest;
        try
        {
            while (true)
            {
                var running = Stopwatch.StartNew();
                await _postmaster.WaitForExitAsync(_stopping.Token);
                _logger.LogError("PostgreSQL ended by itself (exit code {Code}): {LastWords}. Starting it again.", _postmaster.ExitCode, LastWords());
                pause = running.Elapsed > TimeSpan.FromMinutes(1) ? shortest : TimeSpan.FromSeconds(Math.Min(5, pause.TotalSeconds * 2));
                await Task.Delay(pause, _stopping.Token);
                await StaleServer.EndAsync(_folder.Cluster, _folder.Sockets, _stopping.Token);
                using var ended = _postmaster;
                Launch();
            }
        }
        catch (OperationCanceledException)
        {
            // Disposal.
        }
    }

    private string Maintenance() =>
        new NpgsqlConnectionStringBuilder { Host = _folder.Sockets, Username = User, Database = "postgres", Pooling = false, Timeout = 5 }.ConnectionString;

    private void Note(string? line)
    {
        if (line is null)
            return;
        if (line.Contains("FATAL:", StringComparison.Ordinal) || line.Contains("PANIC:", StringComparison.Ordinal))
            _logger.LogWarning("PostgreSQL: {Line}", line);
        lock (_lastWords)
        {
            _lastWords.AppendLine(CultureInfo.InvariantCulture, $"{line}");
            if (_lastWords.Length > 8192)
                _lastWords.Remove(0, _lastWords.Length - 4096);
        }
    }

    private string LastWords()
    {
        lock (_lastWords)
            return _lastWords.ToString().Trim();
    }
}
