using Microsoft.Extensions.DependencyInjection;
using MigrationDashboard.Core.Audit;

namespace MigrationDashboard.Infrastructure.Audit;

public static class AuditRegistration
{
    /// <summary>The audit log and what keeps secrets out of it. Needs the database.</summary>
    public static IServiceCollection AddAudit(this IServiceCollection services)
    {
        services.AddSingleton<AuditRedaction>();
        services.AddSingleton<AuditStore>();
        return services;
    }
}
