using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using MigrationDashboard.Core.Stages;
using MigrationDashboard.Infrastructure.Migrations;
using MigrationDashboard.Infrastructure.Stages;
using Npgsql;
using Quartz;

namespace MigrationDashboard.Infrastructure.Jobs;

/// <summary>
/// Finds runs that nobody will run any more: written down when the dashboard ended before the scheduler knew of them, or whose job ended while
/// the database was away. Each gets a job again, which starts it or takes it over.
/// </summary>
public sealed class LostRuns(RunStore runs, StageRunner runner, StageSchedule schedule, ISchedulerFactory schedulers, TimeProvider time, ILogger<LostRuns> logger) : BackgroundService
{
    private static readonly TimeSpan Round = TimeSpan.FromSeconds(5);

    /// <summary>A run that was just asked for is about to get its job; the recovery of a dead node's jobs takes about seven seconds.</summary>
    private static readonly TimeSpan Doubt = TimeSpan.FromSeconds(20);

    private readonly Dictionary<Guid, DateTimeOffset> _withoutJob = [];

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Task.Yield();
        while (!stoppingToken.IsCancellationRequested)
            try
            {
                await Task.Delay(Round, time, stoppingToken);
                await LookAsync(stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                // The way a stop is told.
            }
            catch (Exception problem) when (problem is NpgsqlException or SchedulerException or TimeoutException)
            {
                logger.LogInformation("Could not look for lost runs: {Reason}", problem.Message);
            }
    }

    private async Task LookAsync(CancellationToken cancellation)
    {
        var scheduler = await schedulers.GetScheduler(cancellation);
        var open = (await runs.InStateAsync(RunState.Running, cancellation)).Concat(await runs.InStateAsync(RunState.Planned, cancellation)).ToList();
        var now = time.GetUtcNow();
        foreach (var run in open)
        {
            if (runner.IsUnderWay(run.Id) || await scheduler.GetJobDetail(StageSchedule.JobOf(run), cancellation) is not null)
                _withoutJob.Remove(run.Id);
            else if (!_withoutJob.TryGetValue(run.Id, out var since))
                _withoutJob[run.Id] = now;
            else if (now - since > Doubt)
            {
                logger.LogWarning("Run {Run} ({State}) has no job any more: it gets one.", run.Id, run.State);
                _withoutJob.Remove(run.Id);
                await schedule.ScheduleAsync(run, TimeSpan.Zero, cancellation);
            }
        }

        foreach (var gone in _withoutJob.Keys.Except(open.Select(run => run.Id)).ToList())
            _withoutJob.Remove(gone);
    }
}
