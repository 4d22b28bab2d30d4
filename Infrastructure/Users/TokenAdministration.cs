using MigrationDashboard.Core;
using MigrationDashboard.Core.Users;

namespace MigrationDashboard.Infrastructure.Users;

/// <summary>A token just made, or what was wrong with the request.</summary>
/// <param name="Secret">To show once; null if there are errors.</param>
public sealed record NewToken(ApiToken? Token, string? Secret, IReadOnlyList<FieldError> Errors);

/// <summary>What people do with API tokens: their own, or everybody's if they administer.</summary>
public sealed class TokenAdministration(ApiTokenStore tokens, UserLog log, TimeProvider time)
{
    /// <summary>Days; a token that outlives a year is forgotten.</summary>
    public const int LongestDays = 366;

    public async Task<NewToken> AddAsync(Actor actor, string? name, Role role, int days, CancellationToken cancel)
    {
        List<FieldError> errors = [];
        if (string.IsNullOrWhiteSpace(name) || name.Trim().Length > Rules.LongestName)
            errors.Add(new FieldError("name", $"Say what the token is for, in at most {Rules.LongestName} characters."));
        if (!Enum.IsDefined(role) || role > actor.Role)
            errors.Add(new FieldError("role", $"Choose a role up to your own, {actor.Role.ToString().ToLowerInvariant()}."));
        if (days is < 1 or > LongestDays)
            errors.Add(new FieldError("days", $"Choose between 1 and {LongestDays} days."));
        if (errors.Count > 0) return new NewToken(null, null, errors);

        var now = time.GetUtcNow();
        var token = new ApiToken
        {
            Id = Guid.CreateVersion7(),
            UserId = actor.UserId,
            UserName = actor.Name,
            Name = name!.Trim(),
            Role = role,
            CreatedAt = now,
            ExpiresAt = now.AddDays(days),
        };
        var secret = await tokens.AddAsync(token, cancel);
        await log.DoneAsync(actor, "token.add", $"{token.Name}: {role.ToString().ToLowerInvariant()}, {days} days", cancel);
        return new NewToken(token, secret, []);
    }

    public Task<IReadOnlyList<ApiToken>> ListAsync(Actor actor, CancellationToken cancel) =>
        tokens.ListAsync(actor.IsAtLeast(Role.Administrator) ? null : actor.UserId, cancel);

    /// <summary>False if there is no such token, or it is somebody else's and the actor is no administrator.</summary>
    public async Task<bool> DeleteAsync(Actor actor, Guid id, CancellationToken cancel)
    {
        var token = await tokens.FindAsync(id, cancel);
        if (token is null || (token.UserId != actor.UserId && !actor.IsAtLeast(Role.Administrator))) return false;
        await tokens.DeleteAsync(id, cancel);
        await log.DoneAsync(actor, "token.revoke", $"{token.Name} of {token.UserName}", cancel);
        return true;
    }
}
