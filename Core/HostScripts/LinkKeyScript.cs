using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using MigrationDashboard.Core.Network;

namespace MigrationDashboard.Core.HostScripts;

/// <summary>Renders the script by which a host makes its own key for an OpenVPN link; may be run again, and then tells the same fingerprint.</summary>
public static partial class LinkKeyScript
{
    public static string Render(Allocation own) => string.Create(CultureInfo.InvariantCulture, $"""
        set -u
        export LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
        umask 077
        KEY={own.Key}
        HOST={Allocation.HostFolder}
        FOLDER={own.Folder}

        """) + ScriptFile.Read("host.sh") + ScriptFile.Read("link-key.sh");

    /// <summary>Reads what the script printed: SHA-256 of the certificate as hex pairs with colons, the form <c>--peer-fingerprint</c> takes (openvpn(8)).</summary>
    /// <returns>Null when the output holds no fingerprint: the script has failed, and says why in its only line.</returns>
    public static string? Fingerprint(string output)
    {
        foreach (var line in output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(line => line.StartsWith('{')))
        {
            using var json = JsonDocument.Parse(line);
            if (json.RootElement.TryGetProperty("output", out var text) && Form().IsMatch(text.GetString() ?? ""))
                return text.GetString();
        }

        return null;
    }

    [GeneratedRegex(@"\A[0-9A-F]{2}(:[0-9A-F]{2}){31}\z")]
    private static partial Regex Form();
}
