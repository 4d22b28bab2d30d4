namespace MigrationDashboard.Core.Users;

/// <summary>What names and passwords must look like.</summary>
public static class Rules
{
    /// <summary>Characters; length is what makes a password strong, so there are no rules on its composition (NIST SP 800-63B).</summary>
    public const int ShortestPassword = 12;

    /// <summary>Characters; bounds the work of hashing what a stranger sends.</summary>
    public const int LongestPassword = 256;

    /// <summary>Characters; fits a table column and an e-mail address of usual length.</summary>
    public const int LongestName = 64;

    public static IEnumerable<FieldError> CheckName(string? name, string field = "name")
    {
        if (string.IsNullOrEmpty(name))
            yield return new FieldError(field, "Give a name.");
        else if (name.Length > LongestName)
            yield return new FieldError(field, $"Use at most {LongestName} characters.");
        else if (!name.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_' or '@' or '+'))
            yield return new FieldError(field, "Use letters, digits and . - _ @ + only.");
    }

    public static IEnumerable<FieldError> CheckPassword(string? password, string? name, string field = "password")
    {
        if (password is null || password.Length < ShortestPassword)
            yield return new FieldError(field, $"Use at least {ShortestPassword} characters; a sentence is easy to remember.");
        else if (password.Length > LongestPassword)
            yield return new FieldError(field, $"Use at most {LongestPassword} characters.");
        else if (password.Distinct().Count() < 4)
            yield return new FieldError(field, "Use more than a few different characters.");
        else if (string.Equals(password, name, StringComparison.OrdinalIgnoreCase))
            yield return new FieldError(field, "Use something other than the name.");
    }
}
