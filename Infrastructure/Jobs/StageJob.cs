using MigrationDashboard.Infrastructure.Stages;
using Quartz;

namespace MigrationDashboard.Infrastructure.Jobs;

/// <summary>The one job: runs a stage. When the node that runs it dies, another gets it with the same run and takes it over.</summary>
public sealed class StageJob(StageRunner runner) : IJob
{
    public const string RunKey = "run";

    public async ValueTask Execute(IJobExecutionContext context, CancellationToken cancellationToken) =>
        await runner.RunAsync(Guid.Parse(context.MergedJobDataMap.GetString(RunKey)!), cancellationToken);
}
