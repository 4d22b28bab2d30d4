using Microsoft.Extensions.DependencyInjection.Extensions;
using MigrationDashboard.Infrastructure.Postgres;

namespace MigrationDashboard.Web.Live;

/// <summary>What pages show while it changes.</summary>
public static class LiveSetup
{
    public static IServiceCollection AddLive(this IServiceCollection services)
    {
        services.TryAddSingleton<Notifications>();
        return services.AddSingleton<MigrationReader>().AddSingleton<MigrationFeeds>().AddSingleton<ChartSeries>().AddSingleton<ReverseNames>().AddSingleton<StragglerPages>();
    }
}
