using System.Net;
using MigrationDashboard.Core.Inventory;
using MigrationDashboard.Core.Migrations;
using MigrationDashboard.Core.Servers;

namespace MigrationDashboard.Core.Tests.Inventory;

/// <summary>Readings taken from real machines: the lab's two, and a network namespace with a plain nft firewall and names meant to break parsers.</summary>
internal static class Fixture
{
    public static string Text(string name)
    {
        using var reader = new StreamReader(typeof(Fixture).Assembly.GetManifestResourceStream(name) ?? throw new FileNotFoundException(name));
        return reader.ReadToEnd();
    }

    public static HostInventory Old => InventoryText.Parse(Text("lab-old"));

    public static HostInventory New => InventoryText.Parse(Text("lab-new"));

    public static HostInventory Plain => InventoryText.Parse(Text("plain-nft"));

    /// <summary>The seed case: the container mail with ports 25 and 587, over the lab's second network.</summary>
    public static MigrationSpec Spec { get; } = new()
    {
        Name = "mail.example.org",
        OldServer = Guid.Parse("00000000-0000-0000-0000-00000000000a"),
        NewServer = Guid.Parse("00000000-0000-0000-0000-00000000000b"),
        Link = new(LinkKind.Existing, Interface("eth1"), Interface("eth1"),
            new(IPNetwork.Parse("10.77.0.0/24"), IPAddress.Parse("10.77.0.1"), IPAddress.Parse("10.77.0.2"), AddedByUs: false), null),
        Ports = [new(25, Transport.Tcp), new(587, Transport.Tcp)],
        Workload = new DockerContainer(Name.Parse<DockerName>("mail", "container")),
    };

    public static InterfaceName Interface(string name) => Name.Parse<InterfaceName>(name, "interface");
}
