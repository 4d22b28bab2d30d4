namespace MigrationDashboard.Web.Tests;

/// <summary>What all tests share: a browser and one seeded dashboard for tests that do not disturb each other.</summary>
public sealed class World : IAsyncLifetime
{
    public Chromium Chromium { get; } = new();

    public Dashboard Dashboard { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        await Chromium.InitializeAsync();
        Dashboard = await Dashboard.StartSeededAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await Dashboard.DisposeAsync();
        await Chromium.DisposeAsync();
    }
}
