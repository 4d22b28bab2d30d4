using Microsoft.Extensions.DependencyInjection;
using Quartz;

namespace MigrationDashboard.Infrastructure.Jobs;

/// <summary>Sets up the scheduler: clustered, in the dashboard's own database.</summary>
public static class JobsRegistration
{
    /// <summary>Stages at once on one node. A stage waits for hosts most of its time.</summary>
    private const int Threads = 20;

    /// <summary>How often a node says that it lives, and how long it may be silent before another takes its work over.</summary>
    private static readonly TimeSpan CheckIn = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(3);

    public static IServiceCollection AddJobs(this IServiceCollection services, string connectionString)
    {
        services.AddSingleton<StageSchedule>();
        services.AddQuartz(quartz =>
        {
            // Clustering gives every node an id of its own.
            quartz.ConfigureScheduler(scheduler => scheduler.InstanceName = "migration-dashboard");
            quartz.UseDefaultThreadPool(Threads);
            quartz.UsePersistentStore(store =>
            {
                store.UsePostgres(connectionString);
                store.UseSystemTextJsonSerializer();
                store.ProvisionSchema();
                store.UseClustering(cluster =>
                {
                    cluster.CheckinInterval = CheckIn;
                    cluster.CheckinMisfireThreshold = Silence;
                });
            });
        });
        services.AddHostedService<LostRuns>();
        services.AddQuartzHostedService(options => options.WaitForJobsToComplete = true);
        return services;
    }
}
