using System.Net.Sockets;

namespace MigrationDashboard.Core.Inventory;

/// <summary>All that was read from a host in one go. A value: checks, facts, proposals and the proof of a clean end are functions of it.</summary>
public sealed record HostInventory
{
    public required HostSystem System { get; init; }

    /// <summary>Programs that are there, by name.</summary>
    public ValueList<string> Tools { get; init; } = [];

    public ValueList<HostLink> Links { get; init; } = [];

    public ValueList<HostAddress> Addresses { get; init; } = [];

    public ValueList<HostRoute> Routes { get; init; } = [];

    public ValueList<HostRule> Rules { get; init; } = [];

    public ValueList<HostSysctl> Sysctls { get; init; } = [];

    public ValueList<ListeningSocket> Sockets { get; init; } = [];

    public required HostFirewall Firewall { get; init; }

    /// <summary>Null when the host has no Docker at all.</summary>
    public DockerState? Docker { get; init; }

    public ValueList<FileSystem> FileSystems { get; init; } = [];

    /// <summary>The workload's image and data, when they were asked for.</summary>
    public ValueList<MeasuredSize> Sizes { get; init; } = [];

    /// <summary>Services of systemd that run, such as <c>nginx.service</c>.</summary>
    public ValueList<RunningService> Services { get; init; } = [];

    public required NetworkManagers Managers { get; init; }

    public required SshServer Ssh { get; init; }

    /// <summary>Files that must be as they were found in the end: SHA-256 or the target of a link, by path.</summary>
    public ValueList<HostFile> Files { get; init; } = [];

    /// <summary>Authorized keys of accounts that can sign in: SHA-256 of the file, by account.</summary>
    public ValueList<HostFile> AuthorizedKeys { get; init; } = [];

    /// <summary>What this product has on the host.</summary>
    public OwnTraces Own { get; init; } = new(false, [], []);

    /// <summary>Parts of the reading that failed, with the reason. A part whose program is not there is none of them.</summary>
    public ValueList<FailedPart> Failures { get; init; } = [];

    public bool Has(string tool) => Tools.Contains(tool);

    public HostLink? Link(string name) => Links.FirstOrDefault(link => link.Name == name);

    /// <param name="path">Below /proc/sys, such as <c>net/ipv4/ip_forward</c>.</param>
    public string? Sysctl(string path) => Sysctls.FirstOrDefault(sysctl => sysctl.Path == path)?.Value;

    /// <summary>The value before the first migration that claims it, which is what the host keeps it for.</summary>
    public string? SysctlBefore(string path) => Own.Before.FirstOrDefault(sysctl => sysctl.Path == path)?.Value ?? Sysctl(path);

    /// <summary>The way to the world of one family: the default route of the main table with the lowest metric.</summary>
    public HostRoute? DefaultRoute(AddressFamily family) => Routes
        .Where(route => route is { IsDefault: true, Table: HostRoute.MainTable, Kind: "unicast", Interface: not null } && route.Family == family)
        .MinBy(route => route.Metric);

    public FailedPart? Failure(string part) => Failures.FirstOrDefault(failure => failure.Part == part);
}

/// <param name="Part">The section's name in the reading, such as <c>docker</c>.</param>
public sealed record FailedPart(string Part, string Reason);

/// <param name="Content">SHA-256 in hex, or <c>-> TARGET</c> of a symbolic link.</param>
public sealed record HostFile(string Path, string Content);

/// <param name="Before">Values of sysctls before the first migration claimed them.</param>
public sealed record OwnTraces(bool FolderExists, ValueList<string> Migrations, ValueList<HostSysctl> Before);

/// <param name="Kind"><c>image</c>, <c>data</c>, or <c>missing</c> for a container or folder that is not there.</param>
/// <param name="Bytes">Null when it could not be added up in time.</param>
public sealed record MeasuredSize(string Kind, string What, long? Bytes);

/// <param name="Path">Where it is mounted.</param>
/// <param name="Size">Bytes.</param>
/// <param name="Available">Bytes that can still be written.</param>
public sealed record FileSystem(string Path, string Source, long Size, long Available);

/// <param name="Description">The unit's own words.</param>
public sealed record RunningService(string Unit, string Description);

/// <summary>Software that owns the host's network and may remove what it did not make.</summary>
/// <param name="Active">Units of those asked for that are active, such as <c>systemd-networkd.service</c>.</param>
/// <param name="KeepsForeignRules">systemd-networkd was told <c>ManageForeignRoutingPolicyRules=no</c> (networkd.conf(5)).</param>
/// <param name="KeepsForeignRoutes">Likewise <c>ManageForeignRoutes=no</c>.</param>
public sealed record NetworkManagers(ValueList<string> Active, bool KeepsForeignRules, bool KeepsForeignRoutes, bool Netplan)
{
    public bool IsActive(string unit) => Active.Contains(unit);
}

/// <param name="Ports">Ports that sshd listens on.</param>
/// <param name="HostKeys">Public keys as <c>TYPE BASE64</c>.</param>
public sealed record SshServer(ValueList<ushort> Ports, ValueList<string> HostKeys);
