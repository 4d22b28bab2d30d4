using System.Net;
using System.Net.Sockets;
using MigrationDashboard.Core.Dns;
using MigrationDashboard.Core.Servers;
using MigrationDashboard.Core.Stages;

namespace MigrationDashboard.Core.Migrations;

/// <summary>A migration as somebody types it, in the browser or to the API: nothing in it has been checked.</summary>
public sealed record MigrationInput
{
    public string? Name { get; init; }

    public Guid? OldServer { get; init; }

    public Guid? NewServer { get; init; }

    public LinkInput? Link { get; init; }

    /// <summary>As in <see cref="PortList"/>: <c>25, 587, 53/udp</c>.</summary>
    public string? Ports { get; init; }

    public WorkloadInput? Workload { get; init; }

    public CutoverMode? Mode { get; init; }

    public bool EgressThroughNew { get; init; }

    public IReadOnlyList<string>? DnsNames { get; init; }

    public IReadOnlyList<string>? DnsResolvers { get; init; }

    public int? HoldLimitSeconds { get; init; }

    public int? CheckpointSeconds { get; init; }

    public double? QuietSeconds { get; init; }

    public GateInput? Gate { get; init; }

    public int? CopyAheadMinutes { get; init; }
}

public sealed record LinkInput
{
    public LinkKind? Kind { get; init; }

    public string? OldInterface { get; init; }

    public string? NewInterface { get; init; }

    /// <summary>Addresses with prefix length: <c>10.77.0.1/24</c>.</summary>
    public string? OldIpv4 { get; init; }

    public string? NewIpv4 { get; init; }

    public string? OldIpv6 { get; init; }

    public string? NewIpv6 { get; init; }

    /// <summary>The IPv6 addresses are not on the interfaces yet: put there and taken away with the migration. Always so for tunnels.</summary>
    public bool AddIpv6 { get; init; }

    public int? Port { get; init; }

    public int? Vni { get; init; }
}

public sealed record WorkloadInput
{
    /// <summary><c>docker</c>, <c>compose</c>, <c>systemd</c> or <c>commands</c>.</summary>
    public string? Kind { get; init; }

    public string? Container { get; init; }

    public string? Project { get; init; }

    public string? Folder { get; init; }

    public string? Unit { get; init; }

    public IReadOnlyList<string>? DataFolders { get; init; }

    public string? Start { get; init; }

    public string? Stop { get; init; }

    public string? HealthCommand { get; init; }

    public HealthCheck? Health { get; init; }

    public int? StopSeconds { get; init; }

    public int? StartSeconds { get; init; }

    /// <summary>What is on the other server by the same name may be replaced.</summary>
    public bool Replace { get; init; }
}

public sealed record GateInput(int? MostNew, int? WithinMinutes, int? MinutesAfterTtl);

/// <summary>Turns what was typed into a <see cref="MigrationSpec"/>, or into every reason why it cannot be one.</summary>
public static class MigrationSpecs
{
    public const int LongestName = 80;

    /// <summary>Shorter than this nothing stops and starts again; the wait for established connections alone is one second unless said otherwise.</summary>
    private const int LeastHold = 2;

    /// <summary>What a stop and a start may take when nothing is said of them, seconds.</summary>
    public static (int Stop, int Start) UsualSeconds(MigrationInput input) =>
        WorkloadSpecs.DefaultSeconds(HoldOf(input.Mode, Math.Clamp(input.HoldLimitSeconds ?? 8, LeastHold, 60)));

    /// <summary>The hold in which the workload stops and starts; null where it does so outside of one.</summary>
    private static int? HoldOf(CutoverMode? mode, int hold) => mode != CutoverMode.Parallel && hold is >= LeastHold and <= 60 ? hold : null;

