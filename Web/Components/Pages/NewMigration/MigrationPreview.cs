using MigrationDashboard.Core.Inventory;
using MigrationDashboard.Core.Migrations;
using MigrationDashboard.Core.Network;
using MigrationDashboard.Core.Stages;

namespace MigrationDashboard.Web.Components.Pages.NewMigration;

/// <summary>The migration as it would be on the servers as they were read, before it is made.</summary>
public static class MigrationPreview
{
    /// <returns>Null when a server was not read, or cannot be used as it is: the checks will tell.</returns>
    public static Migration? Of(MigrationSpec spec, HostInventory? old, HostInventory? @new)
    {
        if (old is null || @new is null)
            return null;
        var (oldFacts, newFacts) = (FactsFromInventory.Of(old, spec, Role.Old).Facts, FactsFromInventory.Of(@new, spec, Role.New).Facts);
        if (oldFacts is null || newFacts is null)
            return null;
        return new() { Id = Guid.Empty, Spec = spec, Allocation = new(1, Allocation.KeyOf(Guid.Empty), Allocation.FirstMask), OldFacts = oldFacts, NewFacts = newFacts };
    }
}
