namespace MigrationDashboard.Core;

/// <summary>What is wrong with one field of what was asked for, in words that say how to put it right.</summary>
/// <param name="Field">The field's name as the API and the pages spell it, such as <c>ports</c>.</param>
public sealed record FieldError(string Field, string Reason)
{
    public override string ToString() => $"{Field}: {Reason}";
}

/// <summary>Input that cannot become a value. Carries every error found, never only the first.</summary>
public sealed class InvalidInputException(IReadOnlyList<FieldError> errors) : Exception(string.Join("; ", errors))
{
    public InvalidInputException(string field, string reason) : this([new FieldError(field, reason)])
    {
    }

    public IReadOnlyList<FieldError> Errors { get; } = errors;
}
