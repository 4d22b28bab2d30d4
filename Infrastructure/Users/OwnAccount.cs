using MigrationDashboard.Core;
using System.Net;
using MigrationDashboard.Core.Users;

namespace MigrationDashboard.Infrastructure.Users;

/// <summary>
/// What people change about themselves. Each change ends all their sessions; the page gives its own browser a new one.
/// The password is asked again, within the limits of signing in: an unattended browser must not be enough, nor a place to guess.
/// </summary>
public sealed class OwnAccount(UserStore users, Passwords passwords, SecondFactor secondFactor, SignInLimits limits, UserLog log)
{
    public async Task<IReadOnlyList<FieldError>> ChangePasswordAsync(Actor actor, string current, string replacement, CancellationToken cancel)
    {
        List<FieldError> errors = [.. Rules.CheckPassword(replacement, actor.Name, "new")];
        if (errors.Count == 0) errors.AddRange(await CheckPasswordAsync(actor, current, "current", cancel));
        if (errors.Count > 0) return errors;
        await users.SetPasswordAsync(actor.UserId, Passwords.Hash(replacement), Guid.NewGuid(), cancel);
        await log.DoneAsync(actor, "user.password", "Changed the own password", cancel);
        return [];
    }

    /// <summary>Recovery codes to show once, or null if the code does not fit the secret.</summary>
    public async Task<IReadOnlyList<string>?> TurnOnSecondFactorAsync(Actor actor, byte[] secret, string? code, CancellationToken cancel)
    {
        var codes = await secondFactor.EnableAsync(actor.UserId, secret, code, Guid.NewGuid(), cancel);
        if (codes is not null) await log.DoneAsync(actor, "user.second-factor", "Turned the own second factor on", cancel);
        return codes;
    }

    public async Task<IReadOnlyList<FieldError>> TurnOffSecondFactorAsync(Actor actor, string password, CancellationToken cancel)
    {
        var errors = await CheckPasswordAsync(actor, password, "password", cancel);
        if (errors.Count > 0) return errors;
        await secondFactor.DisableAsync(actor.UserId, Guid.NewGuid(), cancel);
        await log.DoneAsync(actor, "user.second-factor", "Turned the own second factor off", cancel);
        return [];
    }

    public async Task EndSessionsAsync(Actor actor, CancellationToken cancel)
    {
        await users.SetStampAsync(actor.UserId, Guid.NewGuid(), cancel);
        await log.DoneAsync(actor, "user.sessions", "Ended all own sessions but this one", cancel);
    }

    private async Task<IReadOnlyList<FieldError>> CheckPasswordAsync(Actor actor, string password, string field, CancellationToken cancel)
    {
        var (attempt, wait) = await limits.BeginAsync(actor.Name, actor.Address ?? IPAddress.None, cancel);
        if (attempt is null) return [new FieldError(field, $"Too many wrong tries. Try again in {Math.Ceiling(wait.TotalMinutes)} minutes.")];
        if (!await passwords.VerifyAsync(await users.FindAsync(actor.UserId, cancel), password, cancel)) return [new FieldError(field, "This is not your password.")];
        await limits.SucceededAsync(attempt.Value, cancel);
        return [];
    }
}
