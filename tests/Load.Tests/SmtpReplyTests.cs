using System.Net;
using System.Text;

namespace MigrationDashboard.Load.Tests;

public sealed class SmtpReplyTests
{
    private static ReplyState Parse(string bytes, out SmtpReply reply, out int used) => SmtpReply.Parse(Encoding.ASCII.GetBytes(bytes), out reply, out used);

    [Fact]
    public void A_reply_of_one_line_ends_at_its_line_end()
    {
        Assert.Equal(ReplyState.Complete, Parse("220 hello\r\n502 next", out var reply, out var used));
        Assert.Equal(new SmtpReply(220, "220 hello"), reply);
        Assert.Equal(11, used);
    }

    [Fact]
    public void A_reply_of_many_lines_ends_at_the_line_without_hyphen()
    {
        const string bytes = "502-5.5.2 Error\r\n502-5.5.2 client=[198.51.100.7]\r\n502 bye\r\n";
        Assert.Equal(ReplyState.Complete, Parse(bytes, out var reply, out var used));
        Assert.Equal(502, reply.Code);
        Assert.Equal(bytes.Length, used);
        Assert.Equal(IPAddress.Parse("198.51.100.7"), SmtpReply.SourceIn(reply.Text));
    }

    [Fact]
    public void Every_beginning_of_a_reply_is_incomplete()
    {
        const string bytes = "502-5.5.2 Error\r\n502 done\r\n";
        for (var length = 0; length < bytes.Length; length++)
            Assert.Equal(ReplyState.Incomplete, Parse(bytes[..length], out _, out _));
    }

    [Theory]
    [InlineData("HTTP/1.1 400 Bad Request\r\n")]
    [InlineData("22 short\r\n")]
    [InlineData("\r\n")]
    [InlineData("2200 long\r\n")]
    [InlineData("199 low\r\n")]
    [InlineData("502-one\r\n250 other code\r\n")]
    public void What_is_no_reply_is_malformed(string bytes) => Assert.Equal(ReplyState.Malformed, Parse(bytes, out _, out _));

    [Fact]
    public void A_code_alone_and_a_bare_line_feed_are_a_reply() => Assert.Equal(ReplyState.Complete, Parse("250\n", out _, out _));

    [Theory]
    [InlineData("502 client=[198.51.100.7]", "198.51.100.7")]
    [InlineData("502 x client=[2001:db8::7] y", "2001:db8::7")]
    [InlineData("502 client=[IPv6:2001:db8::7]", "2001:db8::7")]
    [InlineData("502 client=[::ffff:198.51.100.7]", "::ffff:198.51.100.7")]
    [InlineData("502 client=[unknown]", null)]
    [InlineData("502 client=[198.51.100.7", null)]
    [InlineData("502 client=198.51.100.7", null)]
    [InlineData("502 nothing", null)]
    public void The_source_is_the_address_in_brackets(string text, string? source) =>
        Assert.Equal(source is null ? null : IPAddress.Parse(source), SmtpReply.SourceIn(text));

    [Theory]
    [InlineData("198.51.100.7", "198.51.100.7", true)]
    [InlineData("198.51.100.7", "::ffff:198.51.100.7", true)]
    [InlineData("::ffff:198.51.100.7", "198.51.100.7", true)]
    [InlineData("198.51.100.7", "198.51.100.8", false)]
    [InlineData("198.51.100.7", "::ffff:198.51.100.8", false)]
    [InlineData("198.51.100.7", "::198.51.100.7", false)]
    [InlineData("2001:db8::7", "2001:db8:0:0::7", true)]
    [InlineData("2001:db8::7", "2001:db8::8", false)]
    [InlineData("fe80::1%2", "fe80::1", true)]
    public void Addresses_are_compared_by_what_they_mean(string one, string other, bool same) =>
        Assert.Equal(same, SmtpReply.SameAddress(IPAddress.Parse(one), IPAddress.Parse(other)));
}
