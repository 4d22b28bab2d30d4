using System.Globalization;
using System.Net;
using MigrationDashboard.Core.Servers;
using MigrationDashboard.Core.Stages;

namespace MigrationDashboard.Core.HostScripts;

/// <summary>A connection as a host's conntrack sees it.</summary>
/// <param name="Source">Source address of its first packet as it arrived at this host.</param>
/// <param name="ReplyTo">Where replies go: differs from <see cref="Source"/> when this host changes the source.</param>
/// <param name="ServedBy">Who replies: this host itself, a container, or the peer it is forwarded to.</param>
public sealed record SeenConnection(IPAddress Source, ushort SourcePort, IPAddress ReplyTo, IPAddress ServedBy, string State);

public static class ProbeScript
{
    /// <param name="arrived">The destination address of the packets as they reach the host: its public or its link address.</param>
    /// <param name="sourcePort">The tester's own port, 0 when it may be changed on the way.</param>
    public static string Render(IPAddress arrived, ForwardedPort port, int sourcePort) => string.Create(CultureInfo.InvariantCulture, $"""
        set -u
        export LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
        ADDRESS={Shell.Quote(arrived.ToString())} PORT={port.Number} PROTOCOL={(port.Transport == Transport.Tcp ? "tcp" : "udp")} SOURCE_PORT={sourcePort}

        """) + ScriptFile.Read("probe.sh");

    /// <summary>Where a call that got no answer has come to an end, in words. A packet that a host drops leaves no conntrack entry there.</summary>
    /// <param name="via">The server that was called.</param>
    /// <param name="entered">The call's entry there.</param>
    /// <param name="served">The server where the workload runs.</param>
    /// <param name="arrived">The call's entry there.</param>
    public static string WhereLost(Role via, SeenConnection? entered, Role served, SeenConnection? arrived)
    {
        var (first, last) = (via.ToString().ToLowerInvariant(), served.ToString().ToLowerInvariant());
        return (entered, arrived) switch
        {
            (null, _) => $"it did not come to {first}, or {first} drops it",
            (_, null) => $"{first} sends it on to {entered.ServedBy}, but it did not come to {last}, or {last} drops it",
            (_, { State: "SYN_SENT" }) => $"it came to {last}, where {arrived.ServedBy} did not answer",
            _ => $"{last} has answered, but the reply is lost on its way back",
        };
    }

    public static IReadOnlyList<SeenConnection> Parse(string output) =>
        [.. output.Split('\n').Where(line => line.StartsWith('{')).Select(CoreJson.Read<SeenConnection>)];
}
