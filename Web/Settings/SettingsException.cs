namespace MigrationDashboard.Web.Settings;

/// <summary>The settings cannot be used; carries everything that is wrong, for the person who edits them.</summary>
public sealed class SettingsException(IReadOnlyList<string> errors)
    : Exception($"The settings cannot be used:{string.Concat(errors.Select(e => $"{Environment.NewLine}  {e}"))}");
