using System.Net;
using MigrationDashboard.Core.Stages;

namespace MigrationDashboard.Core.Connections;

/// <summary>
/// Tells a connection's path from its conntrack entry. Each connection that crosses both hosts is in both tables; it is counted once, where it
/// came in: Direct and Tail on <c>old</c>, Forwarded and Local on <c>new</c>. <c>sample.sh</c> does the same on the host.
/// </summary>
public static class ClassifyPath
{
    /// <param name="originalDestination">Where the client's packets were sent, before any translation.</param>
    /// <param name="replySource">Where the answers come from: the peer where the connection was sent on, this host or a container of it otherwise.</param>
    /// <returns>Null for what is not counted on this host: what arrived over the link, and what was sent to no address of the migration.</returns>
    public static ConnectionPath? Of(Role role, SampledAddresses host, IPAddress originalDestination, IPAddress replySource)
    {
        if (!originalDestination.Equals(host.Public))
            return null;
        var sentOn = replySource.Equals(host.Peer);
        return role == Role.Old
            ? sentOn ? ConnectionPath.Tail : ConnectionPath.Direct
            : sentOn ? ConnectionPath.Forwarded : ConnectionPath.Local;
    }

    /// <summary>The host that counts a path.</summary>
    public static Role ReporterOf(ConnectionPath path) => path is ConnectionPath.Direct or ConnectionPath.Tail ? Role.Old : Role.New;
}
