using MigrationDashboard.Core;
using MigrationDashboard.Core.Inventory;
using MigrationDashboard.Core.Migrations;
using MigrationDashboard.Core.Network;
using MigrationDashboard.Core.Preflight;
using MigrationDashboard.Core.Stages;

namespace MigrationDashboard.Infrastructure.Stages;

internal static class Checks
{
    public static ValueList<CheckResult> Run(Migration migration, HostReading old, HostReading @new) =>
        new[] { (Role.Old, old), (Role.New, @new) }.Select(pair => pair.Item2.Failure is { } failure
            ? new CheckResult("reach", "Reachable", pair.Item1, CheckStatus.Error, failure.Detail)
            : new CheckResult("reach", "Reachable", pair.Item1, CheckStatus.Pass, "it answers")).ToValueList();
}

internal static class MarkChoice
{
    public static uint? Of(HostInventory old, HostInventory @new) => Allocation.FirstMask;
}
