using System.Security.Cryptography;
using Microsoft.AspNetCore.DataProtection;

namespace MigrationDashboard.Web.Security;

/// <summary>Carries a proposed TOTP secret through the form that shows it, so that nothing is stored before it is confirmed.</summary>
public sealed class SecondFactorDraft(IDataProtectionProvider protection)
{
    /// <summary>Long enough to install an app.</summary>
    private static readonly TimeSpan Life = TimeSpan.FromMinutes(30);

    /// <summary>For one user only: a form filled by one person must not be sent by another.</summary>
    public string Seal(byte[] secret, Guid userId) => Convert.ToBase64String(Protector(userId).Protect(secret, Life));

    /// <summary>Null if it is empty, too old or not this user's.</summary>
    public byte[]? Open(string draft, Guid userId)
    {
        try
        {
            return draft.Length == 0 ? null : Protector(userId).Unprotect(Convert.FromBase64String(draft));
        }
        catch (Exception e) when (e is CryptographicException or FormatException)
        {
            return null;
        }
    }

    private ITimeLimitedDataProtector Protector(Guid userId) =>
        protection.CreateProtector("MigrationDashboard.SecondFactorDraft", userId.ToString()).ToTimeLimitedDataProtector();
}
