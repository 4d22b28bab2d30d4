using System.Net;
using MigrationDashboard.Core.Connections;
using MigrationDashboard.Core.Stages;
using Xunit;

namespace MigrationDashboard.Core.Tests.Connections;

public sealed class ClassifyPathTests
{
    private static readonly SampledAddresses Old = new(Address("203.0.113.10"), Address("10.99.0.1"), Address("10.99.0.2"));
    private static readonly SampledAddresses New = new(Address("203.0.113.20"), Address("10.99.0.2"), Address("10.99.0.1"));

    [Theory]
    [InlineData("203.0.113.10", "203.0.113.10", ConnectionPath.Direct)]
    [InlineData("203.0.113.10", "172.18.0.2", ConnectionPath.Direct)] // a container answers
    [InlineData("203.0.113.10", "10.99.0.2", ConnectionPath.Tail)]
    public void Old_counts_what_clients_sent_to_it(string destination, string replies, ConnectionPath path) =>
        Assert.Equal(path, ClassifyPath.Of(Role.Old, Old, Address(destination), Address(replies)));

    [Theory]
    [InlineData("203.0.113.20", "203.0.113.20", ConnectionPath.Local)]
    [InlineData("203.0.113.20", "172.19.0.2", ConnectionPath.Local)]
    [InlineData("203.0.113.20", "10.99.0.1", ConnectionPath.Forwarded)]
    public void New_counts_what_clients_sent_to_it(string destination, string replies, ConnectionPath path) =>
        Assert.Equal(path, ClassifyPath.Of(Role.New, New, Address(destination), Address(replies)));

    [Fact]
    public void What_came_over_the_link_is_counted_on_the_other_host_only()
    {
        Assert.Null(ClassifyPath.Of(Role.Old, Old, Address("10.99.0.1"), Address("172.18.0.2")));
        Assert.Null(ClassifyPath.Of(Role.New, New, Address("10.99.0.2"), Address("10.99.0.2")));
    }

    [Fact]
    public void What_went_to_other_addresses_is_not_counted() =>
        Assert.Null(ClassifyPath.Of(Role.Old, Old, Address("203.0.113.99"), Address("203.0.113.99")));

    private static IPAddress Address(string text) => IPAddress.Parse(text);
}
