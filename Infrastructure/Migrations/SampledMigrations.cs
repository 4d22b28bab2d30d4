using MigrationDashboard.Core;
using MigrationDashboard.Core.Connections;
using MigrationDashboard.Core.Stages;
using MigrationDashboard.Infrastructure.Connections;

namespace MigrationDashboard.Infrastructure.Migrations;

/// <summary>Counted is every migration that has something on its hosts: from Link to Tail.</summary>
public sealed class SampledMigrations(MigrationStore migrations) : ISampledMigrations
{
    public async Task<IReadOnlyList<SampledHost>> ListAsync(CancellationToken cancellation)
    {
        var page = await migrations.ListAsync(new(ActiveOnly: true, Take: 500), cancellation);
        var ends =
            from stored in page.Items
            where stored.Migration.Stage is > Stage.Preflight and < Stage.Decommission
            from role in new[] { Role.Old, Role.New }
            let end = SampledEnd.Of(stored.Migration, role)
            where end is not null
            let server = role == Role.Old ? stored.Migration.Spec.OldServer : stored.Migration.Spec.NewServer
            orderby stored.Migration.Id
            group end by server into host
            orderby host.Key
            select new SampledHost(host.Key, host.ToValueList());
        return [.. ends];
    }
}
