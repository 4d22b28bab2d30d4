using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace MigrationDashboard.Infrastructure.Jobs;

/// <summary>At the start of a node: every planned run has its time in the scheduler, also one that waited again because the dashboard was shut down while it copied.</summary>
public sealed class PlannedRuns(StageSchedule schedule, ILogger<PlannedRuns> logger) : BackgroundService
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(5);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
            try
            {
                await schedule.EnsureAsync(stoppingToken);
                return;
            }
            catch (Exception error) when (!stoppingToken.IsCancellationRequested)
            {
                logger.LogWarning("Planned runs could not be looked at yet: {Reason}", error.Message);
                await Task.Delay(Pause, stoppingToken);
            }
    }
}
