using System.Text.Json;
using MigrationDashboard.Core;
using MigrationDashboard.Core.Inventory;

namespace MigrationDashboard.Web.Components.Pages.Servers;

/// <summary>A reading that was kept.</summary>
public static class StoredReading
{
    /// <returns>Null when another version of the dashboard kept it in a shape that is not understood any more: it is read anew.</returns>
    public static HostInventory? Of(string json)
    {
        try
        {
            return CoreJson.Read<HostInventory>(json);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
