using System.Text;
using MigrationDashboard.Core.Users;
using Xunit;

namespace MigrationDashboard.Core.Tests.Users;

public sealed class TotpTests
{
    private static readonly byte[] Secret = Encoding.ASCII.GetBytes("12345678901234567890");

    // RFC 6238, appendix B, SHA-1: the last six of the eight digits.
    [Theory]
    [InlineData(59, "287082")]
    [InlineData(1111111109, "081804")]
    [InlineData(1111111111, "050471")]
    [InlineData(1234567890, "005924")]
    [InlineData(20000000000, "353130")]
    public void Codes_are_those_of_the_standard(long seconds, string code) =>
        Assert.Equal(code, Totp.CodeFor(Secret, Totp.StepAt(DateTimeOffset.FromUnixTimeSeconds(seconds))));

    [Fact]
    public void A_code_is_good_one_step_early_or_late_and_not_two()
    {
        var now = DateTimeOffset.FromUnixTimeSeconds(1234567890);
        var step = Totp.StepAt(now);
        foreach (var near in new[] { step - 1, step, step + 1 }) Assert.Equal(near, Totp.Match(Secret, Totp.CodeFor(Secret, near), now, 0));
        foreach (var far in new[] { step - 2, step + 2 }) Assert.Null(Totp.Match(Secret, Totp.CodeFor(Secret, far), now, 0));
    }

    [Fact]
    public void A_used_code_and_every_older_one_are_refused()
    {
        var now = DateTimeOffset.FromUnixTimeSeconds(1234567890);
        var step = Totp.StepAt(now);
        Assert.Null(Totp.Match(Secret, Totp.CodeFor(Secret, step), now, step));
        Assert.Null(Totp.Match(Secret, Totp.CodeFor(Secret, step - 1), now, step));
        Assert.Equal(step + 1, Totp.Match(Secret, Totp.CodeFor(Secret, step + 1), now, step));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("12345")]
    [InlineData("abcdef")]
    public void Nonsense_is_refused(string? code) => Assert.Null(Totp.Match(Secret, code, DateTimeOffset.FromUnixTimeSeconds(59), 0));

    // RFC 4648, section 10, without padding.
    [Theory]
    [InlineData("f", "MY")]
    [InlineData("foobar", "MZXW6YTBOI")]
    public void The_secret_is_shown_in_base_32(string text, string shown) => Assert.Equal(shown, Totp.Base32(Encoding.ASCII.GetBytes(text)));
}
