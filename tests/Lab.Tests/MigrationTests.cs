using Xunit;
using MigrationDashboard.Core.Stages;

namespace MigrationDashboard.Lab.Tests;

/// <summary>Whole migrations on real machines.</summary>
public sealed class MigrationTests(LabFixture fixture)
{
    [Fact]
    public async Task The_mail_container_moves_from_preflight_to_decommission_and_back_is_possible_at_every_stage()
    {
        var id = await fixture.Dashboard.AddMigrationAsync(fixture.Mail("mail there and back"));
        foreach (var stage in new[] { Stage.Preflight, Stage.Link, Stage.Forward, Stage.Dns, Stage.Drain, Stage.Cutover })
            await fixture.Dashboard.MustAsync(id, stage);
        await fixture.Dashboard.MustAsync(id, Stage.Drain, Direction.Rollback);
        await fixture.Dashboard.MustAsync(id, Stage.Cutover);
        await fixture.Dashboard.MustAsync(id, Stage.Decommission);
    }
}
