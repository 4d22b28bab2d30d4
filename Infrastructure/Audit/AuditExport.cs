using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using MigrationDashboard.Core.Audit;

namespace MigrationDashboard.Infrastructure.Audit;

/// <summary>The log as files for an auditor, written as the entries come, with sequences and hashes, so that the chain can be checked by anyone.</summary>
public static class AuditExport
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        Converters = { new JsonStringEnumConverter() },
        // Commands are read by people: no \u0022 for what JSON itself does not ask to escape.
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private static readonly string[] Header =
    [
        "sequence", "at", "actor", "fromAddress", "action", "migrationId", "host", "command", "exitCode", "durationMs", "outcome", "detail", "previousHash", "hash",
    ];

    /// <summary>One JSON object per line; texts exactly as they were hashed.</summary>
    public static async Task WriteJsonLinesAsync(IAsyncEnumerable<AuditEntry> entries, Stream stream, CancellationToken cancellation)
    {
        await foreach (var entry in entries.WithCancellation(cancellation))
        {
            await JsonSerializer.SerializeAsync(stream, entry, Json, cancellation);
            await stream.WriteAsync("\n"u8.ToArray(), cancellation);
        }
    }

    /// <summary>RFC 4180 with a header line.</summary>
    /// <remarks>A text that a spreadsheet would take for a formula gets an apostrophe in front; check hashes on the JSON lines.</remarks>
    public static async Task WriteCsvAsync(IAsyncEnumerable<AuditEntry> entries, Stream stream, CancellationToken cancellation)
    {
        await using var writer = new StreamWriter(stream, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), leaveOpen: true) { NewLine = "\r\n" };
        await writer.WriteLineAsync(string.Join(',', Header).AsMemory(), cancellation);
        await foreach (var entry in entries.WithCancellation(cancellation))
            await writer.WriteLineAsync(Line(entry).AsMemory(), cancellation);
    }

    private static string Line(AuditEntry entry) => string.Join(',',
        entry.Sequence.ToString(CultureInfo.InvariantCulture),
        entry.At.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture),
        Text(entry.Actor),
        Text(entry.FromAddress),
        Text(entry.Action),
        entry.MigrationId?.ToString("D"),
        Text(entry.Host),
        Text(entry.Command),
        entry.ExitCode?.ToString(CultureInfo.InvariantCulture),
        entry.DurationMs?.ToString(CultureInfo.InvariantCulture),
        entry.Outcome.ToString(),
        Text(entry.Detail),
        entry.PreviousHash,
        entry.Hash);

    private static string Text(string? text)
    {
        if (string.IsNullOrEmpty(text))
            return "";
        if (text[0] is '=' or '+' or '-' or '@' or '\t' or '\r')
            text = "'" + text;
        return text.AsSpan().ContainsAny("\",\r\n") ? $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : text;
    }
}
