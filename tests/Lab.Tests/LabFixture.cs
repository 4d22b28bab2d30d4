using Xunit;
using MigrationDashboard.Core.Migrations;
using MigrationDashboard.Core.Servers;
using MigrationDashboard.Driver;

[assembly: Xunit.AssemblyFixture(typeof(MigrationDashboard.Lab.Tests.LabFixture))]
[assembly: Xunit.CollectionBehavior(DisableTestParallelization = true)]

namespace MigrationDashboard.Lab.Tests;

/// <summary>The lab and a dashboard with both servers registered, for all tests of the project. Run by <c>script/lab exec</c>.</summary>
public sealed class LabFixture : IAsyncLifetime
{
    public Driver.Lab Lab { get; private set; } = null!;

    public Dashboard Dashboard { get; private set; } = null!;

    public Guid Key { get; private set; }

    public Guid Old { get; private set; }

    public Guid New { get; private set; }

    public static string Program(Driver.Lab lab) => Path.Combine(lab.Root, "Web/bin/Debug/net10.0/MigrationDashboard.Web");

    public async ValueTask InitializeAsync()
    {
        Lab = await Driver.Lab.AttachAsync();
        Dashboard = await Dashboard.StartAsync(Program(Lab));
        Key = await Dashboard.ImportKeyAsync(Lab.Fact("LAB_KEY"));
        try
        {
            Old = await Dashboard.RegisterAsync("old", Lab.Fact("LAB_OLD"), Key);
            New = await Dashboard.RegisterAsync("new", Lab.Fact("LAB_NEW"), Key);
        }
        catch (HttpRequestException problem)
        {
            throw new InvalidOperationException($"{problem.Message}\n{await Lab.DiagnoseAsync()}", problem);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (Dashboard is not null)
            await Dashboard.DisposeAsync();
    }

    /// <summary>The seed case: the mail container over the network both servers are on.</summary>
    public MigrationInput Mail(string name) => new()
    {
        Name = name,
        OldServer = Old,
        NewServer = New,
        Link = Link(Kind),
        Ports = "25, 587",
        Workload = new() { Kind = "docker", Container = "mail" },
        Mode = CutoverMode.Exclusive,
        Gate = new(0, 0, 0),

        // Above the default of 8: a busy computer must not have a cutover taken back.
        HoldLimitSeconds = 45,
    };

    /// <summary>The link of the seed case: LAB_LINK says openvpn or vxlan for a run over a tunnel.</summary>
    public static LinkKind Kind => Environment.GetEnvironmentVariable("LAB_LINK") switch
    {
        null or "" => LinkKind.Existing,
        "openvpn" => LinkKind.OpenVpnTap,
        "vxlan" => LinkKind.Vxlan,
        var other => throw new InvalidOperationException($"LAB_LINK={other}: openvpn, vxlan or nothing."),
    };

    public LinkInput Link(LinkKind kind) => kind == LinkKind.Existing
        ? new() { Kind = kind, OldInterface = "eth1", NewInterface = "eth1", OldIpv4 = Lab.Fact("LAB_OLD_LAN") + "/24", NewIpv4 = Lab.Fact("LAB_NEW_LAN") + "/24", OldIpv6 = "fd77::1/64", NewIpv6 = "fd77::2/64", AddIpv6 = true }
        : new() { Kind = kind, OldInterface = "md0", NewInterface = "md0", OldIpv4 = "10.88.0.1/30", NewIpv4 = "10.88.0.2/30", OldIpv6 = "fd88::1/64", NewIpv6 = "fd88::2/64", AddIpv6 = true };

    /// <summary>The stateless container, which may run on both servers at once.</summary>
    public MigrationInput Echo(string name, LinkKind kind) => Mail(name) with { Ports = "8025", Workload = new() { Kind = "docker", Container = "echo" }, Mode = CutoverMode.Parallel, Link = Link(kind) };
}
