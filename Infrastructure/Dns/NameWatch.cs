using System.Net;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using MigrationDashboard.Core.Dns;
using MigrationDashboard.Core.Migrations;
using MigrationDashboard.Core.Stages;
using MigrationDashboard.Infrastructure.Migrations;

namespace MigrationDashboard.Infrastructure.Dns;

/// <summary>Asks for the names of migrations now and then, from before their records are changed until the application moves: where they lead, and for how long caches keep it.</summary>
public sealed class NameWatch(MigrationStore migrations, NameWatchStore store, TimeProvider time, ILogger<NameWatch> logger) : BackgroundService
{
    private static readonly TimeSpan Round = TimeSpan.FromSeconds(30);

    /// <summary>With many names or slow resolvers rounds are farther apart, so that it is busy for a fifth of the time at most.</summary>
    private const int PauseForEachPass = 4;

    /// <summary>Asks every resolver for every name of a migration, and keeps what they say.</summary>
    /// <returns>What is known afterwards, with the answers themselves.</returns>
    public async Task<(IReadOnlyList<DnsAnswer> Answers, IReadOnlyList<WatchedName> Known)> AskAsync(Migration migration, CancellationToken cancellation)
    {
        var answers = await DnsLookup.AskAllAsync(migration.Spec, cancellation);
        await store.SaveAsync(migration.Id, answers, Wanted(migration), time.GetUtcNow(), cancellation);
        return (answers, await store.OfMigrationAsync(migration.Id, cancellation));
    }

    /// <summary>The addresses that the names shall lead to.</summary>
    public static IReadOnlyList<IPAddress> Wanted(Migration migration) => [.. new[] { migration.NewFacts?.PublicIpv4, migration.NewFacts?.PublicIpv6 }.OfType<IPAddress>()];

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Task.Yield();
        try
        {
            while (true)
            {
                var begun = time.GetTimestamp();
                try
                {
                    var page = await migrations.ListAsync(new(ActiveOnly: true, Take: 500), stoppingToken);
                    foreach (var stored in page.Items)
                        if (stored.Migration is { Stage: > Stage.Preflight and <= Stage.Drain, Spec.DnsNames.Count: > 0 } migration)
                            await AskAsync(migration, stoppingToken);
                }
                catch (Exception problem) when (!stoppingToken.IsCancellationRequested)
                {
                    logger.LogInformation("Names cannot be watched: {Reason}", problem.Message);
                }

                var pause = time.GetElapsedTime(begun) * PauseForEachPass;
                await Task.Delay(pause > Round ? pause : Round, time, stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The way a stop is told.
        }
    }
}
