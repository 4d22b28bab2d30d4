using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using MigrationDashboard.Core.Audit;
using MigrationDashboard.Infrastructure.Audit;

namespace MigrationDashboard.Infrastructure.Tests.Audit;

public sealed class AuditExportTests
{
    private static readonly AuditEntry Entry = AuditChain.Link(new()
    {
        At = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero), Actor = "=anna()", Action = "stage.apply", Host = "old", Command = "echo \"a, b\"\necho é", ExitCode = 0, DurationMs = 5,
        Outcome = AuditOutcome.Ok, Detail = "",
    }, 0, AuditChain.Genesis);

    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web) { Converters = { new JsonStringEnumConverter() } };

    [Fact]
    public async Task Csv_quotes_what_needs_it_and_defuses_formulas()
    {
        var text = await ExportAsync(AuditExport.WriteCsvAsync);

        Assert.Equal(
            "sequence,at,actor,fromAddress,action,migrationId,host,command,exitCode,durationMs,outcome,detail,previousHash,hash\r\n" +
            $"1,2026-01-02T03:04:05.000000Z,'=anna(),,stage.apply,,old,\"echo \"\"a, b\"\"\necho é\",0,5,Ok,,{AuditChain.Genesis},{Entry.Hash}\r\n", text);
    }

    [Fact]
    public async Task Json_lines_hold_every_field_exactly_so_that_the_hash_can_be_checked()
    {
        var lines = (await ExportAsync(AuditExport.WriteJsonLinesAsync)).Split('\n', StringSplitOptions.RemoveEmptyEntries);

        var read = JsonSerializer.Deserialize<AuditEntry>(Assert.Single(lines), Options)!;
        Assert.Equal(Entry, read);
        Assert.Equal(Entry.Hash, AuditChain.HashOf(read));
    }

    private static async Task<string> ExportAsync(Func<IAsyncEnumerable<AuditEntry>, Stream, CancellationToken, Task> write)
    {
        using var stream = new MemoryStream();
        await write(new[] { Entry }.ToAsyncEnumerable(), stream, default);
        return Encoding.UTF8.GetString(stream.ToArray());
    }
}