    /// <exception cref="InvalidInputException">With every error that was found.</exception>
    public static MigrationSpec Parse(MigrationInput input, int sshPort = 22)
    {
        var errors = new List<FieldError>();
        var name = (input.Name ?? "").Trim();
        if (name.Length == 0)
            errors.Add(new("name", "give the migration a name"));
        else if (name.Length > LongestName)
            errors.Add(new("name", $"a name has at most {LongestName} characters"));
        else if (name.Any(char.IsControl))
            errors.Add(new("name", "a name has no control characters"));

        if (input.OldServer is null)
            errors.Add(new("oldServer", "choose the server the application runs on"));
        if (input.NewServer is null)
            errors.Add(new("newServer", "choose the server it moves to"));
        else if (input.OldServer == input.NewServer)
            errors.Add(new("newServer", "the application cannot move to the server it is on: choose another"));

        var link = ParseLink(input.Link ?? new(), errors);
        var (ports, portErrors) = PortList.Parse(input.Ports, sshPort);
        errors.AddRange(portErrors);
        if (link?.Port is { } tunnelPort && ports.Contains(new ForwardedPort(tunnelPort, Transport.Udp)))
            errors.Add(new("ports", $"{tunnelPort}/udp is the link's own port: forwarding it would cut the link"));
        var hold = Between(input.HoldLimitSeconds ?? 8, LeastHold, 60, "holdLimitSeconds", "seconds", errors);
        var mode = input.Mode ?? CutoverMode.Exclusive;
        var workload = WorkloadSpecs.Parse(input.Workload ?? new(), HoldOf(mode, hold), errors);

        var names = new List<string>();
        foreach (var dnsName in (input.DnsNames ?? []).Select(text => text.Trim()).Where(text => text.Length > 0))
            if (DnsNames.Refuse(dnsName) is { } reason)
                errors.Add(new("dnsNames", reason));
            else
                names.Add(dnsName.TrimEnd('.').ToLowerInvariant());
        var resolvers = new List<IPAddress>();
        foreach (var text in (input.DnsResolvers ?? []).Select(text => text.Trim()).Where(text => text.Length > 0))
            if (IPAddress.TryParse(text, out var address))
                resolvers.Add(address);
            else
                errors.Add(new("dnsResolvers", $"“{Shown(text)}” is not an IP address"));

        var checkpoint = Between(input.CheckpointSeconds ?? 30, 5, 600, "checkpointSeconds", "seconds", errors);
        var quiet = Between(input.QuietSeconds ?? 1, 0, 30, "quietSeconds", "seconds", errors);
        if (mode == CutoverMode.Exclusive && quiet >= hold)
            errors.Add(new("quietSeconds", $"the wait for established connections must be shorter than the hold's limit of {hold} s"));
        var ahead = Between(input.CopyAheadMinutes ?? 30, 0, 1440, "copyAheadMinutes", "minutes", errors);
        var gate = new Gate(
            Between(input.Gate?.MostNew ?? 0, 0, 1_000_000, "gate.mostNew", "connections", errors),
            Between(input.Gate?.WithinMinutes ?? 10, 0, 10_080, "gate.withinMinutes", "minutes", errors),
            Between(input.Gate?.MinutesAfterTtl ?? 0, 0, 10_080, "gate.minutesAfterTtl", "minutes", errors));

        if (errors.Count > 0)
            throw new InvalidInputException(errors);
        return new()
        {
            Name = name,
            OldServer = input.OldServer!.Value,
            NewServer = input.NewServer!.Value,
            Link = link!,
            Ports = ports,
            Workload = workload!,
            Mode = mode,
            EgressThroughNew = input.EgressThroughNew,
            DnsNames = names.Distinct().ToValueList(),
            DnsResolvers = resolvers.Distinct().ToValueList(),
            HoldLimitSeconds = hold,
            CheckpointSeconds = checkpoint,
            QuietSeconds = quiet,
            Gate = gate,
            CopyAheadMinutes = ahead,
        };
    }

