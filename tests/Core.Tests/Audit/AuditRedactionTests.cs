using MigrationDashboard.Core.Audit;
using Xunit;

namespace MigrationDashboard.Core.Tests.Audit;

public sealed class AuditRedactionTests
{
    private readonly AuditRedaction _redaction = new();

    [Theory]
    [InlineData("mysql --password hunter22 -e x", "mysql --password [removed] -e x")]
    [InlineData("PGPASSWORD='it'\\''s secret' psql -h db", "PGPASSWORD=[removed] psql -h db")]
    [InlineData("export DB_PASSWD=abc; run", "export DB_PASSWD=[removed]; run")]
    [InlineData("{\"token\": \"ey.ab\\\"c\", \"name\": \"x\"}", "{\"token\": [removed], \"name\": \"x\"}")]
    [InlineData("?api_key=12345&page=2", "?api_key=[removed]&page=2")]
    [InlineData("Authorization: Bearer abcdef123456", "Authorization: Bearer [removed]")]
    [InlineData("rsync https://me:s3cret@example.org/x", "rsync https://me:[removed]@example.org/x")]
    [InlineData("secret: multi\nnext line", "secret: [removed]\nnext line")]
    [InlineData("client_secret=\"a b\" done", "client_secret=[removed] done")]
    public void Values_after_words_that_name_a_secret_are_removed(string text, string cleaned) => Assert.Equal(cleaned, _redaction.Clean(text));

    [Theory]
    [InlineData("nft -f - <<'EOF'\ntable inet migdash { }\nEOF")]
    [InlineData("psql \"password=$PASSWORD\"")]
    [InlineData("the password is asked for at the console")]
    [InlineData("ip rule add fwmark 0x10000/0xff0000 lookup 7000 pref 5000")]
    [InlineData("https://example.org:8443/path@version")]
    [InlineData("tokens per second 5")]
    public void Text_without_a_secret_stays_as_it_is(string text) => Assert.Equal(text, _redaction.Clean(text));

    [Theory]
    [InlineData("OPENSSH PRIVATE KEY")]
    [InlineData("RSA PRIVATE KEY")]
    [InlineData("PRIVATE KEY")]
    [InlineData("OpenVPN Static key V1")]
    public void Private_keys_are_removed_and_their_frame_tells_what_was_there(string kind)
    {
        var text = $"cat <<EOF\n-----BEGIN {kind}-----\nAAAA\nBBBB\n-----END {kind}-----\nEOF";

        Assert.Equal($"cat <<EOF\n-----BEGIN {kind}-----[removed]-----END {kind}-----\nEOF", _redaction.Clean(text));
    }

    [Fact]
    public void A_private_key_that_is_cut_off_is_removed_to_the_end()
    {
        Assert.Equal("x -----BEGIN PRIVATE KEY-----[removed]", _redaction.Clean("x -----BEGIN PRIVATE KEY-----\nMIIE\nabc"));
    }

    [Fact]
    public void A_certificate_is_no_secret()
    {
        const string Text = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----";

        Assert.Equal(Text, _redaction.Clean(Text));
    }

    [Fact]
    public void Known_secrets_are_removed_wherever_they_stand_the_longest_first()
    {
        _redaction.Register("correct horse");
        _redaction.Register("correct horse battery");
        _redaction.Register("ab"); // Too short: it would shred ordinary words.

        Assert.Equal("echo [removed] | about [removed]", _redaction.Clean("echo correct horse battery | about correct horse"));
    }

    [Fact]
    public void Commands_and_outputs_of_an_event_are_cleaned_and_nothing_else_of_it_changes()
    {
        var what = new AuditEvent
        {
            At = DateTimeOffset.UnixEpoch, Actor = "anna", Action = "stage.apply", Outcome = AuditOutcome.Ok, Command = "run --token abcdefgh", Detail = "password: x1y2z3",
        };

        Assert.Equal(what with { Command = "run --token [removed]", Detail = "password: [removed]" }, _redaction.Clean(what));
    }

    [Fact]
    public void Cleaning_twice_changes_nothing_more()
    {
        var once = _redaction.Clean("token=abc password: 'x y' https://u:p@h/ -----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----");

        Assert.Equal(once, _redaction.Clean(once));
    }

    [Theory]
    [InlineData("password passwordpassword=: \"\"'' ://:@ -----BEGIN PRIVATE ")]
    [InlineData("QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo")]
    [InlineData("token=\"")]
    [InlineData("://a:")]
    [InlineData("-----BEGIN PRIVATE KEY")]
    public void A_megabyte_of_output_is_cleaned_in_no_time(string piece)
    {
        var text = string.Concat(Enumerable.Repeat(piece, 1_000_000 / piece.Length));
        var clock = System.Diagnostics.Stopwatch.StartNew();

        _redaction.Clean(text);

        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(5), $"took {clock.Elapsed}");
    }
}
