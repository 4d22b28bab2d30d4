using System.Net;
using MigrationDashboard.Core.Users;

namespace MigrationDashboard.Infrastructure.Users;

/// <summary>What came of a try to sign in.</summary>
public abstract record SignInOutcome
{
    public sealed record Accepted(User User) : SignInOutcome;

    /// <summary>The password was right; a code must follow.</summary>
    public sealed record CodeNeeded(User User) : SignInOutcome;

    /// <summary>Wrong name, password or code, or a disabled user: which of them is not told.</summary>
    public sealed record Refused : SignInOutcome;

    /// <summary>Too many failed tries for the account or from the address.</summary>
    public sealed record TooMany(TimeSpan Wait) : SignInOutcome;
}

/// <summary>Lets people in: password first, then the second factor if they have one, within the limits.</summary>
public sealed class SignIn(UserStore users, Passwords passwords, SecondFactor secondFactor, SignInLimits limits, UserLog log, TimeProvider time)
{
    public async Task<SignInOutcome> WithPasswordAsync(string name, string password, IPAddress address, CancellationToken cancel)
    {
        var (attempt, wait) = await limits.BeginAsync(name, address, cancel);
        if (attempt is null) return new SignInOutcome.TooMany(wait);
        var user = await users.FindByNameAsync(name, cancel);
        var right = await passwords.VerifyAsync(user, password, cancel);
        if (!right || user is not { MaySignIn: true })
        {
            var why = user is null ? "A name that does not exist" : right ? "The user is disabled" : "Wrong password";
            await log.SignInAsync(user?.Name, address.ToString(), accepted: false, why, cancel);
            return new SignInOutcome.Refused();
        }

        await limits.SucceededAsync(attempt.Value, cancel);
        if (user.HasSecondFactor) return new SignInOutcome.CodeNeeded(user);
        await log.SignInAsync(user.Name, address.ToString(), accepted: true, "With the password", cancel);
        await users.SignedInAsync(user.Id, time.GetUtcNow(), cancel);
        return new SignInOutcome.Accepted(user);
    }

    /// <param name="userId">Who gave the right password a moment ago.</param>
    /// <param name="stamp">Their stamp at that moment: a user changed meanwhile starts again.</param>
    /// <param name="code">Six digits of the app, or a recovery code.</param>
    public async Task<SignInOutcome> WithCodeAsync(Guid userId, Guid stamp, string code, IPAddress address, CancellationToken cancel)
    {
        if (await users.FindAsync(userId, cancel) is not { MaySignIn: true } user || user.Stamp != stamp) return new SignInOutcome.Refused();
        var (attempt, wait) = await limits.BeginAsync(user.Name, address, cancel);
        if (attempt is null) return new SignInOutcome.TooMany(wait);
        var byApp = await secondFactor.VerifyAsync(user.Id, code, cancel);
        if (!byApp && !await secondFactor.UseRecoveryCodeAsync(user.Id, code, cancel))
        {
            await log.SignInAsync(user.Name, address.ToString(), accepted: false, "Wrong or used code after the right password", cancel);
            return new SignInOutcome.Refused();
        }

        await log.SignInAsync(user.Name, address.ToString(), accepted: true, byApp ? "With password and code" : "With password and a recovery code", cancel);
        await limits.SucceededAsync(attempt.Value, cancel);
        await users.SignedInAsync(user.Id, time.GetUtcNow(), cancel);
        return new SignInOutcome.Accepted(user);
    }
}
