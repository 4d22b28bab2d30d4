using System.Net;
using System.Net.Sockets;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using MigrationDashboard.Core.Connections;
using MigrationDashboard.Core.Servers;
using MigrationDashboard.Core.Stages;
using MigrationDashboard.Core.Tests.HostScripts;
using Xunit;

namespace MigrationDashboard.Core.Tests.Connections;

public sealed class SampleLineTests
{
    private const string Good = """
        {"v":1,"clock":1795347190,"cost_ms":60,"pass_ms":90,"next_ms":1500,"conntrack":[10000,262144],"full":true,"reader":"proc","migrations":[{"key":"a1b2c3d4","new":[[4,"ddf425ef.3.0","direct",7,2,1],[6,"ddf425ef.4.0","direct",0,0,0]],"counts":[["direct",4,"tcp",25,4000,3],["tail",6,"tcp",587,1000,0]],"distinct":{"direct":[4000,5000]},"capped":false,"clients":[["direct","198.51.100.7","tcp",25,2,1],["tail","2001:0db8:000c:0000:0000:0000:0000:0007","tcp",587,1,0]]}]}
        """;

    private static readonly SampledEnd End = SampledEnd.Of(Cases.Mail(), Role.Old)!;

    [Fact]
    public void A_line_of_the_sampler_is_read_whole()
    {
        var (line, error) = SampleLineReader.Read(Good, [End]);

        Assert.Null(error);
        Assert.Equal((true, "proc", 10000, 262144), (line!.Full, line.Reader, line.ConntrackEntries, line.ConntrackMost));
        Assert.Equal(TimeSpan.FromMilliseconds(60), line.Cost);
        var migration = Assert.Single(line.Migrations);
        Assert.Equal(new CounterReading(AddressFamily.InterNetwork, "ddf425ef.3.0", ConnectionPath.Direct, 7, 2, 1), migration.Counters[0]);
        Assert.Equal(new PathCount(ConnectionPath.Direct, AddressFamily.InterNetwork, new(25, Transport.Tcp), 4000, 3), migration.Counts[0]);
        Assert.Equal([new PathClients(ConnectionPath.Direct, 4000, 5000)], migration.Distinct);
        // The kernel's spelling with all zeros and ours are the same client.
        Assert.Equal(new ClientCount(ConnectionPath.Tail, IPAddress.Parse("2001:db8:c::7"), new(587, Transport.Tcp), 1, 0), migration.Clients[1]);
    }

    [Theory]
    [InlineData("\"v\":1,", "\"v\":2,", "version")]
    [InlineData("a1b2c3d4", "ffffffff", "not asked for")]
    [InlineData("\"direct\",4,\"tcp\",25", "\"direct\",4,\"tcp\",22", "port")]
    [InlineData("\"direct\",4,\"tcp\",25", "\"direct\",4,\"udp\",25", "port")]
    [InlineData("[\"direct\",4", "[\"local\",4", "path")]
    [InlineData("[\"direct\",4", "[\"Direct\",4", "path")]
    [InlineData("[\"direct\",4", "[\"direct\",5", "family")]
    [InlineData("25,4000,3", "25,-1,3", "range")]
    [InlineData("25,4000,3", "25,99999999999,3", "range")]
    [InlineData("25,4000,3", "25,4000.5,3", "range")]
    [InlineData("25,4000,3", "25,\"4000\",3", "shape")]
    [InlineData("198.51.100.7", "198.51.100.7; rm", "address")]
    [InlineData("198.51.100.7", "1", "address")]
    [InlineData("198.51.100.7", "fe80::1%eth0", "address")]
    [InlineData("ddf425ef.3.0", "<script>", "epoch")]
    [InlineData("[6,\"ddf425ef.4.0\"", "[4,\"ddf425ef.4.0\"", "twice")]
    [InlineData("\"proc\"", "\"elsewhere\"", "word")]
    [InlineData("1795347190", "99999999999999", "range")]
    [InlineData("\"conntrack\":[10000,262144],", "", "shape")]
    [InlineData("}]}", "}", "JSON")]
    public void A_line_that_is_not_the_samplers_is_an_error_and_no_exception(string part, string instead, string reason)
    {
        Assert.Contains(part, Good, StringComparison.Ordinal);

        var (line, error) = SampleLineReader.Read(Good.Replace(part, instead, StringComparison.Ordinal), [End]);

        Assert.Null(line);
        Assert.Contains(reason, error, StringComparison.Ordinal);
    }

    [Fact]
    public void Lines_without_an_end_or_with_too_many_items_are_errors()
    {
        Assert.Equal("the line is too long", SampleLineReader.Read(new string('x', SampleLineReader.LongestLine + 1), [End]).Error);
        var many = string.Join(',', Enumerable.Repeat("[4,\"e\",\"direct\",0,0,0]", 10_001));
        Assert.NotNull(SampleLineReader.Read(Good.Replace("\"new\":[", "\"new\":[" + many + ",", StringComparison.Ordinal), [End]).Error);
        Assert.NotNull(SampleLineReader.Read(new string('[', 5000), [End]).Error);
    }

    [Fact]
    public void No_damage_to_a_line_makes_an_exception()
    {
        var damage = from position in Gen.Choose(0, Good.Length - 2)
                     from length in Gen.Choose(0, 12)
                     from text in Gen.Elements("", "\"", "[", "]", "{", "}", ",", "null", "-1", "1e999", "\\ud800", "\0", "\"\"", "true", "99999999999999999999", ":")
                     select new StringBuilder(Good).Remove(position, Math.Min(length, Good.Length - position)).Insert(position, text).ToString();

        Check.One(Config.QuickThrowOnFailure.WithMaxTest(3000), Prop.ForAll(damage.ToArbitrary(), text =>
        {
            var (line, error) = SampleLineReader.Read(text, [End]);
            return line is null != error is null;
        }));
    }
}
