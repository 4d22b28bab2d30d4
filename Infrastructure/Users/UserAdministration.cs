using System.Net;
using MigrationDashboard.Core;
using MigrationDashboard.Core.Users;

namespace MigrationDashboard.Infrastructure.Users;

/// <summary>What administrators do with users. Every method checks the actor's role itself and returns what is wrong, nothing if it is done.</summary>
public sealed class UserAdministration(UserStore users, SecondFactor secondFactor, UserLog log, TimeProvider time)
{
    private static readonly FieldError LastAdministrator =
        new("role", "This is the last administrator who can sign in. Make another one first.");

    private static readonly FieldError Gone = new("user", "This user no longer exists.");

    public async Task<IReadOnlyList<FieldError>> AddAsync(Actor actor, string name, string password, Role role, CancellationToken cancel)
    {
        actor.Require(Role.Administrator);
        var errors = Rules.CheckName(name).Concat(Rules.CheckPassword(password, name)).ToList();
        if (!Enum.IsDefined(role)) errors.Add(new FieldError("role", "Choose viewer, operator, approver or administrator."));
        if (errors.Count > 0) return errors;
        var added = await users.AddAsync(NewUser(name, role), Passwords.Hash(password), cancel);
        if (!added) return [new FieldError("name", $"There is a user {name} already.")];
        await log.DoneAsync(actor, "user.add", $"Added {name} as {Word(role)}", cancel);
        return [];
    }

    /// <summary>Makes the first administrator; the caller has checked the link or reads the settings at start.</summary>
    public async Task<IReadOnlyList<FieldError>> AddFirstAsync(string name, string password, IPAddress? address, string via, CancellationToken cancel)
    {
        var errors = Rules.CheckName(name).Concat(Rules.CheckPassword(password, name)).ToList();
        if (errors.Count > 0) return errors;
        var user = NewUser(name, Role.Administrator);
        if (!await users.AddFirstAsync(user, Passwords.Hash(password), cancel))
            return [new FieldError("name", "The administrator has been made already. Sign in instead.")];
        await log.DoneAsync(new Actor(user.Id, name, user.Role, address, via), "user.first", $"Made the administrator {name}", cancel);
        return [];
    }

    public async Task<IReadOnlyList<FieldError>> SetRoleAsync(Actor actor, Guid id, Role role, CancellationToken cancel)
    {
        actor.Require(Role.Administrator);
        if (!Enum.IsDefined(role)) return [new FieldError("role", "Choose viewer, operator, approver or administrator.")];
        if (await users.FindAsync(id, cancel) is not { } user) return [Gone];
        if (!await users.SetRoleAsync(id, role, cancel)) return [LastAdministrator];
        await log.DoneAsync(actor, "user.role", $"{user.Name}: {Word(user.Role)} → {Word(role)}", cancel);
        return [];
    }

    /// <summary>Takes away or gives back the right to sign in; open sessions and tokens of a disabled user stop at once.</summary>
    public async Task<IReadOnlyList<FieldError>> SetDisabledAsync(Actor actor, Guid id, bool disabled, CancellationToken cancel)
    {
        actor.Require(Role.Administrator);
        if (await users.FindAsync(id, cancel) is not { } user) return [Gone];
        if (!await users.SetDisabledAsync(id, disabled ? time.GetUtcNow() : null, cancel)) return [LastAdministrator with { Field = "disabled" }];
        await log.DoneAsync(actor, disabled ? "user.disable" : "user.enable", user.Name, cancel);
        return [];
    }

    public async Task<IReadOnlyList<FieldError>> SetPasswordAsync(Actor actor, Guid id, string password, CancellationToken cancel)
    {
        actor.Require(Role.Administrator);
        if (await users.FindAsync(id, cancel) is not { } user) return [Gone];
        var errors = Rules.CheckPassword(password, user.Name).ToList();
        if (errors.Count > 0) return errors;
        await users.SetPasswordAsync(id, Passwords.Hash(password), Guid.NewGuid(), cancel);
        await log.DoneAsync(actor, "user.password", $"Set a new password for {user.Name}", cancel);
        return [];
    }

    public async Task<IReadOnlyList<FieldError>> ResetSecondFactorAsync(Actor actor, Guid id, CancellationToken cancel)
    {
        actor.Require(Role.Administrator);
        if (await users.FindAsync(id, cancel) is not { } user) return [Gone];
        await secondFactor.DisableAsync(id, Guid.NewGuid(), cancel);
        await log.DoneAsync(actor, "user.second-factor", $"Took off the second factor of {user.Name}", cancel);
        return [];
    }

    private static string Word(Role role) => role.ToString().ToLowerInvariant();

    private User NewUser(string name, Role role) =>
        new() { Id = Guid.CreateVersion7(), Name = name, Role = role, Stamp = Guid.NewGuid(), CreatedAt = time.GetUtcNow() };
}
