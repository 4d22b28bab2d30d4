using MigrationDashboard.Core;
using MigrationDashboard.Core.Users;

namespace MigrationDashboard.Web.Api;

/// <summary>What the API answers when it cannot do what was asked: problem details (RFC 9457), with <c>errors</c> by field for input.</summary>
public static class Problems
{
    public static IResult From(IReadOnlyList<FieldError> errors) => Results.ValidationProblem(
        errors.GroupBy(e => e.Field).ToDictionary(g => g.Key, g => g.Select(e => e.Reason).ToArray()), title: "The request cannot be carried out.");

    public static IResult NotFound(string what) => Results.Problem($"There is no such {what}.", null, StatusCodes.Status404NotFound, "Not found");
}
