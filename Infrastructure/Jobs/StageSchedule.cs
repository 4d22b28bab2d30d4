using MigrationDashboard.Core;
using MigrationDashboard.Core.Stages;
using MigrationDashboard.Infrastructure.Migrations;
using Quartz;

namespace MigrationDashboard.Infrastructure.Jobs;

/// <param name="NotBefore">When it may start, null for at once.</param>
/// <param name="NotAfter">After this it is not started any more.</param>
public sealed record StageRequest(
    Guid MigrationId, Stage Target, Direction Direction, string RequestedBy, DateTimeOffset? NotBefore = null, DateTimeOffset? NotAfter = null, string TimeZone = "UTC", string? OverrideReason = null);

/// <summary>Asks for stages, now or at a time; what was asked for survives a restart and is done by whichever node is there.</summary>
public sealed class StageSchedule(ISchedulerFactory schedulers, RunStore runs, MigrationStore migrations, TimeProvider time)
{
    /// <exception cref="InvalidInputException">What is asked for does not fit the migration or the calendar.</exception>
    public async Task<StageRun> RequestAsync(StageRequest request, CancellationToken cancellation)
    {
        var stored = await migrations.FindAsync(request.MigrationId, cancellation) ?? throw new InvalidInputException("migration", "there is no such migration");
        var now = time.GetUtcNow();
        var from = stored.Migration.Stage;
        if (await runs.RunningAsync(request.MigrationId, cancellation) is { } running)
            throw new InvalidInputException("target", $"{running.Target} is under way: wait for its end or cancel it");
        if (request.NotBefore is null || request.NotBefore <= now)
            StageOrder.Require(from, request.Target, request.Direction);
        if (request.NotAfter is { } closing && closing <= (request.NotBefore ?? now))
            throw new InvalidInputException("notAfter", "the window closes before it opens");
        if (request.NotBefore is { } opening && opening < now - TimeSpan.FromMinutes(1))
            throw new InvalidInputException("notBefore", "this time is over already");
        if (!TimeZoneInfo.TryFindSystemTimeZoneById(request.TimeZone, out _))
            throw new InvalidInputException("timeZone", $"“{request.TimeZone}” is no time zone: use an IANA name such as Europe/Berlin");

        var run = new StageRun
        {
            Id = Guid.CreateVersion7(),
            MigrationId = request.MigrationId,
            Direction = request.Direction,
            From = request.NotBefore is null || request.NotBefore <= now || request.Direction == Direction.Rehearse ? from : StageOrder.Required(request.Target, request.Direction),
            Target = request.Target,
            State = RunState.Planned,
            RequestedBy = request.RequestedBy,
            RequestedAt = now,
            NotBefore = request.NotBefore,
            NotAfter = request.NotAfter,
            TimeZone = request.TimeZone,
            OverrideReason = string.IsNullOrWhiteSpace(request.OverrideReason) ? null : request.OverrideReason.Trim(),
        };
        await runs.AddAsync(run, cancellation);
        await ScheduleAsync(run, StageSteps.BeginsAhead(stored.Migration.Spec, run), cancellation);
        return run;
    }

    /// <returns>The run's state afterwards; null when there is no such run.</returns>
    public async Task<RunState?> CancelAsync(Guid runId, CancellationToken cancellation)
    {
        var state = await runs.CancelAsync(runId, cancellation);
        if (state == RunState.Cancelled)
            await (await schedulers.GetScheduler(cancellation)).UnscheduleJob(new TriggerKey(runId.ToString()), cancellation);
        return state;
    }

    internal static JobKey JobOf(StageRun run) => new(run.Id.ToString());

    /// <summary>A run that could not copy ahead of its window, or was interrupted in it, is done when the window opens.</summary>
    public async Task AgainAsync(Guid runId, JobKey job, DateTimeOffset opening)
    {
        var trigger = TriggerBuilder.Create().ForJob(job).WithIdentity($"{runId} {Guid.NewGuid():N}");
        trigger = opening > time.GetUtcNow()
            ? trigger.StartAt(opening).WithSimpleSchedule(schedule => schedule.WithMisfireInstruction(SimpleTriggerMisfireInstruction.FireNow))
            : trigger.StartNow();
        await (await schedulers.GetScheduler()).ScheduleJob(trigger.Build());
    }

    /// <summary>Gives a run its job: at its time or so long ahead of it, and at once when that is over.</summary>
    internal async Task ScheduleAsync(StageRun run, TimeSpan ahead, CancellationToken cancellation)
    {
        var scheduler = await schedulers.GetScheduler(cancellation);
        var job = JobBuilder.Create<StageJob>().WithIdentity(JobOf(run)).UsingJobData(StageJob.RunKey, run.Id.ToString()).RequestRecovery().Build();
        var trigger = TriggerBuilder.Create().WithIdentity(run.Id.ToString());

        // A dashboard that was down at the opening starts it late, as long as the window is open: the run itself looks at the closing time.
        // One whose time is over counts as missed, and those are looked for once a minute only.
        trigger = run.NotBefore is { } opening && opening - ahead > time.GetUtcNow()
            ? trigger.StartAt(opening - ahead).WithSimpleSchedule(schedule => schedule.WithMisfireInstruction(SimpleTriggerMisfireInstruction.FireNow))
            : trigger.StartNow();
        await scheduler.ScheduleJob(job, trigger.Build(), cancellationToken: cancellation);
    }
}
