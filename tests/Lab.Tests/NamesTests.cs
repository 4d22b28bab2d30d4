using MigrationDashboard.Core.Dns;
using MigrationDashboard.Core.Migrations;
using MigrationDashboard.Core.Servers;
using MigrationDashboard.Core.Stages;
using Xunit;

namespace MigrationDashboard.Lab.Tests;

/// <summary>A name in a real name server, seen through a resolver that caches and one that keeps records for ever.</summary>
public sealed class NamesTests(LabFixture fixture, ITestOutputHelper output) : LabTest(fixture, output)
{
    /// <summary>One that no cache has heard of before.</summary>
    private readonly string _name = $"moving-{Guid.NewGuid():N}.example.org";

    /// <summary>Seconds: long enough that the cache is still full right after the change, short enough to wait for.</summary>
    private const int Ttl = 8;

    [Fact]
    public async Task Drain_waits_until_every_resolver_leads_to_new_and_the_old_record_has_run_out()
    {
        var (lab, dashboard) = (Fixture.Lab, Fixture.Dashboard);
        await SetAsync("LAB_OLD", "LAB_OLD6");
        var id = await dashboard.AddMigrationAsync(Fixture.Echo("names", LinkKind.Existing) with
        {
            DnsNames = [_name],
            DnsResolvers = [lab.Fact("LAB_DNS"), lab.Fact("LAB_DNS_RESOLVER"), lab.Fact("LAB_DNS_STUBBORN")],
            Gate = new(0, 0, 1),
        });
        foreach (var stage in new[] { Stage.Preflight, Stage.Link, Stage.Forward, Stage.Dns })
            await dashboard.MustAsync(id, stage);

        var before = await RefusedAsync(id, Stage.Drain);
        Assert.Contains($"Not every resolver leads to new yet: {_name} at ", before, StringComparison.Ordinal);
        Assert.All(await NamesAsync(id), watched => Assert.False(watched.Leads));

        await SetAsync("LAB_NEW", "LAB_NEW6");
        var cached = await RefusedAsync(id, Stage.Drain);
        Assert.Contains("Not every resolver leads to new yet", cached, StringComparison.Ordinal);
        Assert.Equal([lab.Fact("LAB_DNS")], (await NamesAsync(id)).Where(watched => watched.Leads).Select(watched => watched.Resolver));

        // The cache has let go of it by then; the resolver that never does is passed with a reason.
        await Task.Delay(TimeSpan.FromSeconds(Ttl + 1), TestContext.Current.CancellationToken);
        Assert.Contains($"at {lab.Fact("LAB_DNS_STUBBORN")}", await RefusedAsync(id, Stage.Drain), StringComparison.Ordinal);
        Assert.Equal(2, (await NamesAsync(id)).Count(watched => watched.Leads && watched.OldTtl is > 0 and <= Ttl));
        await dashboard.MustAsync(id, Stage.Drain, reason: "that resolver's clients are forwarded");

        // It tells its clients to keep for an hour what it keeps for ever.
        Assert.Matches("The gate is closed: the old DNS record may be cached for (59|60) minutes more", await RefusedAsync(id, Stage.Cutover));
    }

    [Fact]
    public async Task A_change_seen_at_once_still_waits_for_caches_nobody_asked()
    {
        var (lab, dashboard) = (Fixture.Lab, Fixture.Dashboard);
        await SetAsync("LAB_OLD", "LAB_OLD6");
        var id = await dashboard.AddMigrationAsync(Fixture.Echo("one resolver", LinkKind.Existing) with { DnsNames = [_name], DnsResolvers = [lab.Fact("LAB_DNS")] });
        foreach (var stage in new[] { Stage.Preflight, Stage.Link, Stage.Forward, Stage.Dns })
            await dashboard.MustAsync(id, stage);
        await RefusedAsync(id, Stage.Drain);
        await SetAsync("LAB_NEW", "LAB_NEW6");
        Assert.Matches("The old record may be cached for [1-8] s more. Wait", await RefusedAsync(id, Stage.Drain));
        await Task.Delay(TimeSpan.FromSeconds(Ttl), TestContext.Current.CancellationToken);
        await dashboard.MustAsync(id, Stage.Drain);
    }

    private async Task<string> RefusedAsync(Guid id, Stage target)
    {
        var run = await Fixture.Dashboard.RunAsync(id, target);
        Assert.Equal(RunState.Reverted, run.State);
        return run.Error!;
    }

    private async Task<WatchedName[]> NamesAsync(Guid id) => await Fixture.Dashboard.GetAsync<WatchedName[]>($"migrations/{id}/names");

    private async Task SetAsync(string four, string six)
    {
        var lab = Fixture.Lab;
        var file = Path.GetTempFileName();
        await File.WriteAllTextAsync(file, $"""
            server {lab.Fact("LAB_DNS")}
            update delete {_name} A
            update delete {_name} AAAA
            update add {_name} {Ttl} A {lab.Fact(four)}
            update add {_name} {Ttl} AAAA {lab.Fact(six)}
            send

            """);
        var result = await Driver.Lab.RunAsync("nsupdate", ["-k", lab.Fact("LAB_DNS_UPDATE_KEY"), file]);
        File.Delete(file);
        Assert.True(result.ExitCode == 0, result.Error + result.Output);
    }
}
