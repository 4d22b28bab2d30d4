using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using MigrationDashboard.Core;
using MigrationDashboard.Core.Connections;
using MigrationDashboard.Core.Migrations;
using MigrationDashboard.Core.Network;
using MigrationDashboard.Core.Preflight;
using MigrationDashboard.Core.Servers;
using MigrationDashboard.Core.Stages;
using MigrationDashboard.Infrastructure.Connections;
using MigrationDashboard.Infrastructure.Drifts;
using MigrationDashboard.Infrastructure.Migrations;
using MigrationDashboard.Infrastructure.Postgres;
using Npgsql;

namespace MigrationDashboard.Web.Tests.Pages;

/// <summary>A dashboard over a database of the tests' own, in which a mail server is being moved; nobody but the test counts or runs anything.</summary>
public sealed class MailMigration : IAsyncLifetime
{
    private readonly string folder = Directory.CreateTempSubdirectory("pages-tests").FullName;
    private readonly Dictionary<Role, (SamplerLease Lease, SampleTrack Track, SampledEnd End)> counted = [];
    private Database database = null!;

    public Dashboard Dashboard { get; private set; } = null!;

    public Guid Id { get; } = Guid.NewGuid();

    public string Path => $"/migrations/{Id}";

    public NpgsqlDataSource Source => database.Source;

    /// <summary>Of the database, for another dashboard beside this one.</summary>
    public string ConnectionString => database.ConnectionString;

    public MigrationStore Migrations => new(Source);

    public RunStore Runs => new(Source);

    public DriftStore Drifts => new(Source);

