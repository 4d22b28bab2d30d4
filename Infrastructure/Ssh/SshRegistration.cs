using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using MigrationDashboard.Infrastructure.Processes;

namespace MigrationDashboard.Infrastructure.Ssh;

public static class SshRegistration
{
    /// <summary><see cref="OpenSsh"/>, its agent, <see cref="SshKeys"/> and <see cref="SshKeyStore"/>, one of each for the process. Needs the database and Data Protection.</summary>
    public static IServiceCollection AddSsh(this IServiceCollection services, SshOptions? options = null)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<RuntimeDirectory>();
        services.AddSingleton(options ?? new SshOptions());
        services.AddSingleton<SshAgent>();
        services.AddSingleton<SshKeys>();
        services.AddSingleton<SshKeyStore>();
        services.AddSingleton<ISshKeySource>(provider => provider.GetRequiredService<SshKeyStore>());
        services.AddSingleton<OpenSsh>();
        return services;
    }
}
