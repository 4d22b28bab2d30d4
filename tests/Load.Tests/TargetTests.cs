using System.Net;

namespace MigrationDashboard.Load.Tests;

public sealed class TargetTests
{
    private static IPAddress? OneName(string host) => host == "mail.example.org" ? IPAddress.Parse("203.0.113.10") : null;

    [Theory]
    [InlineData("203.0.113.10:25", "203.0.113.10:25", 0)]
    [InlineData("203.0.113.10:53/udp", "203.0.113.10:53", 1)]
    [InlineData("[2001:db8::10]:587/smtp", "[2001:db8::10]:587", 2)]
    [InlineData("203.0.113.10:53/dns", "203.0.113.10:53", 3)]
    [InlineData("mail.example.org:25/tcp", "203.0.113.10:25", 0)]
    public void A_target_has_an_address_a_port_and_a_kind(string text, string endPoint, int kind)
    {
        var (target, error) = Target.Parse(text, OneName);
        Assert.Null(error);
        Assert.Equal(endPoint, target!.EndPoint.ToString());
        Assert.Equal((TargetKind)kind, target.Kind);
    }

    [Theory]
    [InlineData("203.0.113.10", "no port")]
    [InlineData("203.0.113.10:0", "port '0'")]
    [InlineData("203.0.113.10:65536", "port '65536'")]
    [InlineData("203.0.113.10:25/sctp", "'sctp'")]
    [InlineData("2001:db8::10:25", "brackets")]
    [InlineData("203.0.113:25", "dotted")]
    [InlineData("nowhere.example.org:25", "DNS")]
    [InlineData(":25", "no port")]
    public void A_target_that_cannot_be_called_says_why(string text, string says)
    {
        var (target, error) = Target.Parse(text, OneName);
        Assert.Null(target);
        Assert.Contains(says, error, StringComparison.Ordinal);
    }
}
