using MigrationDashboard.Core;
using MigrationDashboard.Core.Migrations;
using MigrationDashboard.Core.Network;
using MigrationDashboard.Core.Servers;
using MigrationDashboard.Core.Stages;
using MigrationDashboard.Core.Users;
using MigrationDashboard.Infrastructure.Audit;
using MigrationDashboard.Infrastructure.Jobs;
using Role = MigrationDashboard.Core.Users.Role;

namespace MigrationDashboard.Infrastructure.Migrations;

/// <summary>What people do with migrations and their stages. Every method checks the actor's role itself and leaves an audit entry.</summary>
public sealed class MigrationAdministration(MigrationStore migrations, ServerStore servers, RunStore runs, StageSchedule schedule, ActionLog log)
{
    /// <summary>Everything that is wrong with a description, nothing when it can be made.</summary>
    /// <param name="between">The two servers, as far as they are chosen: the ports of their sshd are never forwarded.</param>
    public static IReadOnlyList<FieldError> Errors(MigrationInput input, IEnumerable<Server> between)
    {
        var errors = new List<FieldError>();
        foreach (var port in between.Select(server => server.Port).DefaultIfEmpty(22).Distinct())
            try
            {
                MigrationSpecs.Parse(input, port);
            }
            catch (InvalidInputException invalid)
            {
                errors.AddRange(invalid.Errors);
            }

        return [.. errors.Distinct()];
    }

    /// <summary>Makes a migration; nothing is changed on the servers.</summary>
    /// <exception cref="InvalidInputException">With every field that is wrong.</exception>
    public async Task<Migration> AddAsync(Actor actor, MigrationInput input, CancellationToken cancellation)
    {
        actor.Require(Role.Operator);
        var errors = Errors(input, (await servers.ListAsync(cancellation)).Where(server => server.Id == input.OldServer || server.Id == input.NewServer));
        if (errors.Count > 0)
            throw new InvalidInputException(errors);
        var spec = MigrationSpecs.Parse(input);
        var migration = await migrations.AddAsync(Guid.NewGuid(), spec, Allocation.FirstMask, actor.Name, cancellation);
        await log.DoneAsync(actor, "migration.add", $"{spec.Name}: {spec.Workload.Label}, ports {spec.Ports}, {Word(spec.Link.Kind)} link, {Word(spec.Mode)} cutover", cancellation, migration.Id);
        return migration;
    }

    /// <summary>Says whether what is in the workload's way on the new server, by the same name, may be replaced.</summary>
    /// <returns>False when there is no such migration.</returns>
    public async Task<bool> AllowReplaceAsync(Actor actor, Guid id, bool allowed, CancellationToken cancellation)
    {
        actor.Require(Role.Operator);
        if (await migrations.FindAsync(id, cancellation) is not { } stored)
            return false;
        var spec = stored.Migration.Spec;
        await migrations.SaveSpecAsync(id, spec with { Workload = spec.Workload with { Replace = allowed } }, cancellation);
        await log.DoneAsync(actor, "migration.replace", allowed ? "what is in the way on the new server may be replaced" : "nothing on the new server may be replaced", cancellation, id);
        return true;
    }

    /// <returns>False when there is none, or when its rules may still be on a server.</returns>
    public async Task<bool> RemoveAsync(Actor actor, Guid id, CancellationToken cancellation)
    {
        actor.Require(Role.Operator);
        if (await migrations.FindAsync(id, cancellation) is not { } stored)
            return false;
        var removed = await migrations.RemoveAsync(id, cancellation);
        if (removed)
            await log.DoneAsync(actor, "migration.remove", stored.Migration.Spec.Name, cancellation, id);
        else
            await log.RefusedAsync(actor, "migration.remove", $"{stored.Migration.Spec.Name}: its rules may still be on a server", cancellation, id);
        return removed;
    }

    /// <param name="request">Asked for by the actor, whoever it names.</param>
    /// <exception cref="InvalidInputException">What is asked for does not fit the migration or the calendar.</exception>
    /// <exception cref="NotAllowedException">The actor's role is below the one that <see cref="StageRights"/> asks for.</exception>
    public async Task<StageRun> RequestAsync(Actor actor, StageRequest request, CancellationToken cancellation)
    {
        var what = $"{request.Target} by {(request.Direction switch { Direction.Advance => "going on", Direction.Rehearse => "rehearsal", _ => "rolling back" })}";
        var action = request.NotBefore is null ? "stage.request" : "stage.schedule";
        var needed = StageRights.Needed(request.Target, request.Direction, !string.IsNullOrWhiteSpace(request.OverrideReason));
        if (!actor.IsAtLeast(needed))
        {
            await log.RefusedAsync(actor, action, $"{what}: needs the role {Word(needed)}", cancellation, request.MigrationId);
            throw new NotAllowedException(actor.Name, needed);
        }

        try
        {
            var run = await schedule.RequestAsync(request with { RequestedBy = actor.Name }, cancellation);
            var window = run.NotBefore is null && run.NotAfter is null ? "" : $", window {Moment(run.NotBefore, "now")} to {Moment(run.NotAfter, "any time")}";
            var reason = run.OverrideReason is null ? "" : $", overriding: {run.OverrideReason}";
            await log.DoneAsync(actor, action, what + window + reason, cancellation, request.MigrationId);
            return run;
        }
        catch (InvalidInputException refused)
        {
            await log.RefusedAsync(actor, action, $"{what}: {refused.Message}", cancellation, request.MigrationId);
            throw;
        }
    }

    /// <summary>Cancels a planned run, or asks a running one to stop and take back what it did.</summary>
    /// <returns>The run's state afterwards; null when there is no such run.</returns>
    public async Task<RunState?> CancelAsync(Actor actor, Guid runId, CancellationToken cancellation)
    {
        actor.Require(Role.Operator);
        if (await runs.FindAsync(runId, cancellation) is not { } run || await schedule.CancelAsync(runId, cancellation) is not { } state)
            return null;
        if (!run.IsOver)
            await log.DoneAsync(actor, "stage.cancel", $"{run.Target}, which was {Word(run.State)}: {(state == RunState.Cancelled ? "cancelled" : "asked to stop")}", cancellation, run.MigrationId);
        return state;
    }

    private static string Word<T>(T value) where T : struct, Enum => value.ToString().ToLowerInvariant();

    private static string Moment(DateTimeOffset? at, string none) => at is null ? none : at.Value.UtcDateTime.ToString("yyyy-MM-dd HH:mm 'UTC'", System.Globalization.CultureInfo.InvariantCulture);
}
