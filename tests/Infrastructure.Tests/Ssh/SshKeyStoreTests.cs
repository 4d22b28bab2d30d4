using System.Text;
using Dapper;
using Microsoft.AspNetCore.DataProtection;
using MigrationDashboard.Infrastructure.Ssh;
using MigrationDashboard.Infrastructure.Tests.Postgres;

namespace MigrationDashboard.Infrastructure.Tests.Ssh;

public sealed class SshKeyStoreTests(PostgresServer server, SshServer ssh)
{
    [Fact]
    public async Task A_key_comes_back_whole_and_is_not_in_clear_in_the_database()
    {
        await using var database = await server.CreateSchemaAsync();
        var store = new SshKeyStore(database, new EphemeralDataProtectionProvider());

        var stored = await store.AddAsync("production", ssh.Key, default);

        using var read = await store.ReadAsync(stored.Id, default);
        Assert.Equal(ssh.Key.PrivateKey.ToArray(), read!.PrivateKey.ToArray());
        Assert.Equal(stored, Assert.Single(await store.ListAsync(default)));
        await using var connection = await database.OpenConnectionAsync();
        var raw = await connection.ExecuteScalarAsync<byte[]>("SELECT private_key_protected FROM ssh_key");
        Assert.Equal(-1, raw.AsSpan().IndexOf("PRIVATE KEY"u8));
        Assert.Equal(-1, raw.AsSpan().IndexOf(Encoding.ASCII.GetBytes(Encoding.ASCII.GetString(ssh.Key.PrivateKey.Span).Split('\n')[3])));
    }

    [Fact]
    public async Task A_name_or_a_key_is_stored_once_and_a_removed_key_is_gone()
    {
        await using var database = await server.CreateSchemaAsync();
        var store = new SshKeyStore(database, new EphemeralDataProtectionProvider());
        using var other = await new SshKeys(ssh.Runtime).GenerateAsync("other", default);
        var stored = await store.AddAsync("Production", ssh.Key, default);

        Assert.Contains("named", (await Assert.ThrowsAsync<ArgumentException>(() => store.AddAsync("production", other, default))).Message, StringComparison.Ordinal);
        Assert.Contains("stored already", (await Assert.ThrowsAsync<ArgumentException>(() => store.AddAsync("twice", ssh.Key, default))).Message, StringComparison.Ordinal);
        Assert.True(await store.RemoveAsync(stored.Id, default));
        Assert.False(await store.RemoveAsync(stored.Id, default));
        Assert.Null(await store.ReadAsync(stored.Id, default));
        Assert.Null(await store.FindAsync(stored.Id, default));
    }
}
