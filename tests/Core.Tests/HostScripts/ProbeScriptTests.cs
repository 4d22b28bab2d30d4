using System.Net;
using MigrationDashboard.Core.HostScripts;
using MigrationDashboard.Core.Stages;
using Xunit;

namespace MigrationDashboard.Core.Tests.HostScripts;

public sealed class ProbeScriptTests
{
    [Theory]
    [InlineData(null, null, "it did not come to old, or old drops it")]
    [InlineData("SYN_SENT", null, "old sends it on to 10.77.0.2, but it did not come to new, or new drops it")]
    [InlineData("SYN_SENT", "SYN_SENT", "it came to new, where 172.19.0.2 did not answer")]
    [InlineData("SYN_SENT", "SYN_RECV", "new has answered, but the reply is lost on its way back")]
    [InlineData("SYN_RECV", "SYN_RECV", "new has answered, but the reply is lost on its way back")]
    public void A_call_without_an_answer_is_followed_as_far_as_it_came(string? onOld, string? onNew, string lost) =>
        Assert.Equal(lost, ProbeScript.WhereLost(Role.Old, Seen(onOld, "10.77.0.2"), Role.New, Seen(onNew, "172.19.0.2")));

    private static SeenConnection? Seen(string? state, string servedBy) =>
        state is null ? null : new(IPAddress.Parse("198.51.100.2"), 40000, IPAddress.Parse("198.51.100.2"), IPAddress.Parse(servedBy), state);
}
