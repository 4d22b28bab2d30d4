using Npgsql;
using MigrationDashboard.Infrastructure.Audit;
using MigrationDashboard.Infrastructure.Connections;
using MigrationDashboard.Infrastructure.Dns;
using MigrationDashboard.Infrastructure.Drifts;
using MigrationDashboard.Infrastructure.Hosts;
using MigrationDashboard.Infrastructure.Jobs;
using MigrationDashboard.Infrastructure.Migrations;
using MigrationDashboard.Infrastructure.Postgres;
using MigrationDashboard.Infrastructure.Ssh;
using MigrationDashboard.Infrastructure.Stages;

namespace MigrationDashboard.Web.Settings;

/// <summary>What the product is about: servers, migrations, stages, counting.</summary>
public static class MigrationsSetup
{
    public static void AddMigrations(this WebApplicationBuilder builder, Database database)
    {
        var services = builder.Services;
        services.AddSsh();
        services.AddSingleton<ServerStore>().AddSingleton<MigrationStore>().AddSingleton<RunStore>().AddSingleton<ServerRegistration>();
        services.AddSingleton<ActionLog>().AddSingleton<ServerAdministration>().AddSingleton<MigrationAdministration>().AddSingleton<MigrationDraftStore>().AddSingleton<MigrationNames>();
        services.AddSingleton<HostApply>().AddSingleton<HostReader>().AddSingleton<PathProbe>();
        services.AddSingleton<ReadSteps>().AddSingleton<HostSteps>().AddSingleton<WorkloadSteps>().AddSingleton<GateSteps>().AddSingleton<RehearsalSteps>().AddSingleton<BudgetStore>().AddSingleton<Recovery>().AddSingleton<StageRunner>();
        services.AddJobs(database.ConnectionString);

        services.AddSingleton<SampleStore>().AddSingleton(provider => new SamplerLeases(provider.GetRequiredService<NpgsqlDataSource>(), StageRunner.Node)).AddSingleton<ConnectionHistory>().AddSingleton<StragglerStore>().AddSingleton<Sparklines>();
        services.AddSingleton<ISampledMigrations, SampledMigrations>();
        services.AddSingleton<IHostLines>(provider => new SshHostLines(provider.GetRequiredService<OpenSsh>(), async (id, cancellation) =>
            RunContext.TargetOf(await provider.GetRequiredService<ServerStore>().FindAsync(id, cancellation) ?? throw new InvalidOperationException($"There is no server {id}."))));
        services.AddHostedService<ConnectionSampler>();
        services.AddHostedService<ConnectionRetention>();
        services.AddSingleton<DriftStore>().AddSingleton<HostAgreement>().AddHostedService<DriftWatch>();
        services.AddSingleton<NameWatchStore>().AddSingleton<NameWatch>().AddHostedService(services => services.GetRequiredService<NameWatch>());
    }
}
