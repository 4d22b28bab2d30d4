using MigrationDashboard.Core.Migrations;
using MigrationDashboard.Core.Stages;
using MigrationDashboard.Core.Tests.HostScripts;
using Xunit;

namespace MigrationDashboard.Core.Tests.Stages;

/// <summary>The order in which a workload is handled; what each step does is tested where it is rendered.</summary>
public sealed class StageStepsTests
{
    private static readonly Migration Exclusive = Cases.Mail();

    private static readonly Migration Parallel = Exclusive with { Spec = Exclusive.Spec with { Mode = CutoverMode.Parallel } };

    [Fact]
    public void Who_is_connected_is_counted_after_the_last_copy_and_before_anything_is_held()
    {
        var steps = StageSteps.Of(Exclusive, Stage.Cutover, Direction.Advance);
        Assert.Equal(
            [new Step.RequireGate(), new Step.RequireBudget(), new Step.Prepare(Role.Old, Role.New), new Step.AwaitWindow(Role.Old), new Step.RequireGate(AtOpening: true), new Step.CountSessions(Role.Old)],
            steps.TakeWhile(step => step is not Step.Apply));
    }

    [Fact]
    public void Both_servers_forget_the_fence_before_our_files_leave_them()
    {
        foreach (var migration in new[] { Exclusive, Parallel })
        {
            var before = StageSteps.Of(migration, Stage.Decommission, Direction.Advance).TakeWhile(step => step is not Step.Apply).ToList();
            Assert.Contains(new Step.RetireWorkload(Role.Old), before);
            Assert.Contains(new Step.RetireWorkload(Role.New), before);
        }
    }

    [Fact]
    public void What_was_prepared_and_not_used_goes_before_our_files_leave()
    {
        var before = StageSteps.Of(Exclusive, Stage.Preflight, Direction.Rollback).TakeWhile(step => step is not Step.Apply).ToList();
        Assert.Equal([new Step.RemoveWorkload(Role.New), new Step.UnreadyWorkload(Role.Old)], before);
    }

    [Fact]
    public void Sessions_that_go_on_beside_the_other_are_never_cut_without_being_asked()
    {
        var leaving = StageSteps.Of(Parallel, Stage.Decommission, Direction.Advance);
        Assert.True(leaving.ToList().IndexOf(new Step.RequireNoSessions(Role.Old)) < leaving.ToList().IndexOf(new Step.StopWorkload(Role.Old)));

        // Going back they get their time on new, once nobody is sent there any more.
        var back = StageSteps.Of(Parallel, Stage.Drain, Direction.Rollback).ToList();
        Assert.True(back.IndexOf(new Step.Confirm()) < back.IndexOf(new Step.StopWorkload(Role.New)));
        Assert.DoesNotContain(StageSteps.Of(Parallel, Stage.Cutover, Direction.Advance), step => step is Step.StopWorkload or Step.Leave);
    }

    [Fact]
    public void Only_an_exclusive_cutover_copies_ahead_of_its_window()
    {
        var run = new StageRun { Id = Guid.Empty, MigrationId = Guid.Empty, Direction = Direction.Advance, From = Stage.Drain, Target = Stage.Cutover, State = RunState.Planned, RequestedBy = "test" };
        Assert.Equal(TimeSpan.FromMinutes(30), StageSteps.BeginsAhead(Exclusive.Spec, run));
        Assert.Equal(TimeSpan.Zero, StageSteps.BeginsAhead(Parallel.Spec, run));
        Assert.Equal(TimeSpan.Zero, StageSteps.BeginsAhead(Exclusive.Spec, run with { Target = Stage.Decommission }));
        Assert.Equal(TimeSpan.Zero, StageSteps.BeginsAhead(Exclusive.Spec, run with { Direction = Direction.Rollback, Target = Stage.Drain }));
    }
}
