using Microsoft.AspNetCore.Identity;
using MigrationDashboard.Core.Users;

namespace MigrationDashboard.Infrastructure.Users;

/// <summary>Checks passwords with ASP.NET Core Identity's hash (PBKDF2, SHA-512, 100,000 rounds).</summary>
public sealed class Passwords(UserStore users)
{
    private static readonly PasswordHasher<User> Hasher = new();

    /// <summary>A hash of nothing anybody knows: an unknown name must take as long as a wrong password.</summary>
    private static readonly string Nobodys = Hasher.HashPassword(null!, Secrets.New());

    public static string Hash(string password) => Hasher.HashPassword(null!, password);

    public async Task<bool> VerifyAsync(User? user, string password, CancellationToken cancel)
    {
        if (password.Length > Rules.LongestPassword) return false;
        var hash = user is null ? null : await users.PasswordHashAsync(user.Id, cancel);
        var same = Hasher.VerifyHashedPassword(null!, hash ?? Nobodys, password) != PasswordVerificationResult.Failed;
        return same && hash is not null;
    }
}
