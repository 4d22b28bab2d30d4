using System.ComponentModel.DataAnnotations;
using MigrationDashboard.Core.Users;

namespace MigrationDashboard.Web.Settings;

/// <summary>Section <c>Session</c>.</summary>
public sealed record SessionLifetimes
{
    /// <summary>Hours without a request after which one must sign in again.</summary>
    [Range(1, 720)]
    public int IdleHours { get; init; } = 8;

    /// <summary>Hours after which one must sign in again however busy.</summary>
    [Range(1, 8760)]
    public int LongestHours { get; init; } = 168;
}

/// <summary>Section <c>Database</c>.</summary>
public sealed record DatabaseSettings
{
    /// <summary>Empty: the embedded PostgreSQL.</summary>
    public string ConnectionString { get; init; } = "";
}

/// <summary>Section <c>Metrics</c>.</summary>
public sealed record MetricsSettings
{
    /// <summary>Whether /metrics needs no token.</summary>
    public bool Anonymous { get; init; }
}

/// <summary>Section <c>Setup</c>: an administrator made at start, used only while no user exists.</summary>
public sealed record SetupSettings : IValidatableObject
{
    public string AdministratorName { get; init; } = "";

    public string AdministratorPassword { get; init; } = "";

    /// <summary>A token for programs; empty for none.</summary>
    public string ApiToken { get; init; } = "";

    public bool IsGiven => AdministratorName.Length > 0;

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        // 43 characters of base 64 hold 256 bits.
        if (ApiToken.Length is > 0 and < 43)
            yield return new ValidationResult("Use at least 43 random characters.", [nameof(ApiToken)]);
        if (!IsGiven && (AdministratorPassword.Length > 0 || ApiToken.Length > 0))
            yield return new ValidationResult("Give the administrator a name too.", [nameof(AdministratorName)]);
        if (!IsGiven) yield break;
        foreach (var error in Rules.CheckName(AdministratorName)) yield return new ValidationResult(error.Reason, [nameof(AdministratorName)]);
        foreach (var error in Rules.CheckPassword(AdministratorPassword, AdministratorName))
            yield return new ValidationResult(error.Reason, [nameof(AdministratorPassword)]);
    }
}
