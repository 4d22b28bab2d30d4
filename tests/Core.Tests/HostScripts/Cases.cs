using System.Net;
using MigrationDashboard.Core.HostScripts;
using MigrationDashboard.Core.Migrations;
using MigrationDashboard.Core.Network;
using MigrationDashboard.Core.Servers;
using MigrationDashboard.Core.Stages;

namespace MigrationDashboard.Core.Tests.HostScripts;

/// <summary>Migrations between the hosts of <see cref="ThreeHosts"/>.</summary>
public static class Cases
{
    private static readonly InterfaceName Pub = InterfaceName.Of("pub0");
    private static readonly InterfaceName Link0 = InterfaceName.Of("link0");

    public static LinkNetwork Four { get; } = new(IPNetwork.Parse("10.99.0.0/30"), IPAddress.Parse("10.99.0.1"), IPAddress.Parse("10.99.0.2"), AddedByUs: false);

    public static LinkNetwork Six { get; } = new(IPNetwork.Parse("fd99::/64"), IPAddress.Parse("fd99::1"), IPAddress.Parse("fd99::2"), AddedByUs: false);

    public static Link ExistingLink { get; } = new(LinkKind.Existing, Link0, Link0, Four, Six);

    /// <summary>The seed case: mail on 25 and 587, with an echo of 5353/udp when asked for.</summary>
    public static Migration Mail(RulesBackend backend = RulesBackend.Nft, int slot = 1, string key = "a1b2c3d4", string ports = "25, 587", Link? link = null)
    {
        var id = Guid.ParseExact(key + "000000000000000000000000", "N");
        return new()
        {
            Id = id,
            Spec = new()
            {
                Name = "mail",
                OldServer = Guid.Empty,
                NewServer = Guid.Empty,
                Link = link ?? ExistingLink,
                Ports = PortList.Parse(ports).Ports,
                Workload = new DockerContainer(DockerName.Of("mail")),
            },
            Allocation = new(slot, Allocation.KeyOf(id), Allocation.FirstMask),
            OldFacts = Facts(backend, ThreeHosts.OldPublic, ThreeHosts.OldPublic6),
            NewFacts = Facts(backend, ThreeHosts.NewPublic, ThreeHosts.NewPublic6),
        };
    }

    public static HostConfig Config(this Migration migration, Stage stage, Role role, bool held = false) => StageConfigs.For(migration, stage, role, held);

    private static HostFacts Facts(RulesBackend backend, IPAddress four, IPAddress six) =>
        new() { PublicInterface = Pub, PublicIpv4 = four, PublicIpv6 = six, Backend = backend, LinkMtu = 1500 };
}

/// <summary>Applying configurations to the hosts as the product does, without SSH.</summary>
public static class Applying
{
    public static readonly CheckpointChange NoCheckpoint = new CheckpointChange.None();

    public static Outcome Apply(this KernelHost host, HostConfig config, RulesBackend backend = RulesBackend.Nft, CheckpointChange? checkpoint = null, string expected = "any", bool force = false, Pace pace = Pace.Whole) =>
        host.Run(ApplyScript.Render(config, backend, checkpoint ?? NoCheckpoint, expected, force, pace));

    public static Outcome Confirm(this KernelHost host, HostConfig config, string token) => host.Run(ApplyScript.Confirm(config, token));

    /// <summary>Both hosts to a stage, without a checkpoint; every step must succeed.</summary>
    public static void Apply(this ThreeHosts hosts, Migration migration, Stage stage, bool held = false)
    {
        foreach (var (host, role) in new[] { (hosts.Old, Role.Old), (hosts.New, Role.New) })
            host.Apply(migration.Config(stage, role, held), migration.Facts(role)!.Backend).MustSucceed($"{role} to {stage}");
    }

    /// <summary>Everything that a migration may touch on a host, as text.</summary>
    public static string Everything(this KernelHost host) => host.Sh("""
        for f in 4 6; do ip -$f rule; ip -$f route show table all | grep -v ' proto kernel\|^multicast\|table local'; done
        ip -o addr | awk '{ print $2, $3, $4 }'
        nft -s list ruleset
        for t in raw mangle nat filter; do iptables -t $t -S 2>/dev/null; ip6tables -t $t -S 2>/dev/null; done
        grep -rH . /proc/sys/net/ipv4/conf /proc/sys/net/ipv4/ip_forward 2>/dev/null
        grep -rHE . /proc/sys/net/ipv6/conf/*/forwarding /proc/sys/net/ipv6/conf/*/accept_ra
        find /var/lib /etc/systemd | sort
        """);
}
