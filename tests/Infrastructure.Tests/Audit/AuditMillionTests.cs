using System.Diagnostics;
using MigrationDashboard.Core.Audit;
using MigrationDashboard.Infrastructure.Audit;
using MigrationDashboard.Infrastructure.Tests.Postgres;

namespace MigrationDashboard.Infrastructure.Tests.Audit;

/// <summary>Takes minutes: runs only when asked for (<c>-explicit only</c>).</summary>
public sealed class AuditMillionTests(PostgresServer server, ITestOutputHelper output)
{
    private const int Entries = 1_000_000;

    [Fact(Explicit = true)]
    public async Task A_log_of_a_million_entries_is_searched_in_a_blink_and_verified_in_seconds()
    {
        await using var database = await server.CreateSchemaAsync();
        using var audit = new AuditStore(database, new AuditRedaction());
        var random = new Random(1);
        var migrations = Enumerable.Range(0, 50).Select(_ => Guid.CreateVersion7()).ToArray();
        var start = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
        var clock = Stopwatch.StartNew();
        for (var at = 0; at < Entries; at += 500)
            await audit.AppendAllAsync([.. Enumerable.Range(at, 500).Select(Make)], default);
        output.WriteLine($"append: {Entries / clock.Elapsed.TotalSeconds:0} a second");
        await using (var analyze = database.CreateCommand("VACUUM ANALYZE audit_entry"))
            await analyze.ExecuteNonQueryAsync();

        (string Name, AuditFilter Filter)[] searches =
        [
            ("newest", new()),
            ("host", new() { Host = "host77" }),
            ("host that is not there", new() { Host = "nowhere" }),
            ("migration", new() { MigrationId = migrations[3] }),
            ("actor and outcome", new() { Actor = "anna", Outcome = AuditOutcome.Failed }),
            ("refused", new() { Outcome = AuditOutcome.Refused }),
            ("action", new() { Action = "stage" }),
            ("common text", new() { Text = "table inet" }),
            ("rare text", new() { Text = "needle 123456" }),
            ("text that is not there", new() { Text = "no such words" }),
            ("rare text on a host", new() { Text = "needle 1234", Host = "host34" }),
            ("an hour long ago", new() { From = start.AddHours(5), Until = start.AddHours(6) }),
            ("all until long ago", new() { Until = start.AddHours(6) }),
        ];
        var slow = new List<string>();
        foreach (var (name, filter) in searches)
        {
            var times = new List<double>();
            var found = 0;
            for (var i = 0; i < 5; i++)
            {
                clock.Restart();
                found = (await audit.SearchAsync(filter, null, 50, default)).Entries.Count;
                times.Add(clock.Elapsed.TotalMilliseconds);
            }

            output.WriteLine($"{name}: {times.Order().ElementAt(2):0.0} ms, {found} found");
            if (times.Order().ElementAt(2) > 300)
                slow.Add(name);
        }

        clock.Restart();
        var page = await audit.SearchAsync(new() { Actor = "anna" }, Entries / 100, 50, default);
        output.WriteLine($"page far back: {clock.Elapsed.TotalMilliseconds:0.0} ms, {page.Entries.Count} found");
        clock.Restart();
        var verified = await audit.VerifyAsync(null, default);
        output.WriteLine($"verify: {clock.Elapsed.TotalSeconds:0.0} s");
        clock.Restart();
        await AuditExport.WriteJsonLinesAsync(audit.StreamAsync(new(), default), Stream.Null, default);
        output.WriteLine($"export as JSON lines: {clock.Elapsed.TotalSeconds:0.0} s");

        Assert.Equal((Entries, null), (verified.Checked, verified.Broken));
        Assert.Empty(slow);

        AuditEvent Make(int i) => new()
        {
            At = start.AddSeconds(i),
            Actor = i % 10 == 0 ? "anna" : "system",
            Action = i % 3 == 0 ? "stage.apply.step" : "host.read",
            Host = $"host{i % 100}",
            MigrationId = migrations[i % 50],
            Command = $"nft -f - <<EOF table inet migdash{i % 1000} EOF",
            ExitCode = 0,
            DurationMs = random.Next(1000),
            Outcome = i % 1000 == 0 ? AuditOutcome.Refused : i % 100 == 7 ? AuditOutcome.Failed : AuditOutcome.Ok,
            Detail = $"output of step {i}: needle {i} {random.NextInt64():x}{random.NextInt64():x}",
        };
    }
}