    public async ValueTask InitializeAsync()
    {
        File.SetUnixFileMode(folder, File.GetUnixFileMode(folder) | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
        database = await Database.OpenAsync(new() { DataFolder = folder }, NullLoggerFactory.Instance, CancellationToken.None);
        await SeedAsync();
        Dashboard = await Dashboard.StartSeededAsync($"--Database:ConnectionString={database.ConnectionString}");
        foreach (var (name, role) in new[] { ("vera", "viewer"), ("otto", "operator"), ("anna", "approver") })
            await Dashboard.AddUserAsync(name, role);
    }

    public async ValueTask DisposeAsync()
    {
        if (Dashboard is not null) await Dashboard.DisposeAsync();
        await database.DisposeAsync();
        Directory.Delete(folder, recursive: true);
    }

    /// <summary>What both hosts report at one moment.</summary>
    /// <param name="calls">How many have called <c>old</c> directly so far.</param>
    /// <param name="caller">Who calls.</param>
    public async Task CountAsync(int direct, int forwarded, int calls, DateTimeOffset? at = null, string caller = "198.51.100.7")
    {
        var now = at ?? DateTimeOffset.UtcNow;
        await CountAsync(Role.Old, "direct", direct, calls, now, caller);
        await CountAsync(Role.New, "forwarded", forwarded, calls * 20, now, caller);
    }

    /// <summary>A run under way, with nobody who does it.</summary>
    public async Task<Guid> BeginAsync(Stage from, Stage target, Direction direction = Direction.Advance)
    {
        var id = Guid.CreateVersion7();
        await Runs.AddAsync(new StageRun { Id = id, MigrationId = Id, Direction = direction, From = from, Target = target, State = RunState.Planned, RequestedBy = "ada", RequestedAt = DateTimeOffset.UtcNow }, default);
        Assert.True(await Runs.StartAsync(id, "test", default));
        return id;
    }

    public async Task StepAsync(Guid run, int number, string name, string? host, StepState state, string output, int milliseconds = 120)
    {
        await Runs.BeginStepAsync(run, number, name, host, DateTimeOffset.UtcNow, default);
        if (state != StepState.Running)
            await Runs.EndStepAsync(run, number, state, milliseconds, state == StepState.Failed ? 1 : 0, output, default);
    }

    private async Task SeedAsync()
    {
        var (old, @new) = (Guid.NewGuid(), Guid.NewGuid());
        var servers = new ServerStore(Source);
        await servers.AddAsync(new(old, "mail-old", "203.0.113.10", 22, "migrate", [], Guid.NewGuid(), DateTimeOffset.UtcNow), default);
        await servers.AddAsync(new(@new, "mail-new", "203.0.113.20", 22, "migrate", [], Guid.NewGuid(), DateTimeOffset.UtcNow), default);
        var spec = new MigrationSpec
        {
            Name = "mail.example.org",
            OldServer = old,
            NewServer = @new,
            Ports = [new(25, Transport.Tcp), new(587, Transport.Tcp)],
            Link = new(LinkKind.OpenVpnTap, InterfaceName.Of("md0"), InterfaceName.Of("md0"), new(IPNetwork.Parse("10.99.0.0/30"), IPAddress.Parse("10.99.0.1"), IPAddress.Parse("10.99.0.2"), true), null, 1194),
            Workload = new DockerContainer(DockerName.Of("mail")),
        };
        await Migrations.AddAsync(Id, spec, Allocation.FirstMask, "ada", default);
        await Migrations.AddAsync(Guid.NewGuid(), spec with { Name = "web.example.org", Ports = [new(443, Transport.Tcp)] }, Allocation.FirstMask, "ada", default);
        foreach (var (role, address) in new[] { (Role.Old, "203.0.113.10"), (Role.New, "203.0.113.20") })
            await Migrations.SaveFactsAsync(Id, role, new HostFacts
            {
                PublicInterface = InterfaceName.Of("eth0"),
                PublicIpv4 = IPAddress.Parse(address),
                Backend = RulesBackend.Nft,
                ForwardFirewalls = [FirewallKind.DockerUser],
                LinkFingerprint = new string('a', 64),
                LinkMtu = 1500,
            }, default);
        await Migrations.SaveChecksAsync(Id, CoreJson.Write(new ValueList<CheckResult>(
        [
            new("kernel", "Kernel", Role.Old, CheckStatus.Pass, "6.1.0 with nf_tables"),
            new("forward", "Forwarding through the firewall", Role.New, CheckStatus.Warn, "Docker set the policy of FORWARD to DROP", "Forwarded packets would be dropped.", "An opening is added to DOCKER-USER and taken away at the end."),
        ])), default);
        var leases = await new SamplerLeases(Source, "test").TakeAsync([old, @new], default);
        await using (var keep = Source.CreateCommand("UPDATE sampler_lease SET expires_at = now() + interval '1 day'"))
            await keep.ExecuteNonQueryAsync();
        await Migrations.SaveStageAsync(Id, Stage.Drain, default);
        var migration = (await Migrations.FindAsync(Id, default))!.Migration;
        foreach (var (role, server) in new[] { (Role.Old, old), (Role.New, @new) })
        {
            var end = SampledEnd.Of(migration, role)!;
            counted[role] = (leases.Single(lease => lease.Server == server), new([end], new Dictionary<(Guid, AddressFamily), CounterMark>()), end);
        }

        // A quarter of an hour in which fewer and fewer call old.
        var now = DateTimeOffset.UtcNow;
        for (var second = -900; second < 0; second += 5)
            await CountAsync(Math.Max(3, 40 + (second / -25) - 17), 380 + (second / 60 * -1) + (second % 35), (second + 900) / 60, now.AddSeconds(second));
        var checks = await BeginAsync(Stage.Preflight, Stage.Preflight);
        await StepAsync(checks, 1, "read", "mail-old", StepState.Succeeded, "Debian 11, nft 0.9.8", 412);
        await StepAsync(checks, 2, "read", "mail-new", StepState.Succeeded, "Debian 12, nft 1.0.6", 398);
        await Runs.FinishAsync(checks, RunState.Succeeded, null, default);
        var drain = await BeginAsync(Stage.Dns, Stage.Drain);
        await StepAsync(drain, 1, "dns", null, StepState.Succeeded, "No DNS name is watched.", 3);
        await Runs.FinishAsync(drain, RunState.Succeeded, null, default);
    }

    private async Task CountAsync(Role role, string path, int established, int counter, DateTimeOffset at, string caller)
    {
        var (lease, track, end) = counted[role];
        var line = string.Create(CultureInfo.InvariantCulture,
            $$"""
            {"v":1,"clock":{{at.ToUnixTimeSeconds()}},"cost_ms":10,"pass_ms":10,"next_ms":1000,"conntrack":[1000,262144],"full":true,"reader":"proc","migrations":[{"key":"{{end.Allocation.Key}}",
            "new":[[4,"boot.1.0","{{path}}",{{counter}},0,0]],"counts":[["{{path}}",4,"tcp",25,{{established}},0]],"distinct":{"{{path}}":[1,1]},"capped":false,"clients":[["{{path}}","{{caller}}","tcp",25,{{established}},0]]}]}
            """).ReplaceLineEndings("");
        var (read, error) = SampleLineReader.Read(line, [end]);
        Assert.True(error is null, $"{error}: {line}");
        await new SampleStore(Source).WriteAsync(lease, [.. track.Next(read!, at)], default);
    }
}
