using Dapper;
using MigrationDashboard.Infrastructure.Postgres;
using Npgsql;

namespace MigrationDashboard.Infrastructure.Tests.Postgres;

public sealed class SchemaMigrationTests(PostgresServer server)
{
    private static readonly SchemaFile One = new(1, "One", "CREATE TABLE one (id integer)");
    private static readonly SchemaFile Two = new(2, "Two", "ALTER TABLE one ADD name text; INSERT INTO one VALUES (1, 'x')");

    [Fact]
    public async Task The_built_in_files_are_applied_once_and_in_order()
    {
        await using var database = await server.CreateDatabaseAsync();

        var first = await SchemaMigration.ApplyAsync(database, default);
        var second = await SchemaMigration.ApplyAsync(database, default);

        Assert.Equal("001.Foundation.sql", first[0].ToString());
        Assert.Equal(first.Select(file => file.Number).Order(), first.Select(file => file.Number));
        Assert.Empty(second);
    }

    [Fact]
    public async Task Nodes_that_start_at_once_apply_each_file_once()
    {
        await using var database = await server.CreateDatabaseAsync();

        var applied = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => SchemaMigration.ApplyAsync(database, [One, Two], default)));

        Assert.Equal([One, Two], Assert.Single(applied, files => files.Count > 0));
        Assert.Equal(1, await CountAsync(database, "one"));
    }

    [Fact]
    public async Task A_file_that_was_changed_after_it_was_applied_is_refused_and_line_ends_are_no_change()
    {
        await using var database = await server.CreateDatabaseAsync();
        await SchemaMigration.ApplyAsync(database, [One with { Sql = "CREATE TABLE one\n(id integer)" }], default);
        await SchemaMigration.ApplyAsync(database, [new(1, "One", "CREATE TABLE one\r\n(id integer)")], default);

        var refused = await Assert.ThrowsAsync<SchemaException>(() => SchemaMigration.ApplyAsync(database, [new(1, "One", "CREATE TABLE one (id bigint)")], default));

        Assert.Contains("001.One.sql was changed", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_database_of_a_newer_version_is_refused()
    {
        await using var database = await server.CreateDatabaseAsync();
        await SchemaMigration.ApplyAsync(database, [One, Two], default);

        var refused = await Assert.ThrowsAsync<SchemaException>(() => SchemaMigration.ApplyAsync(database, [One], default));

        Assert.Contains("made by a newer one", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_fails_leaves_nothing_of_itself_and_what_came_before_it_stays()
    {
        await using var database = await server.CreateDatabaseAsync();
        var bad = new SchemaFile(2, "Bad", "INSERT INTO one VALUES (1); CREATE TABLE one (id integer)");

        var failed = await Assert.ThrowsAsync<SchemaException>(() => SchemaMigration.ApplyAsync(database, [One, bad], default));

        Assert.Contains("002.Bad.sql failed", failed.Message, StringComparison.Ordinal);
        Assert.Equal(0, await CountAsync(database, "one"));
        Assert.Equal([Two], await SchemaMigration.ApplyAsync(database, [One, Two], default));
    }

    private static async Task<int> CountAsync(NpgsqlDataSource database, string table)
    {
        await using var connection = await database.OpenConnectionAsync();
        return await connection.ExecuteScalarAsync<int>($"SELECT count(*) FROM {table}");
    }
}
