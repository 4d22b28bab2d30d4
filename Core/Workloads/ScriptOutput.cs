using System.Text.Json;

namespace MigrationDashboard.Core.Workloads;

/// <summary>What a script printed: its steps and its results, one line of JSON each.</summary>
public sealed record ScriptOutput(ValueList<StepLine> Steps, ValueList<ResultLine> Results)
{
    /// <summary>The step that ended the script, or null when all went well.</summary>
    public StepLine? Failure => Steps.FirstOrDefault(step => step.Exit != 0);

    /// <param name="text">Standard output; lines that are no JSON are passed over (a login shell may greet).</param>
    public static ScriptOutput Parse(string text)
    {
        var steps = new List<StepLine>();
        var results = new List<ResultLine>();
        foreach (var line in text.Split('\n'))
            if (ResultLine.Object(line) is { } json)
            {
                if (json.TryGetProperty("step", out var step))
                    steps.Add(new(step.GetString() ?? "", json.Number("exit"), json.Number("ms"), json.Text("output") ?? ""));
                else if (json.Text("result") is { } name)
                    results.Add(new(name, json));
            }

        return new(steps.ToValueList(), results.ToValueList());
    }

    /// <summary>The last result of this name, or null.</summary>
    public JsonElement? Result(string name) => Results.LastOrDefault(result => result.Name == name)?.Json;
}

/// <param name="Exit">Zero when it went well; what other codes mean is written at the top of <c>workload.sh</c>.</param>
/// <param name="Ms">How long it took, milliseconds.</param>
public sealed record StepLine(string Step, long Exit, long Ms, string Output);

public sealed record ResultLine(string Name, JsonElement Json)
{
    public static JsonElement? Object(string line)
    {
        if (line.Length == 0 || line[0] != '{')
            return null;
        try
        {
            using var document = JsonDocument.Parse(line);
            return document.RootElement.Clone();
        }
        catch (JsonException)
        {
            // A line that was cut off, or somebody else's: no outcome can be read from it.
            return null;
        }
    }
}

/// <summary>Reading JSON whose members may be missing, null or, in older versions of a tool, of another type.</summary>
internal static class JsonReading
{
    public static JsonElement? Member(this JsonElement json, params ReadOnlySpan<string> path)
    {
        foreach (var name in path)
            if (json.ValueKind != JsonValueKind.Object || !json.TryGetProperty(name, out json))
                return null;
        return json.ValueKind is JsonValueKind.Null or JsonValueKind.Undefined ? null : json;
    }

    public static string? Text(this JsonElement json, params ReadOnlySpan<string> path) =>
        json.Member(path) is { ValueKind: JsonValueKind.String } text ? text.GetString() : null;

    public static long Number(this JsonElement json, params ReadOnlySpan<string> path) =>
        json.Member(path) is { ValueKind: JsonValueKind.Number } number && number.TryGetInt64(out var value) ? value : 0;

    public static bool Flag(this JsonElement json, params ReadOnlySpan<string> path) => json.Member(path) is { ValueKind: JsonValueKind.True };

    public static IEnumerable<JsonElement> Items(this JsonElement json, params ReadOnlySpan<string> path) =>
        json.Member(path) is { ValueKind: JsonValueKind.Array } array ? array.EnumerateArray() : [];

    public static IEnumerable<JsonProperty> Members(this JsonElement json, params ReadOnlySpan<string> path) =>
        json.Member(path) is { ValueKind: JsonValueKind.Object } @object ? @object.EnumerateObject() : [];

    public static ValueList<string> Texts(this JsonElement json, params ReadOnlySpan<string> path) =>
        json.Items(path).Select(item => item.GetString() ?? "").ToValueList();

    /// <summary>The members of an object of texts as <c>name=value</c>, in the order of their names.</summary>
    public static ValueList<string> Pairs(this JsonElement json, params ReadOnlySpan<string> path) =>
        json.Members(path).OrderBy(member => member.Name, StringComparer.Ordinal).Select(member => $"{member.Name}={member.Value.GetString()}").ToValueList();

    /// <summary>The lines of a text, without empty ones.</summary>
    public static ValueList<string> Lines(this JsonElement json, params ReadOnlySpan<string> path) =>
        (json.Text(path) ?? "").Split('\n', StringSplitOptions.RemoveEmptyEntries).ToValueList();
}
