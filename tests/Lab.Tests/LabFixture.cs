using Xunit;
using MigrationDashboard.Core.Migrations;
using MigrationDashboard.Core.Servers;
using MigrationDashboard.Core.Stages;
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
        Old = await Dashboard.RegisterAsync("old", Lab.Fact("LAB_OLD"), Key);
        New = await Dashboard.RegisterAsync("new", Lab.Fact("LAB_NEW"), Key);
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
        Link = new()
        {
            Kind = LinkKind.Existing, OldInterface = "eth1", NewInterface = "eth1",
            OldIpv4 = Lab.Fact("LAB_OLD_LAN") + "/24", NewIpv4 = Lab.Fact("LAB_NEW_LAN") + "/24",
        },
        Ports = "25, 587",
        Workload = new() { Kind = "docker", Container = "mail" },
        Mode = CutoverMode.Exclusive,
        Gate = new(0, 0, 0),

        // Above the default of 8: a busy computer must not have a cutover taken back.
        HoldLimitSeconds = 45,
    };
}
