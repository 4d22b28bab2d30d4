namespace MigrationDashboard.Core.Users;

/// <summary>What is wrong with one input, in words for the person who typed it.</summary>
/// <param name="Field">Name of the input in camel case, as the API and the forms call it.</param>
/// <param name="Message">One sentence that says how to put it right.</param>
public sealed record FieldError(string Field, string Message);
