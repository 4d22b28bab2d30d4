using MigrationDashboard.Core.Network;

namespace MigrationDashboard.Core.HostScripts;

/// <summary>Renders the script that sees a harmless change being taken back by the host itself (selftest.sh), to be run as root by <c>sh -s</c>.</summary>
public static class SelfTestScript
{
    public static string Render(Allocation own) => $"""
        set -u
        export LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
        umask 077
        KEY={own.Key}
        HOST={Allocation.HostFolder}
        FOLDER={own.Folder}

        """ + ScriptFile.Read("step.sh") + ScriptFile.Read("host.sh") + ScriptFile.Read("selftest.sh");
}
