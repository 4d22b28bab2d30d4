using System.Text.Json;

namespace MigrationDashboard.Bench;

internal static class Report
{
    private static readonly JsonSerializerOptions Form = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull };

    /// <summary>One JSON object per line: what a benchmark is read by.</summary>
    public static void Line(object figures) => Console.WriteLine(JsonSerializer.Serialize(figures, Form));

    public static void Say(string text) => Console.Error.WriteLine(text);
}
