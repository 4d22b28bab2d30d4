using MigrationDashboard.Driver.Faults;
using Xunit;

namespace MigrationDashboard.Lab.Tests;

/// <summary>A dashboard, two servers and a migration of its own for the tests in which something goes wrong; the servers are left as they were found.</summary>
public sealed class WorldFixture : IAsyncLifetime
{
    public World World { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        var lab = await Driver.Lab.AttachAsync();
        World = await World.MakeAsync(lab, LabFixture.Program(lab));
    }

    public async ValueTask DisposeAsync()
    {
        await World.GoToAsync(Core.Stages.Stage.Preflight);
        await World.DisposeAsync();
    }
}

/// <summary>
/// A few of what <c>script/bench faults</c> tries in full: whatever goes wrong, a run ends where it was going or where it came from, page, hosts and
/// workload agree, SSH answers, and clients notice nothing.
/// </summary>
public sealed class FaultTests(WorldFixture fixture, ITestOutputHelper output) : IClassFixture<WorldFixture>
{
    [Theory]
    [InlineData("link", "twice")]
    [InlineData("link", "cancel-confirm")]
    [InlineData("forward", "kill-during")]
    [InlineData("forward", "reboot-new")]
    [InlineData("cutover", "kill-copy")]
    [InlineData("cutover", "kill-start")]
    [InlineData("cutover", "kill-between-long")]
    [InlineData("cutover", "postgres-frozen")]
    [InlineData("cutover", "ssh-cut-new")]
    [InlineData("cutover", "link-cut")]
    [InlineData("cutover", "does-not-start")]
    [InlineData("cutover", "rsync-dies")]
    [InlineData("cutover", "cancel-stop")]
    [InlineData("back", "kill-stop")]
    public async Task A_run_ends_where_it_was_going_or_where_it_came_from_whatever_goes_wrong(string stage, string name)
    {
        var (move, fault) = FaultCases.All.Single(one => one.Move.Name == stage && one.Fault.Name == name);

        var result = await fixture.World.RunAsync(move, fault);

        output.WriteLine(result.ToString());
        if (!result.Holds)
            output.WriteLine($"{await fixture.World.LogAsync()}\n{await fixture.World.Lab.DiagnoseAsync()}");
        Assert.True(result.Holds, result.ToString());
    }
}
