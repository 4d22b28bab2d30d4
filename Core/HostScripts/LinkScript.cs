using MigrationDashboard.Core.Network;

namespace MigrationDashboard.Core.HostScripts;

/// <summary>
/// Renders how a host makes its end of the link: the shell function <c>link_create</c>, which may be run again and again, and which writes
/// <c>$FOLDER/link/remove.sh</c>, the way to take the end away again.
/// </summary>
public static class LinkScript
{
    public static string Functions(HostConfig config) => config.Link?.Tunnel switch
    {
        null => "link_create() { :; }\n",
        var tunnel => throw new NotSupportedException(tunnel.GetType().Name),
    };
}
