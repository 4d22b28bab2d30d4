using System.Net;
using System.Text.Json;
using MigrationDashboard.Core;
using MigrationDashboard.Core.Stages;
using Xunit;

namespace MigrationDashboard.Lab.Tests;

/// <summary>
/// A test on the lab's servers. Whatever it made there is taken back when it ends, so that one that fails leaves nothing in the way of the next; one that
/// fails tells how it found the servers.
/// </summary>
public abstract class LabTest(LabFixture fixture, ITestOutputHelper output) : IAsyncLifetime
{
    private readonly int _before = fixture.Dashboard.Added.Count;

    protected LabFixture Fixture => fixture;

    public virtual ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public virtual async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        if (TestContext.Current.TestState is { Result: TestResult.Failed })
            output.WriteLine(await fixture.Lab.DiagnoseAsync());
        foreach (var id in fixture.Dashboard.Added.Skip(_before).Reverse())
            await TakeAwayAsync(id);
    }

    private async Task TakeAwayAsync(Guid id)
    {
        if (await StageAsync(id) is null or Stage.Decommission)
            return;
        foreach (var run in (await fixture.Dashboard.GetAsync<StageRun[]>($"migrations/{id}/runs")).Where(run => !run.IsOver))
        {
            using var cancelled = await fixture.Dashboard.TryPostAsync($"runs/{run.Id}/cancel", null);
            await fixture.Dashboard.WaitAsync(run.Id, TimeSpan.FromMinutes(2));
        }

        while (await StageAsync(id) is { } stage && StageOrder.Before(stage) is { } before)
            if (await fixture.Dashboard.RunAsync(id, before, Direction.Rollback) is { State: not RunState.Succeeded } run)
                throw new InvalidOperationException($"{id} was left behind: {run.Error}\n{await fixture.Dashboard.LogAsync(run.Id)}");
        using var deleted = await fixture.Dashboard.Http.DeleteAsync($"migrations/{id}");
        if (!deleted.IsSuccessStatusCode)
            throw new InvalidOperationException($"{id} was left behind: {await deleted.Content.ReadAsStringAsync()}");
    }

    /// <returns>Null when the test has deleted it.</returns>
    private async Task<Stage?> StageAsync(Guid id)
    {
        using var response = await fixture.Dashboard.Http.GetAsync($"migrations/{id}");
        return response.StatusCode == HttpStatusCode.NotFound ? null
            : CoreJson.Read<JsonElement>(await response.EnsureSuccessStatusCode().Content.ReadAsStringAsync()).GetProperty("stage").Deserialize<Stage>(CoreJson.Options);
    }
}
