using System.Net;
using MigrationDashboard.Core.Inventory;
using MigrationDashboard.Core.Migrations;
using MigrationDashboard.Core.Network;
using MigrationDashboard.Core.Preflight;
using MigrationDashboard.Core.Servers;
using MigrationDashboard.Core.Stages;
using MigrationDashboard.Core.Tests.Inventory;

namespace MigrationDashboard.Core.Tests.Preflight;

/// <summary>The seed case on the lab's machines, to be spoilt in one place by each test.</summary>
internal sealed record CheckCase
{
    public HostInventory Old { get; init; } = Fixture.Old with { System = Fixture.Old.System with { ClockOffset = TimeSpan.Zero } };

    public HostInventory New { get; init; } = Fixture.New with { System = Fixture.New.System with { ClockOffset = TimeSpan.FromSeconds(1) } };

    public MigrationSpec Spec { get; init; } = Fixture.Spec;

    public Allocation? Allocation { get; init; } = new(1, "0123abcd", 0x00ff0000);

    public static CheckCase Seed { get; } = new();

    public static MigrationSpec Tunnel(LinkKind kind = LinkKind.OpenVpnTap) => Fixture.Spec with
    {
        Link = new(kind, Fixture.Interface("md0"), Fixture.Interface("md0"),
            new(IPNetwork.Parse("10.254.7.0/30"), IPAddress.Parse("10.254.7.1"), IPAddress.Parse("10.254.7.2"), AddedByUs: true), null),
    };

    public PreflightInput Input => new(Spec, HostReading.Of(Old), HostReading.Of(New)) { Allocation = Allocation };

    /// <summary>What the check says of one host, or of both for null; the worst when it says several things.</summary>
    public CheckResult Ask(Check check, Role? role = null) =>
        check.Judge(Input).Where(result => result.Role == role).MaxBy(result => result.Status) ?? throw new InvalidOperationException($"{check.Id} says nothing of {role}.");

    public CheckStatus Status(Check check, Role? role = null) => Ask(check, role).Status;

    public CheckCase WithOld(Func<HostInventory, HostInventory> change) => this with { Old = change(Old) };

    public CheckCase WithNew(Func<HostInventory, HostInventory> change) => this with { New = change(New) };

    public CheckCase WithSpec(Func<MigrationSpec, MigrationSpec> change) => this with { Spec = change(Spec) };
}