    private static Link? ParseLink(LinkInput input, List<FieldError> errors)
    {
        var before = errors.Count;
        if (input.Kind is not { } kind)
        {
            errors.Add(new("link.kind", "choose a link: an existing network, OpenVPN or VXLAN"));
            return null;
        }

        var oldInterface = ParseName<InterfaceName>(input.OldInterface, "link.oldInterface", errors);
        var newInterface = ParseName<InterfaceName>(input.NewInterface, "link.newInterface", errors);
        var ours = kind != LinkKind.Existing;
        var ipv4 = ParseNetwork(input.OldIpv4, input.NewIpv4, AddressFamily.InterNetwork, ours, "Ipv4", errors);
        var ipv6 = ParseNetwork(input.OldIpv6, input.NewIpv6, AddressFamily.InterNetworkV6, ours || input.AddIpv6, "Ipv6", errors);
        if (ipv4 is null && ipv6 is null && errors.Count == before)
            errors.Add(new("link.oldIpv4", "give each end an address on the link, such as 10.77.0.1/24"));
        ushort? port = null;
        if (ours)
            port = (ushort)Between(input.Port ?? (kind == LinkKind.Vxlan ? StageConfigs.DefaultVxlanPort : StageConfigs.DefaultOpenVpnPort), 1, 65535, "link.port", "", errors);
        int? vni = null;
        if (kind == LinkKind.Vxlan && input.Vni is { } wanted)
            vni = Between(wanted, 1, 16_777_215, "link.vni", "", errors);
        return errors.Count > before ? null : new(kind, oldInterface!, newInterface!, ipv4, ipv6, port, vni);
    }

    private static LinkNetwork? ParseNetwork(string? oldText, string? newText, AddressFamily family, bool addedByUs, string suffix, List<FieldError> errors)
    {
        if (string.IsNullOrWhiteSpace(oldText) && string.IsNullOrWhiteSpace(newText))
            return null;
        var example = family == AddressFamily.InterNetwork ? "10.77.0.1/24" : "fd77::1/64";
        var old = ParseAddress(oldText, family, "link.old" + suffix, example, errors);
        var @new = ParseAddress(newText, family, "link.new" + suffix, example, errors);
        if (old is null || @new is null)
            return null;
        if (old.Value.Network != @new.Value.Network)
        {
            errors.Add(new("link.new" + suffix, $"{@new.Value.Address} is not in the network of the other end, {old.Value.Network}"));
            return null;
        }

        if (old.Value.Address.Equals(@new.Value.Address))
        {
            errors.Add(new("link.new" + suffix, "both ends have the same address"));
            return null;
        }

        return new(old.Value.Network, old.Value.Address, @new.Value.Address, addedByUs);
    }

    private static (IPAddress Address, IPNetwork Network)? ParseAddress(string? text, AddressFamily family, string field, string example, List<FieldError> errors)
    {
        var parts = (text ?? "").Trim().Split('/');
        if (parts.Length != 2 || !IPAddress.TryParse(parts[0], out var address) || address.AddressFamily != family || !parts[0].Contains(family == AddressFamily.InterNetwork ? '.' : ':', StringComparison.Ordinal)
            || !byte.TryParse(parts[1], out var length) || length == 0 || length > (family == AddressFamily.InterNetwork ? 31 : 127))
        {
            errors.Add(new(field, $"write an address with its prefix length, such as {example}"));
            return null;
        }

        var bytes = address.GetAddressBytes();
        for (var bit = length; bit < bytes.Length * 8; bit++)
            bytes[bit / 8] &= (byte)~(0x80 >> (bit % 8));
        return (address, new IPNetwork(new IPAddress(bytes), length));
    }

    internal static T? ParseName<T>(string? text, string field, List<FieldError> errors)
        where T : class, IName<T>
    {
        var trimmed = text?.Trim();
        if (T.Refuse(trimmed) is not { } reason)
            return T.Of(trimmed!);
        errors.Add(new(field, reason));
        return null;
    }

    internal static T Between<T>(T value, T least, T most, string field, string unit, List<FieldError> errors)
        where T : IComparable<T>
    {
        if (value.CompareTo(least) < 0 || value.CompareTo(most) > 0)
            errors.Add(new(field, $"from {least} to {most}{(unit.Length > 0 ? " " + unit : "")}"));
        return value;
    }

    internal static string Shown(string text) => text.Length > 40 ? text[..40] + "…" : text;
}
