using MigrationDashboard.Core.Dns;
using MigrationDashboard.Core.Network;
using MigrationDashboard.Core.Stages;
using MigrationDashboard.Infrastructure.Connections;
using MigrationDashboard.Infrastructure.Dns;
using MigrationDashboard.Infrastructure.Migrations;
using MigrationDashboard.Infrastructure.Postgres;
using Npgsql;

namespace MigrationDashboard.Infrastructure.Stages;

/// <summary>Steps that let a run begin only when it is time, or when an operator says in writing why not to wait.</summary>
public sealed class GateSteps(ConnectionHistory history, BudgetStore budgets, NameWatch names, NameWatchStore watched, NpgsqlDataSource database, TimeProvider time)
{
    /// <summary>A database that is restarted or fails over is back by then.</summary>
    private static readonly TimeSpan DatabasePatience = TimeSpan.FromMinutes(2);

    public async Task<GateState> JudgeAsync(Core.Migrations.Migration migration, CancellationToken cancellation)
    {
        var gate = migration.Spec.Gate;
        var now = time.GetUtcNow();
        var path = migration.Stage == Stage.Tail ? ConnectionPath.Tail : ConnectionPath.Direct;
        var inputs = await history.GateAsync(migration.Id, path, TimeSpan.FromMinutes(gate.WithinMinutes), cancellation);
        var ttlOver = migration.Spec.DnsNames.Count == 0 ? null : WatchedName.OldRecordsEnd(await watched.OfMigrationAsync(migration.Id, cancellation));
        return gate.Judge(inputs.NewConnections, inputs.WatchedSince, ttlOver, now);
    }

    public Task RequireGateAsync(RunContext context, bool atOpening, CancellationToken cancellation) => context.BeganAhead != atOpening ? Task.CompletedTask : context.Log.StepAsync("gate", null, async notes =>
    {
        var state = await database.RetryAsync(token => JudgeAsync(context.Migration, token), DatabasePatience, cancellation);
        notes.Add(state.Reason);
        if (state.Open)
            return;
        if (context.Run.OverrideReason is not { } reason)
            throw new RunRefusedException($"The gate is closed: {state.Reason}. Wait, or give a reason to pass it.");
        notes.Add($"Passed by {context.Run.RequestedBy}: {reason}");
    });

    /// <summary>Only what was measured counts: without a rehearsal nothing is known, which the preview says.</summary>
    public Task RequireBudgetAsync(RunContext context, CancellationToken cancellation) => context.Log.StepAsync("budget", null, async notes =>
    {
        if (await database.RetryAsync(token => budgets.FindAsync(context.Migration.Id, token), DatabasePatience, cancellation) is not { } budget)
        {
            notes.Add("The cutover was not rehearsed: how long clients will wait is not known.");
            return;
        }

        notes.Add($"Measured {budget.At:u}: {budget.Words}.");
        if (!budget.IsOver(context.Migration.Spec))
            return;
        if (context.Run.OverrideReason is not { } reason)
            throw new RunRefusedException($"The rehearsal measured more than the hold's limit of {context.Migration.Spec.HoldLimitSeconds} s allows: {budget.Words}. Make it quicker, raise the limit, or give a reason to try all the same.");
        notes.Add($"Passed by {context.Run.RequestedBy}: {reason}");
    });

    /// <summary>Watched names must lead to <c>new</c> everywhere they are asked for, and what caches may have kept from before must have run out.</summary>
    public Task RequireDnsAsync(RunContext context, CancellationToken cancellation) => context.Log.StepAsync("dns", null, async notes =>
    {
        if (context.Migration.Spec.DnsNames.Count == 0)
        {
            notes.Add("No DNS name is watched.");
            return;
        }

        var (answers, known) = await database.RetryAsync(token => names.AskAsync(context.Migration, token), DatabasePatience, cancellation);
        var wanted = NameWatch.Wanted(context.Migration);
        foreach (var answer in answers)
            notes.Add(Line(answer));
        var refused = answers.FirstOrDefault(answer => !answer.LeadsTo(wanted)) is { } late ? $"Not every resolver leads to {context.Host(Role.New)} yet: {Line(late)}"
            : WatchedName.OldRecordsEnd(known) - time.GetUtcNow() is { Ticks: > 0 } left ? $"The old record may be cached for {Gate.Remaining(left)} more"
            : null;
        if (refused is null)
            return;
        notes.Add(refused);
        if (context.Run.OverrideReason is not { } reason)
            throw new RunRefusedException($"{refused}. Wait, or give a reason to go on.");
        notes.Add($"Passed by {context.Run.RequestedBy}: {reason}");
    });

    private static string Line(DnsAnswer answer) => $"{answer.Name} at {answer.Resolver}: {answer.Error ?? string.Join(", ", answer.Records.Select(record => $"{record.Address} (TTL {record.Ttl} s)"))}";
}
