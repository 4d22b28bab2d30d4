using Dapper;
using MigrationDashboard.Core.Audit;
using MigrationDashboard.Infrastructure.Audit;
using MigrationDashboard.Infrastructure.Tests.Postgres;
using Npgsql;

namespace MigrationDashboard.Infrastructure.Tests.Audit;

public sealed class AuditStoreTests(PostgresServer server) : IAsyncLifetime
{
    private static readonly AuditEvent Event = new()
    {
        At = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero), Actor = "anna", Action = "stage.apply", Outcome = AuditOutcome.Ok,
    };

    private NpgsqlDataSource _database = null!;
    private AuditStore _audit = null!;

    public async ValueTask InitializeAsync()
    {
        _database = await server.CreateSchemaAsync();
        _audit = new(_database, new AuditRedaction());
    }

    public async ValueTask DisposeAsync()
    {
        _audit.Dispose();
        await _database.DisposeAsync();
    }

    [Fact]
    public async Task An_entry_comes_back_as_it_was_written_with_every_field()
    {
        var full = Event with
        {
            At = Event.At.AddTicks(12_345_678), FromAddress = "2001:db8::7", MigrationId = Guid.CreateVersion7(), Host = "old", Command = "nft -f -\n𝄞\0\uD800", ExitCode = -1,
            DurationMs = long.MaxValue, Outcome = AuditOutcome.Failed, Detail = "it's\r\n\"quoted\"",
        };

        var written = await _audit.AppendAllAsync([full, Event], default);

        var page = await _audit.SearchAsync(new(), null, 10, default);
        Assert.Equal(written.Reverse(), page.Entries);
        Assert.Equal([2, 1], page.Entries.Select(entry => entry.Sequence));
        Assert.Null((await _audit.VerifyAsync(null, default)).Broken);
    }

    [Fact]
    public async Task Many_nodes_and_tasks_that_append_at_once_make_one_unbroken_chain()
    {
        AuditStore[] nodes = [_audit, new(_database, new AuditRedaction()), new(_database, new AuditRedaction())];

        var all = await Task.WhenAll(Enumerable.Range(0, 300).Select(i => nodes[i % 3].AppendAsync(Event with { Detail = $"{i}" }, default)));

        Assert.Equal(Enumerable.Range(1, 300).Select(i => (long)i), all.Select(entry => entry.Sequence).Order());
        Assert.All(all.Select((entry, i) => (entry, i)), one => Assert.Equal($"{one.i}", one.entry.Detail));
        var verified = await _audit.VerifyAsync(null, default);
        Assert.Equal((300, null), (verified.Checked, verified.Broken));
    }

    [Fact]
    public async Task A_wrong_action_is_refused_and_hurts_nobody_elses_entry()
    {
        var good = Enumerable.Range(0, 20).Select(_ => _audit.AppendAsync(Event, default));
        var bad = Assert.ThrowsAsync<ArgumentException>(() => _audit.AppendAsync(Event with { Action = "Not An Action" }, default));

        await Task.WhenAll([bad, .. good]);

        Assert.Equal(20, (await _audit.VerifyAsync(null, default)).Checked);
    }

    [Fact]
    public async Task Secrets_are_gone_before_they_reach_the_database()
    {
        await _audit.AppendAsync(Event with { Command = "mysql --password hunter22", Detail = "-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----" }, default);

        var entry = (await _audit.SearchAsync(new(), null, 1, default)).Entries[0];
        Assert.Equal("mysql --password [removed]", entry.Command);
        Assert.DoesNotContain("abc", entry.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("UPDATE audit_entry SET detail = 'x'")]
    [InlineData("DELETE FROM audit_entry")]
    [InlineData("TRUNCATE audit_entry")]
    [InlineData("DELETE FROM audit_head")]
    [InlineData("UPDATE audit_head SET sequence = 0")]
    [InlineData("UPDATE audit_head SET hash = decode(repeat('00', 32), 'hex')")]
    public async Task The_database_itself_refuses_changes(string sql)
    {
        await _audit.AppendAsync(Event, default);

        var refused = await Assert.ThrowsAsync<PostgresException>(() => ExecuteAsync(sql));

        Assert.Contains("append-only", refused.MessageText, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("UPDATE audit_entry SET detail = 'nothing happened' WHERE sequence = 3", 3, "was changed")]
    [InlineData("UPDATE audit_entry SET outcome = 'Failed' WHERE sequence = 1", 1, "was changed")]
    [InlineData("UPDATE audit_entry SET at = at + interval '1 microsecond' WHERE sequence = 5", 5, "was changed")]
    [InlineData("UPDATE audit_entry SET command = '' WHERE sequence = 4", 4, "was changed")]
    [InlineData("DELETE FROM audit_entry WHERE sequence = 2", 2, "is missing")]
    [InlineData("DELETE FROM audit_entry WHERE sequence = 5", 5, "the last ones are missing")]
    [InlineData("DELETE FROM audit_entry", 1, "the last ones are missing")]
    [InlineData("UPDATE audit_entry SET sequence = 6 WHERE sequence = 5", 5, "is missing")]
    [InlineData("INSERT INTO audit_entry SELECT 6, at, actor, from_address, action, migration_id, host, command, exit_code, duration_ms, outcome, detail, hash, hash FROM audit_entry WHERE sequence = 5", 6, "was changed")]
    public async Task What_a_superuser_changes_behind_its_back_is_found(string sql, long at, string reason)
    {
        await _audit.AppendAllAsync(Enumerable.Range(0, 5).Select(i => Event with { Detail = $"{i}" }).ToArray(), default);
        Assert.Null((await _audit.VerifyAsync(null, default)).Broken);

        await ExecuteAsync($"SET session_replication_role = replica; {sql}; SET session_replication_role = DEFAULT");

        var broken = (await _audit.VerifyAsync(null, default)).Broken;
        Assert.Equal(at, broken?.Sequence);
        Assert.Contains(reason, broken?.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_entry_that_was_rewritten_together_with_its_hash_is_found_at_the_next_one()
    {
        var written = await _audit.AppendAllAsync([Event, Event, Event], default);
        var forged = written[1] with { Detail = "nothing happened" };
        var hash = AuditChain.HashOf(forged);

        await ExecuteAsync($"SET session_replication_role = replica; UPDATE audit_entry SET detail = '{forged.Detail}', hash = decode('{hash}', 'hex') WHERE sequence = 2");

        Assert.Equal(3, (await _audit.VerifyAsync(null, default)).Broken?.Sequence);
    }

    [Fact]
    public async Task Every_filter_finds_what_it_names_and_nothing_else()
    {
        var migration = Guid.CreateVersion7();
        await _audit.AppendAllAsync(
        [
            Event,
            Event with { Actor = "ben", Action = "stage", Detail = "100% of a_b" },
            Event with { Host = "old", MigrationId = migration, Action = "stage.apply.step", Command = "ip -Batch -" },
            Event with { At = Event.At.AddHours(1), Outcome = AuditOutcome.Refused, Action = "stages.list", Detail = "10 of axb" },
        ], default);

        Assert.Equal("3", await FindAsync(new() { Host = "old" }));
        Assert.Equal("3", await FindAsync(new() { MigrationId = migration }));
        Assert.Equal("2", await FindAsync(new() { Actor = "ben" }));
        Assert.Equal("4", await FindAsync(new() { Outcome = AuditOutcome.Refused }));
        Assert.Equal("3, 2, 1", await FindAsync(new() { Action = "stage" }));
        Assert.Equal("3, 1", await FindAsync(new() { Action = "stage.apply" }));
        Assert.Equal("3", await FindAsync(new() { Text = "IP -batch" }));
        Assert.Equal("2", await FindAsync(new() { Text = "0% of a_b" }));
        Assert.Equal("4", await FindAsync(new() { From = Event.At.AddMinutes(1) }));
        Assert.Equal("3, 2, 1", await FindAsync(new() { Until = Event.At.AddMinutes(1) }));
        Assert.Equal("4", await FindAsync(new() { From = Event.At.AddDays(5) }) + await FindAsync(new() { From = Event.At.AddMinutes(1), Until = Event.At.AddDays(9) }));
        Assert.Empty(await FindAsync(new() { Actor = "ben", Host = "old" }));
        Assert.Empty(await FindAsync(new() { Actor = "' OR true --" }));
    }

    [Fact]
    public async Task A_span_of_days_is_found_whole_though_clocks_of_nodes_differ_by_minutes()
    {
        // Ten days, an entry an hour, every other one from a node whose clock is 70 minutes behind.
        await _audit.AppendAllAsync([.. Enumerable.Range(0, 240).Select(i => Event with { At = Event.At.AddHours(i).AddMinutes(i % 2 == 0 ? 0 : -70) })], default);
        var (from, until) = (Event.At.AddDays(4), Event.At.AddDays(6));

        var found = await _audit.SearchAsync(new() { From = from, Until = until }, null, 1000, default);

        var expected = Enumerable.Range(0, 240).Where(i => Event.At.AddHours(i).AddMinutes(i % 2 == 0 ? 0 : -70) is var at && at >= from && at < until).Select(i => i + 1L);
        Assert.Equal(expected.Reverse(), found.Entries.Select(entry => entry.Sequence));
    }

    [Fact]
    public async Task Pages_go_backwards_without_gaps_or_repeats_even_while_entries_are_added()
    {
        await _audit.AppendAllAsync(Enumerable.Repeat(Event, 25).ToArray(), default);
        var seen = new List<long>();
        long? before = null;
        do
        {
            var page = await _audit.SearchAsync(new() { Actor = "anna" }, before, 10, default);
            seen.AddRange(page.Entries.Select(entry => entry.Sequence));
            await _audit.AppendAsync(Event, default);
            before = page.Next;
        }
        while (before is not null);

        Assert.Equal(Enumerable.Range(1, 25).Select(i => (long)i).Reverse(), seen);
    }

    [Fact]
    public async Task An_append_waits_for_a_database_that_is_away_and_is_written_once()
    {
        await _audit.AppendAsync(Event, default);
        // Every connection of the pool is cut: the next use of each fails.
        await ExecuteAsync("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()");

        await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => _audit.AppendAsync(Event, default)));

        var verified = await _audit.VerifyAsync(null, default);
        Assert.Equal((11, null), (verified.Checked, verified.Broken));
    }

    [Fact]
    public async Task Searching_for_text_uses_the_index()
    {
        await using var connection = await _database.OpenConnectionAsync();
        await connection.ExecuteAsync("SET enable_seqscan = off; SET enable_indexscan = off");
        var plan = await connection.QueryAsync<string>(
            "EXPLAIN SELECT sequence FROM audit_entry WHERE (action || ' ' || coalesce(command, '') || ' ' || detail) ILIKE '%needle%' ORDER BY sequence DESC LIMIT 5");

        Assert.Contains(plan, line => line.Contains("audit_entry_text", StringComparison.Ordinal));
    }

    private async Task<string> FindAsync(AuditFilter filter) =>
        string.Join(", ", (await _audit.SearchAsync(filter, null, 100, default)).Entries.Select(entry => entry.Sequence));

    private async Task ExecuteAsync(string sql)
    {
        await using var connection = await _database.OpenConnectionAsync();
        await connection.ExecuteAsync(sql);
    }
}
