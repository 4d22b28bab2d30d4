using System.Globalization;

namespace MigrationDashboard.Core.Inventory;

public sealed record HostSystem
{
    public required string Hostname { get; init; }

    /// <summary>As the distribution calls itself, such as <c>Debian GNU/Linux 12 (bookworm)</c>; empty when it does not.</summary>
    public string Distribution { get; init; } = "";

    /// <summary>As <c>uname -r</c> prints it.</summary>
    public required string KernelRelease { get; init; }

    /// <summary>0 when the reading ran as root.</summary>
    public int UserId { get; init; }

    public string? MachineId { get; init; }

    /// <summary>What <c>systemd-detect-virt</c> says: <c>none</c>, <c>kvm</c>, <c>lxc</c>, …; null when it is not there.</summary>
    public string? Virtualization { get; init; }

    public bool Systemd { get; init; }

    /// <summary>The device /dev/net/tun is there, which OpenVPN needs.</summary>
    public bool TunDevice { get; init; }

    /// <summary>/proc/net/nf_conntrack can be read: what counting falls back to without the conntrack tool.</summary>
    public bool ConntrackList { get; init; }

    public bool Ipv6 { get; init; }

    /// <summary>First line of <c>--version</c>, by program.</summary>
    public ValueList<ToolVersion> Versions { get; init; } = [];

    /// <summary>The host's clock in the middle of the reading.</summary>
    public DateTimeOffset Clock { get; init; }

    /// <summary>How long the reading took on the host.</summary>
    public TimeSpan Took { get; init; }

    /// <summary>The host's clock less the dashboard's at the same moment; null when it was not compared.</summary>
    public TimeSpan? ClockOffset { get; init; }

    /// <summary>Major and minor of the kernel; 0.0 when its name tells neither.</summary>
    public Version Kernel => VersionIn(KernelRelease) ?? new Version(0, 0);

    public string? VersionText(string tool) => Versions.FirstOrDefault(version => version.Tool == tool)?.Text;

    /// <summary>Null when the program is not there or its version text holds no number.</summary>
    public Version? VersionOf(string tool) => VersionText(tool) is { } text ? VersionIn(text) : null;

    /// <summary>The first number with a dot in it, or the first number alone, as systemd counts.</summary>
    private static Version? VersionIn(string text)
    {
        foreach (var word in text.Split([' ', '-', '(', ')', '+', '~', 'v'], StringSplitOptions.RemoveEmptyEntries))
        {
            var numbers = word.Split('.').TakeWhile(part => part.Length is > 0 and < 9 && part.All(char.IsAsciiDigit)).Take(3)
                .Select(part => int.Parse(part, CultureInfo.InvariantCulture)).ToArray();
            if (numbers.Length > 0)
                return new(numbers[0], numbers.Length > 1 ? numbers[1] : 0, numbers.Length > 2 ? numbers[2] : 0);
        }

        return null;
    }
}

public sealed record ToolVersion(string Tool, string Text);
