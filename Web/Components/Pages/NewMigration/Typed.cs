using System.Globalization;

namespace MigrationDashboard.Web.Components.Pages.NewMigration;

/// <summary>Between what inputs hold and what <see cref="Core.Migrations.MigrationInput"/> takes.</summary>
public static class Typed
{
    public static int? Whole(string? text) => int.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out var number) ? number : null;

    public static double? Number(string? text) => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : null;

    public static string Text(IFormattable? number, string usual) => number?.ToString(null, CultureInfo.InvariantCulture) ?? usual;

    public static IReadOnlyList<string> Lines(string? text) => [.. (text ?? "").Split(['\n', ',', ' '], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)];

    /// <summary>A path may hold spaces and commas: one a line.</summary>
    public static IReadOnlyList<string> Paths(string? text) => [.. (text ?? "").Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)];

    public static string Joined(IReadOnlyList<string>? lines) => string.Join('\n', lines ?? []);
}
