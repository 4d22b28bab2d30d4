using System.Net;
using System.Net.Sockets;
using MigrationDashboard.Core.Migrations;
using MigrationDashboard.Core.Network;
using MigrationDashboard.Core.Servers;
using MigrationDashboard.Core.Stages;

namespace MigrationDashboard.Core.Connections;

/// <summary>The addresses by which one family of connections is told apart on one host.</summary>
/// <param name="Public">This host's address that clients call.</param>
/// <param name="Link">This host's address on the link; null on a link without this family.</param>
/// <param name="Peer">The peer's address on the link; null likewise.</param>
public sealed record SampledAddresses(IPAddress Public, IPAddress? Link, IPAddress? Peer)
{
    public AddressFamily Family => Public.AddressFamily;
}

/// <summary>One migration as one of its two hosts is to count it.</summary>
public sealed record SampledEnd(
    Guid Migration,
    Role Role,
    RulesBackend Backend,
    Allocation Allocation,
    ValueList<ForwardedPort> Ports,
    ValueList<SampledAddresses> Addresses)
{
    /// <returns>Null while the host's addresses are not known.</returns>
    public static SampledEnd? Of(Migration migration, Role role)
    {
        if (migration.Facts(role) is not { } facts)
            return null;
        var addresses = new List<SampledAddresses>();
        foreach (var (network, address) in new[] { (migration.Spec.Link.Ipv4, facts.PublicIpv4), (migration.Spec.Link.Ipv6, facts.PublicIpv6) })
            if (address is not null)
                addresses.Add(role == Role.Old ? new(address, network?.Old, network?.New) : new(address, network?.New, network?.Old));
        return addresses.Count == 0 ? null : new(migration.Id, role, facts.Backend, migration.Allocation, migration.Spec.Ports, addresses.ToValueList());
    }
}
