using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using MigrationDashboard.Core.Audit;
using MigrationDashboard.Infrastructure.Audit;
using MigrationDashboard.Infrastructure.Postgres;
using MigrationDashboard.Infrastructure.Processes;
using MigrationDashboard.Infrastructure.Ssh;
using MigrationDashboard.Infrastructure.Tests.Postgres;
using MigrationDashboard.Infrastructure.Tests.Ssh;

namespace MigrationDashboard.Infrastructure.Tests;

public sealed class RegistrationTests(SshServer ssh)
{
    [Fact]
    public async Task Registered_together_the_parts_sign_in_with_a_stored_key_record_what_was_done_and_clean_up_after_themselves()
    {
        using var folder = new DataFolder();
        await using var database = await Database.OpenAsync(new() { DataFolder = folder.Path }, NullLoggerFactory.Instance, default);
        var services = new ServiceCollection().AddLogging().AddPostgres(database).AddSsh().AddAudit();
        services.AddSingleton<IDataProtectionProvider, EphemeralDataProtectionProvider>();
        string runtime;
        await using (var provider = services.BuildServiceProvider(validateScopes: true))
        {
            var key = await provider.GetRequiredService<SshKeyStore>().AddAsync("production", ssh.Key, default);
            var result = await provider.GetRequiredService<OpenSsh>().RunAsync(ssh.Target(keyId: key.Id), new("echo done"), default);
            var entry = await provider.GetRequiredService<AuditStore>().AppendAsync(
                new() { At = DateTimeOffset.UtcNow, Actor = "system", Action = "host.read", Outcome = AuditOutcome.Ok, Detail = result.Output }, default);
            await using var told = provider.GetRequiredService<Notifications>().SubscribeAsync(AuditStore.Channel, default).GetAsyncEnumerator();

            Assert.True(await told.MoveNextAsync());
            Assert.Equal(("done\n", 1), (entry.Detail, entry.Sequence));
            runtime = provider.GetRequiredService<RuntimeDirectory>().Path;
        }

        Assert.False(Directory.Exists(runtime));
    }
}
