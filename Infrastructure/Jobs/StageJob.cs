using MigrationDashboard.Infrastructure.Stages;
using Quartz;

namespace MigrationDashboard.Infrastructure.Jobs;

/// <summary>The one job: runs a stage. When the node that runs it dies, another gets it with the same run and takes it over.</summary>
public sealed class StageJob(StageRunner runner, StageSchedule schedule) : IJob
{
    public const string RunKey = "run";

    public async ValueTask Execute(IJobExecutionContext context, CancellationToken cancellationToken)
    {
        var run = Guid.Parse(context.MergedJobDataMap.GetString(RunKey)!);
        if (await runner.RunAsync(run, cancellationToken) is { } opening)
            await schedule.AgainAsync(run, context.JobDetail.Key, opening);
    }
}
