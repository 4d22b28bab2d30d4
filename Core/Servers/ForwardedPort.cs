using System.Globalization;

namespace MigrationDashboard.Core.Servers;

public enum Transport
{
    Tcp,
    Udp,
}

/// <summary>A port of the application, as its clients call it. Written <c>25</c> or <c>25/tcp</c>, <c>53/udp</c>.</summary>
public sealed record ForwardedPort(ushort Number, Transport Transport) : IComparable<ForwardedPort>
{
    public int CompareTo(ForwardedPort? other) => other is null ? 1 : (Transport, Number).CompareTo((other.Transport, other.Number));

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Number}/{(Transport == Transport.Tcp ? "tcp" : "udp")}");
}

/// <summary>Reads lists of ports as an operator types them: numbers, ranges, with or without <c>/tcp</c> or <c>/udp</c>, separated by commas or spaces.</summary>
public static class PortList
{
    /// <summary>iptables' multiport match takes at most 15 ports, and a host renders each transport to one match: more than that is refused (iptables-extensions(8)).</summary>
    public const int MostPortsOfOneTransport = 15;

    /// <param name="sshPort">The port by which the dashboard itself reaches the servers: never forwarded, or the servers would be locked out.</param>
    /// <returns>The ports sorted and without repeats, and every error found; ports are only usable when there is no error.</returns>
    public static (ValueList<ForwardedPort> Ports, ValueList<FieldError> Errors) Parse(string? text, int sshPort = 22, string field = "ports")
    {
        var ports = new SortedSet<ForwardedPort>();
        var errors = new List<FieldError>();
        if (string.IsNullOrWhiteSpace(text))
            return ([], [new(field, "name at least one port, such as 25, 587 or 53/udp")]);
        if (text.Length > 500)
            return ([], [new(field, "the list is too long")]);

        foreach (var raw in text.Split([',', '\n'], StringSplitOptions.TrimEntries).SelectMany(part => part.Length == 0 ? [""] : part.Split(' ', StringSplitOptions.RemoveEmptyEntries)))
        {
            if (raw.Length == 0)
            {
                errors.Add(new(field, "there is an empty place between two commas"));
                continue;
            }

            var parts = raw.Split('/');
            Transport? transport = parts.Length switch
            {
                1 => Transport.Tcp,
                2 when parts[1].Equals("tcp", StringComparison.OrdinalIgnoreCase) => Transport.Tcp,
                2 when parts[1].Equals("udp", StringComparison.OrdinalIgnoreCase) => Transport.Udp,
                _ => null,
            };
            if (transport is null)
                errors.Add(new(field, $"“{Shown(raw)}” is not a port: write 25, 25/tcp or 53/udp"));
            else if (!parts[0].All(char.IsAsciiDigit) || parts[0].Length == 0)
                errors.Add(new(field, $"“{Shown(raw)}” is not a port number"));
            else if (parts[0].Length > 5 || int.Parse(parts[0], CultureInfo.InvariantCulture) is 0 or > 65535)
                errors.Add(new(field, $"{Shown(parts[0])} is not a port: ports go from 1 to 65535"));
            else if (transport == Transport.Tcp && int.Parse(parts[0], CultureInfo.InvariantCulture) == sshPort)
                errors.Add(new(field, $"{sshPort} is the port by which the dashboard reaches the server by SSH: forwarding it would lock the server out"));
            else
                ports.Add(new(ushort.Parse(parts[0], CultureInfo.InvariantCulture), transport.Value));
        }

        foreach (var group in ports.GroupBy(port => port.Transport).Where(group => group.Count() > MostPortsOfOneTransport))
            errors.Add(new(field, $"at most {MostPortsOfOneTransport} {group.Key.ToString().ToUpperInvariant()} ports can move in one migration"));
        return (ports.ToValueList(), errors.Distinct().ToValueList());
    }

    private static string Shown(string text) => text.Length > 40 ? text[..40] + "…" : text;
}
