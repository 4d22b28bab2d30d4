using Microsoft.Extensions.DependencyInjection;

namespace MigrationDashboard.Infrastructure.Postgres;

public static class PostgresRegistration
{
    /// <summary>The opened database, its data source and its notifications. Whoever opened the database disposes it, after everything that uses it has stopped.</summary>
    public static IServiceCollection AddPostgres(this IServiceCollection services, Database database)
    {
        services.AddSingleton(database);
        services.AddSingleton(database.Source);
        services.AddSingleton<Notifications>();
        return services;
    }
}
