using MigrationDashboard.Web.Tests;

// One browser and two processors: tests that wait for pages must not crowd each other.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
[assembly: AssemblyFixture(typeof(World))]
