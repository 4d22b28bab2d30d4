using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.WebUtilities;

namespace MigrationDashboard.Infrastructure.Users;

/// <summary>Random values that are shown once and kept as SHA-256 only.</summary>
public static class Secrets
{
    /// <summary>256 random bits as URL-safe text of 43 characters.</summary>
    public static string New() => WebEncoders.Base64UrlEncode(RandomNumberGenerator.GetBytes(32));

    public static byte[] Hash(string secret) => SHA256.HashData(Encoding.UTF8.GetBytes(secret));
}
