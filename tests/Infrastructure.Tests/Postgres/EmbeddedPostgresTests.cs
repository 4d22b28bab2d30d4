using System.Diagnostics;
using System.Globalization;
using Dapper;
using MigrationDashboard.Infrastructure.Postgres;
using Npgsql;

namespace MigrationDashboard.Infrastructure.Tests.Postgres;

public sealed class EmbeddedPostgresTests : IDisposable
{
    private readonly DataFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task What_was_written_is_there_after_a_clean_stop_and_start()
    {
        await using (var postgres = await EmbeddedPostgres.StartAsync(_folder.Path, default))
            await ExecuteAsync(postgres, "CREATE TABLE kept AS SELECT 42 AS value");

        await using var again = await EmbeddedPostgres.StartAsync(_folder.Path, default);

        Assert.Equal(42, await ScalarAsync<int>(again, "SELECT value FROM kept"));
    }

    [Fact]
    public async Task It_listens_on_no_TCP_port_and_other_accounts_cannot_reach_its_socket()
    {
        await using var postgres = await EmbeddedPostgres.StartAsync(_folder.Path, default);

        Assert.Equal("", await ScalarAsync<string>(postgres, "SHOW listen_addresses"));
        var socket = Path.Combine(new NpgsqlConnectionStringBuilder(postgres.ConnectionString).Host!, ".s.PGSQL.5432");
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(socket));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(Path.GetDirectoryName(socket)!));
    }

    [Fact]
    public async Task A_second_dashboard_on_the_same_folder_is_refused_and_the_first_goes_on()
    {
        await using var first = await EmbeddedPostgres.StartAsync(_folder.Path, default);

        var refused = await Assert.ThrowsAsync<EmbeddedPostgresException>(() => EmbeddedPostgres.StartAsync(_folder.Path, default));

        Assert.Contains($"process {Environment.ProcessId}", refused.Message, StringComparison.Ordinal);
        Assert.Equal(1, await ScalarAsync<int>(first, "SELECT 1"));
    }

    [Fact]
    public async Task A_dashboard_that_is_killed_takes_its_database_along_and_the_next_one_finds_all_that_was_committed()
    {
        int postmaster;
        using (var child = await ChildProcess.StartAsync("postgres", _folder.Path))
        {
            postmaster = int.Parse(child.Line, CultureInfo.InvariantCulture);
            child.Kill();
        }

        var clock = Stopwatch.StartNew();
        await using var next = await EmbeddedPostgres.StartAsync(_folder.Path, default);

        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(10), $"took {clock.Elapsed}");
        Assert.Equal("committed", await ScalarAsync<string>(next, "SELECT value FROM role"));
        Assert.NotEqual(postmaster, next.ProcessId);
        Assert.False(Runs(postmaster), "the killed dashboard's server still runs");
    }

    [Fact]
    public async Task Dashboard_and_server_killed_at_once_leave_a_folder_that_starts_again()
    {
        using (var child = await ChildProcess.StartAsync("postgres", _folder.Path))
        {
            child.Stop(); // So that it cannot start the server again.
            Process.GetProcessById(int.Parse(child.Line, CultureInfo.InvariantCulture)).Kill();
            child.Kill();
        }

        Assert.True(File.Exists(Path.Combine(_folder.Path, "postgres/cluster/postmaster.pid")), "the kill left no trace: this tests nothing");
        await using var next = await EmbeddedPostgres.StartAsync(_folder.Path, default);

        Assert.Equal("committed", await ScalarAsync<string>(next, "SELECT value FROM role"));
    }

    [Fact]
    public async Task A_pid_file_that_names_a_stranger_does_not_keep_the_server_from_starting_nor_hurt_the_stranger()
    {
        await (await EmbeddedPostgres.StartAsync(_folder.Path, default)).DisposeAsync();
        using var stranger = Process.Start("sleep", ["60"]);
        await File.WriteAllTextAsync(Path.Combine(_folder.Path, "postgres/cluster/postmaster.pid"), $"{stranger.Id}\n{_folder.Path}\n");

        await using var next = await EmbeddedPostgres.StartAsync(_folder.Path, default);

        Assert.Equal(1, await ScalarAsync<int>(next, "SELECT 1"));
        Assert.False(stranger.HasExited);
        stranger.Kill();
    }

    [Fact]
    public async Task A_server_that_is_killed_alone_is_started_again()
    {
        await using var postgres = await EmbeddedPostgres.StartAsync(_folder.Path, default);
        await ExecuteAsync(postgres, "CREATE TABLE kept AS SELECT 7 AS value");
        await using var database = Database.CreateSource(postgres.ConnectionString);
        Process.GetProcessById(postgres.ProcessId).Kill();

        var value = await database.RetryAsync(async cancellation =>
        {
            await using var connection = await database.OpenConnectionAsync(cancellation);
            return await connection.ExecuteScalarAsync<int>("SELECT value FROM kept");
        }, TimeSpan.FromSeconds(20), default);

        Assert.Equal(7, value);
    }

    [Fact]
    public async Task A_first_start_that_was_killed_half_way_is_done_again()
    {
        var half = Directory.CreateDirectory(Path.Combine(_folder.Path, "postgres/cluster.new"));
        await File.WriteAllTextAsync(Path.Combine(half.FullName, "PG_VERSION"), "15");

        await using var postgres = await EmbeddedPostgres.StartAsync(_folder.Path, default);

        Assert.Equal(1, await ScalarAsync<int>(postgres, "SELECT 1"));
    }

    [Fact]
    public async Task A_folder_behind_one_that_only_root_may_enter_is_refused_with_the_way_out()
    {
        var closed = Directory.CreateDirectory(Path.Combine(_folder.Path, "closed"), (UnixFileMode)0x1C0).FullName; // 0700

        var refused = await Assert.ThrowsAsync<EmbeddedPostgresException>(() => EmbeddedPostgres.StartAsync(Path.Combine(closed, "data"), default));

        Assert.Contains($"cannot pass through {closed} to", refused.Message, StringComparison.Ordinal);
        Assert.Contains("/var/lib/migration-dashboard", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_folder_with_a_very_long_name_works_too()
    {
        var deep = Path.Combine(_folder.Path, string.Join('/', Enumerable.Repeat("a-rather-long-name-of-a-folder", 5)));

        await using var postgres = await EmbeddedPostgres.StartAsync(deep, default);

        Assert.Equal(1, await ScalarAsync<int>(postgres, "SELECT 1"));
    }

    [Fact]
    public async Task A_cluster_of_another_major_version_is_named_and_not_touched()
    {
        await (await EmbeddedPostgres.StartAsync(_folder.Path, default)).DisposeAsync();
        var file = Path.Combine(_folder.Path, "postgres/cluster/PG_VERSION");
        await File.WriteAllTextAsync(file, "9\n");

        var refused = await Assert.ThrowsAsync<EmbeddedPostgresException>(() => EmbeddedPostgres.StartAsync(_folder.Path, default));

        Assert.Contains("made by PostgreSQL 9", refused.Message, StringComparison.Ordinal);
    }

    private static bool Runs(int process) =>
        File.Exists($"/proc/{process}/cmdline") && File.ReadAllText($"/proc/{process}/cmdline").Contains("postgres", StringComparison.Ordinal);

    private static async Task ExecuteAsync(EmbeddedPostgres postgres, string sql)
    {
        await using var source = NpgsqlDataSource.Create(postgres.ConnectionString);
        await using var connection = await source.OpenConnectionAsync();
        await connection.ExecuteAsync(sql);
    }

    private static async Task<T> ScalarAsync<T>(EmbeddedPostgres postgres, string sql)
    {
        await using var source = NpgsqlDataSource.Create(postgres.ConnectionString);
        await using var connection = await source.OpenConnectionAsync();
        return (await connection.ExecuteScalarAsync<T>(sql))!;
    }
}
