using System.ComponentModel.DataAnnotations;

namespace MigrationDashboard.Web.Settings;

/// <summary>Reads and checks one section of the settings at start, so that a mistake stops the program with a clear message.</summary>
public static class SettingsSetup
{
    /// <summary>Makes the section a singleton of its type.</summary>
    /// <exception cref="SettingsException">A value is missing, out of range or unknown.</exception>
    public static T AddSettings<T>(this WebApplicationBuilder builder, string section)
        where T : class, new()
    {
        var value = Read<T>(builder.Configuration, section);
        builder.Services.AddSingleton(value);
        return value;
    }

    public static T Read<T>(IConfiguration configuration, string section)
        where T : class, new()
    {
        T value;
        try
        {
            value = configuration.GetSection(section).Get<T>(o => o.ErrorOnUnknownConfiguration = true) ?? new T();
        }
        catch (InvalidOperationException e)
        {
            throw new SettingsException([$"{section}: {(e.InnerException ?? e).Message}"]);
        }

        List<ValidationResult> results = [];
        if (!Validator.TryValidateObject(value, new ValidationContext(value), results, validateAllProperties: true))
            throw new SettingsException([.. results.Select(r => $"{section}:{string.Join(',', r.MemberNames)}: {r.ErrorMessage}")]);
        return value;
    }
}
