using System.Globalization;
using MigrationDashboard.Core;
using MigrationDashboard.Core.Stages;
using MigrationDashboard.Core.Workloads;
using MigrationDashboard.Infrastructure.Migrations;

namespace MigrationDashboard.Infrastructure.Stages;

/// <summary>Measures what a cutover will take, without anybody noticing (docs/decisions/040).</summary>
public sealed class RehearsalSteps(WorkloadSteps workloads, BudgetStore budgets, TimeProvider time)
{
    public async Task RunAsync(RunContext context, Step.Rehearse step, CancellationToken cancellation)
    {
        var scripts = WorkloadScripts.Of(context.Migration);

        // What changes between two passes is what the last one has to copy; the passes before have brought the two to the same state.
        var delta = context.Sync is null ? 0 : Sum(await workloads.PassAsync(context, "copy the data, measured", cancellation), "pass");
        var inspected = await Task.WhenAll(new[] { step.From, step.To }.Select(role => workloads.InspectAsync(context, role, cancellation)));
        var folders = context.Workload is null ? [] : CoreJson.Read<KnownWorkload>(context.Workload).Folders;
        var (script, notes) = scripts.Rehearse(inspected[0], inspected[1], folders);
        var tried = script is null ? null : await workloads.TryAsync(context, step.To, script, cancellation);
        var budget = new CutoverBudget(time.GetUtcNow(), Took(tried, "stop"), delta, Took(tried, "start"), Took(tried, "health"), notes);
        await context.Log.StepAsync("budget", null, lines =>
        {
            lines.Add(string.Create(CultureInfo.InvariantCulture, $"{budget.Words}; the limit is {context.Migration.Spec.HoldLimitSeconds} s."));
            foreach (var note in notes)
                lines.Add("! " + note);
            return Task.CompletedTask;
        });
        context.Log.Write(token => budgets.SaveAsync(context.Migration.Id, budget, token));
    }

    private static long Sum(ScriptOutput output, string name) => output.Results.Where(result => result.Name == name).Sum(result => result.Json.GetProperty("ms").GetInt64());

    private static long Took(ScriptOutput? output, string what) =>
        output?.Results.LastOrDefault(result => result.Name == "took" && result.Json.GetProperty("what").GetString() == what)?.Json.GetProperty("ms").GetInt64() ?? 0;
}
