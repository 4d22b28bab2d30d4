namespace MigrationDashboard.Load.Tests;

public sealed class SourceRangeTests
{
    [Theory]
    [InlineData("198.51.100.2-198.51.100.251", 250, "198.51.100.2", "198.51.100.251")]
    [InlineData("198.51.100.255-198.51.101.1", 3, "198.51.100.255", "198.51.101.1")]
    [InlineData("198.51.100.7", 1, "198.51.100.7", "198.51.100.7")]
    [InlineData("198.51.100.0/24", 254, "198.51.100.1", "198.51.100.254")]
    [InlineData("198.51.100.9/30", 2, "198.51.100.9", "198.51.100.10")]
    [InlineData("198.51.100.8/31", 2, "198.51.100.8", "198.51.100.9")]
    [InlineData("255.255.255.255/32", 1, "255.255.255.255", "255.255.255.255")]
    [InlineData("2001:db8:1::2-2001:db8:1::33", 50, "2001:db8:1::2", "2001:db8:1::33")]
    [InlineData("2001:db8:1::/122", 63, "2001:db8:1::1", "2001:db8:1::3f")]
    [InlineData("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128", 1, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")]
    public void A_range_holds_its_usable_addresses_in_order(string text, int count, string first, string last)
    {
        var (addresses, error) = SourceRange.Parse(text);
        Assert.Null(error);
        Assert.Equal(count, addresses.Count);
        Assert.Equal(first, addresses[0].ToString());
        Assert.Equal(last, addresses[^1].ToString());
        Assert.Equal(count, addresses.Distinct().Count());
    }

    [Theory]
    [InlineData("198.51.100.251-198.51.100.2", "before it begins")]
    [InlineData("198.51.100.2-2001:db8::1", "mixes")]
    [InlineData("10.0.0.0/8", "more than 65536")]
    [InlineData("::/0", "more than 65536")]
    [InlineData("198.51.100.0/33", "'33'")]
    [InlineData("198.51.100.0/-1", "'-1'")]
    [InlineData("somewhere", "not an address")]
    [InlineData("198.51.100.2-", "not an address")]
    public void A_range_that_makes_no_sense_says_why(string text, string says)
    {
        var (addresses, error) = SourceRange.Parse(text);
        Assert.Empty(addresses);
        Assert.Contains(says, error, StringComparison.Ordinal);
    }
}
