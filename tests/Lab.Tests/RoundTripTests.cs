using System.Globalization;
using System.Text.RegularExpressions;
using MigrationDashboard.Core.Servers;
using MigrationDashboard.Core.Stages;
using Xunit;

namespace MigrationDashboard.Lab.Tests;

/// <summary>A stage costs one round trip per host to apply and one to confirm (DESIGN §4).</summary>
public sealed partial class RoundTripTests(LabFixture fixture, ITestOutputHelper output) : LabTest(fixture, output)
{
    [Fact]
    public async Task A_stage_is_applied_and_confirmed_in_one_round_trip_each()
    {
        var id = await Fixture.Dashboard.AddMigrationAsync(Fixture.Echo("round trips", LinkKind.Existing));
        await Fixture.Dashboard.MustAsync(id, Stage.Preflight);
        await Fixture.Dashboard.MustAsync(id, Stage.Link);
        foreach (var (stage, direction) in new[] { (Stage.Forward, Direction.Advance), (Stage.Link, Direction.Rollback), (Stage.Forward, Direction.Advance) })
        {
            var before = await SentAsync();
            await Fixture.Dashboard.MustAsync(id, stage, direction);
            var after = await SentAsync();
            foreach (var host in new[] { Fixture.Lab.Fact("LAB_OLD"), Fixture.Lab.Fact("LAB_NEW") })
            {
                Assert.Equal(1, after[(host, "apply")] - before[(host, "apply")]);
                Assert.Equal(1, after[(host, "confirm")] - before[(host, "confirm")]);
                Assert.Equal(0, after.GetValueOrDefault((host, "revert")) - before.GetValueOrDefault((host, "revert")));
            }
        }
    }

    private async Task<Dictionary<(string Host, string Command), long>> SentAsync() =>
        Counter().Matches(await Fixture.Dashboard.Http.GetStringAsync(new Uri(Fixture.Dashboard.Address, "/metrics"), TestContext.Current.CancellationToken))
            .ToDictionary(match => (match.Groups[1].Value, match.Groups[2].Value), match => long.Parse(match.Groups[3].Value, CultureInfo.InvariantCulture));

    [GeneratedRegex("""ssh_commands_total\{host="([^"]+)",command="([^"]+)"\} (\d+)""")]
    private static partial Regex Counter();
}
