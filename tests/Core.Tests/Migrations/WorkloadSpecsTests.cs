using MigrationDashboard.Core.Migrations;
using MigrationDashboard.Core.Servers;
using Xunit;

namespace MigrationDashboard.Core.Tests.Migrations;

/// <summary>What of a workload's description is refused, and what it is when nothing is said.</summary>
public sealed class WorkloadSpecsTests
{
    private static readonly MigrationInput Mail = new()
    {
        Name = "mail",
        OldServer = Guid.Empty,
        NewServer = Guid.AllBitsSet,
        Link = new() { Kind = LinkKind.Existing, OldInterface = "eth1", NewInterface = "eth1", OldIpv4 = "10.77.0.1/24", NewIpv4 = "10.77.0.2/24" },
        Ports = "25",
        Workload = new() { Kind = "docker", Container = "mail" },
    };

    [Theory]
    [InlineData(8, 8, null, "workload.stopSeconds")]
    [InlineData(8, null, 20, "workload.startSeconds")]
    [InlineData(45, 45, null, "workload.stopSeconds")]
    [InlineData(1, null, null, "holdLimitSeconds")]
    public void A_stop_or_a_start_that_does_not_fit_into_the_hold_is_refused_at_its_field(int hold, int? stop, int? start, string field)
    {
        var error = Assert.Single(Errors(Mail with { HoldLimitSeconds = hold, QuietSeconds = 0.5, Workload = Mail.Workload! with { StopSeconds = stop, StartSeconds = start } }));
        Assert.Equal(field, error.Field);
    }

    [Fact]
    public void The_wait_for_open_connections_must_fit_too()
    {
        Assert.Equal("quietSeconds", Assert.Single(Errors(Mail with { HoldLimitSeconds = 4, QuietSeconds = 4 })).Field);
    }

    [Fact]
    public void When_nothing_is_said_a_stop_and_a_start_get_what_the_hold_leaves_them()
    {
        var usual = MigrationSpecs.Parse(Mail);
        Assert.Equal((8, 7, 7), (usual.HoldLimitSeconds, usual.Workload.StopSeconds, usual.Workload.StartSeconds));
        var longer = MigrationSpecs.Parse(Mail with { HoldLimitSeconds = 45 });
        Assert.Equal((10, 20), (longer.Workload.StopSeconds, longer.Workload.StartSeconds));
    }

    [Fact]
    public void What_runs_on_both_stops_and_starts_outside_of_any_hold()
    {
        var spec = MigrationSpecs.Parse(Mail with { Mode = CutoverMode.Parallel, Workload = Mail.Workload! with { StopSeconds = 60, StartSeconds = 300 } });
        Assert.Equal((60, 300), (spec.Workload.StopSeconds, spec.Workload.StartSeconds));
    }

    [Fact]
    public void Nothing_is_replaced_unless_it_is_asked_for()
    {
        Assert.False(MigrationSpecs.Parse(Mail).Workload.Replace);
        Assert.True(MigrationSpecs.Parse(Mail with { Workload = Mail.Workload! with { Replace = true } }).Workload.Replace);
    }

    [Theory]
    [InlineData(HealthKind.Http, "ok", null, "workload.health.expect")]
    [InlineData(HealthKind.Http, null, "up", "workload.health.path")]
    [InlineData(HealthKind.Http, null, "/a b", "workload.health.path")]
    [InlineData(HealthKind.Http, null, "/a\r\nHost: other", "workload.health.path")]
    [InlineData(HealthKind.Banner, "220\n", null, "workload.health.expect")]
    [InlineData(HealthKind.Command, null, null, "workload.health.expect")]
    [InlineData((HealthKind)77, null, null, "workload.health.kind")]
    public void A_check_that_cannot_be_made_is_refused_at_its_field(HealthKind kind, string? expect, string? path, string field)
    {
        Assert.Equal(field, Assert.Single(Errors(Mail with { Workload = Mail.Workload! with { Health = new(kind, expect, path) } })).Field);
    }

    [Theory]
    [InlineData("/etc")]
    [InlineData("/var/lib")]
    [InlineData("/srv//app")]
    [InlineData("/srv/../etc")]
    [InlineData("srv/app")]
    public void A_folder_that_cannot_be_mirrored_is_refused_when_it_is_typed(string folder)
    {
        var errors = Errors(Mail with { Workload = new() { Kind = "systemd", Unit = "app", DataFolders = [folder] } });
        Assert.Equal("workload.dataFolders", Assert.Single(errors).Field);
    }

    private static IReadOnlyList<FieldError> Errors(MigrationInput input) => Assert.Throws<InvalidInputException>(() => MigrationSpecs.Parse(input)).Errors;
}
