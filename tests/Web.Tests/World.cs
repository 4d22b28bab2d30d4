namespace MigrationDashboard.Web.Tests;

/// <summary>What all tests share: a browser, a database server, and one seeded dashboard for tests that do not disturb each other.</summary>
public sealed class World : IAsyncLifetime
{
    public Chromium Chromium { get; } = new();

    public PostgresCluster Postgres { get; } = new();

    public Dashboard Dashboard { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        await Postgres.InitializeAsync();
        await Chromium.InitializeAsync();
        Dashboard = await Dashboard.StartSeededAsync(Postgres);
    }

    public async ValueTask DisposeAsync()
    {
        await Dashboard.DisposeAsync();
        await Chromium.DisposeAsync();
        await Postgres.DisposeAsync();
    }
}
