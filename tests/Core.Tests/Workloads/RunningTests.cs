using System.Net.Sockets;
using System.Net;
using System.Text;
using MigrationDashboard.Core.HostScripts;
using MigrationDashboard.Core.Migrations;
using MigrationDashboard.Core.Servers;
using MigrationDashboard.Core.Stages;
using MigrationDashboard.Core.Tests.HostScripts;
using MigrationDashboard.Core.Workloads;
using Xunit;

namespace MigrationDashboard.Core.Tests.Workloads;

/// <summary>Stop, start, health, quiet and the host's own way back, with a workload of commands on a host made of namespaces.</summary>
public sealed class RunningTests : IDisposable
{
    private static readonly CustomCommands Commands = new("touch /run/up", "rm -f /run/up", "test -e /run/up", ["/var/lib/app"]) { StartSeconds = 1, StopSeconds = 1 };

    private readonly KernelHost host = new("old");

    [Fact]
    public void It_stops_and_starts_again()
    {
        var scripts = Scripts(Commands, "53/udp");
        Ok(scripts.Start(Role.Old));
        Assert.True(IsUp);
        Ok(scripts.Stop());
        Assert.False(IsUp);
        Assert.True(Ok(scripts.Running()).Result("running")!.Value.GetProperty("fenced").GetBoolean());
        Ok(scripts.Stop());
        Ok(scripts.Start(Role.Old));
        Assert.True(IsUp);
        Assert.False(Ok(scripts.Running()).Result("running")!.Value.GetProperty("fenced").GetBoolean());
    }

    [Fact]
    public void A_stop_that_does_not_stop_it_fails()
    {
        var scripts = Scripts(Commands with { Stop = "true" }, "53/udp");
        Ok(scripts.Start(Role.Old));
        Assert.Contains("still answers", Failure(scripts.Stop()).Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_stop_that_takes_too_long_fails_in_time()
    {
        var scripts = Scripts(Commands with { Stop = "sleep 30" }, "53/udp");
        var step = Failure(scripts.Stop());
        Assert.Equal(124, step.Exit);
        Assert.InRange(step.Ms, 900, 5000);
    }

    [Fact]
    public void A_host_that_has_gone_back_by_itself_takes_no_late_command()
    {
        var scripts = Scripts(Commands, "53/udp");
        Ok(scripts.Start(Role.Old));
        Assert.Equal(77, Failure(scripts.Stop("token")).Exit);
        Assert.True(IsUp);
        host.Sh("mkdir -p /var/lib/migration-dashboard/a1b2c3d4; echo token >/var/lib/migration-dashboard/a1b2c3d4/checkpoint");
        Ok(scripts.Stop("token"));
        Assert.False(IsUp);
    }

    [Fact]
    public void The_way_back_starts_it_where_it_was_and_only_if_it_was_stopped()
    {
        var scripts = Scripts(Commands, "53/udp");
        host.Sh(scripts.OnRevert(Role.Old));
        Assert.False(IsUp);
        Ok(scripts.Start(Role.Old));
        Ok(scripts.Stop());
        host.Sh(scripts.OnRevert(Role.Old));
        Assert.True(IsUp);
    }

    [Fact]
    public async Task The_way_back_lets_nobody_in_before_it_listens_and_asks_no_more_than_that()
    {
        var scripts = Scripts(Commands with { StartSeconds = 10, Health = new(HealthKind.Banner, "never said") }, "25");
        host.Sh("mkdir -p /var/lib/migration-dashboard/a1b2c3d4/workload; touch /var/lib/migration-dashboard/a1b2c3d4/workload/fenced");
        var back = Task.Run(() => host.Run(scripts.OnRevert(Role.Old)));
        await Task.Delay(1000);
        Assert.True(IsUp);
        Assert.False(back.IsCompleted);
        using var listener = Listener("127.0.0.1", 25, "");
        Assert.Equal(0, (await back).Exit);
    }

    [Fact]
    public void The_way_back_stops_it_where_it_went()
    {
        var scripts = Scripts(Commands, "53/udp");
        Ok(scripts.Start(Role.New));
        host.Sh(scripts.OnRevert(Role.New));
        Assert.False(IsUp);
        Ok(scripts.Start(Role.New));
        host.Sh(scripts.OnRevert(Role.Old, source: Role.New));
        Assert.False(IsUp);
    }

    [Fact]
    public async Task A_cutover_that_nobody_confirms_ends_with_the_workload_back_in_service()
    {
        using var hosts = new ThreeHosts();
        var mail = Cases.Mail(ports: "53/udp");
        var migration = mail with { Spec = mail.Spec with { Workload = Commands } };
        var scripts = WorkloadScripts.Of(migration);
        hosts.Apply(migration, Stage.Drain);
        hosts.Old.Run(scripts.Start(Role.Old)).MustSucceed("start");
        hosts.Old.Apply(migration.Config(Stage.Drain, Role.Old, held: true), checkpoint: new CheckpointChange.Arm(3, "tok", scripts.OnRevert(Role.Old))).MustSucceed("hold");
        hosts.New.Apply(migration.Config(Stage.Drain, Role.New, held: true), checkpoint: new CheckpointChange.Arm(3, "tok", scripts.OnRevert(Role.New))).MustSucceed("hold");
        hosts.Old.Run(scripts.Stop("tok")).MustSucceed("stop");
        hosts.New.Run(scripts.Start(Role.New, "tok")).MustSucceed("start on new");
        Assert.Equal((1, 0), (hosts.Old.Run("test -e /run/up").Exit, hosts.New.Run("test -e /run/up").Exit));
        var deadline = DateTime.UtcNow.AddSeconds(30);
        while (DateTime.UtcNow < deadline && (hosts.Old.Run("test -e /run/up").Exit, hosts.New.Run("test -e /run/up").Exit) != (0, 1))
            await Task.Delay(200);
        Assert.Equal((0, 1), (hosts.Old.Run("test -e /run/up").Exit, hosts.New.Run("test -e /run/up").Exit));
        Assert.Equal(77, ScriptOutput.Parse(hosts.New.Run(scripts.Start(Role.New, "tok")).Out).Failure!.Exit);
        Assert.Equal(77, ScriptOutput.Parse(hosts.Old.Run(scripts.Stop("tok")).Out).Failure!.Exit);
    }

    [Fact]
    public async Task Health_waits_until_every_port_takes_connections()
    {
        var scripts = Scripts(Commands with { StartSeconds = 10 }, "25, 587");
        host.Sh("touch /run/up");
        using var first = Listener("127.0.0.1", 25, "220 mail\r\n");
        Assert.Contains("port 587", Failure(Scripts(Commands, "25, 587").Health(Role.Old)).Output, StringComparison.Ordinal);
        var waiting = Task.Run(() => host.Run(scripts.Health(Role.Old)));
        await Task.Delay(300);
        Assert.False(waiting.IsCompleted);
        using var second = Listener("127.0.0.1", 587, "220 mail\r\n");
        Assert.Equal(0, (await waiting).Exit);
    }

    [Fact]
    public void A_service_that_listens_on_one_address_of_the_host_is_found_there()
    {
        host.Sh("touch /run/up; ip addr add 203.0.113.10/32 dev lo");
        using var listener = Listener("203.0.113.10", 25, "");
        Ok(Scripts(Commands, "25").Health(Role.Old));
    }

    [Theory]
    [InlineData(HealthKind.Banner, "220 ", null, "220 mail ready\r\n", true)]
    [InlineData(HealthKind.Banner, "220 ", null, "554 no\r\n", false)]
    [InlineData(HealthKind.Http, null, "/health", "HTTP/1.1 200 OK\r\n\r\n", true)]
    [InlineData(HealthKind.Http, "204", "/health", "HTTP/1.1 204 No Content\r\n\r\n", true)]
    [InlineData(HealthKind.Http, null, "/health", "HTTP/1.1 503 Busy\r\n\r\n", false)]
    [InlineData(HealthKind.Tls, null, null, "220 plain\r\n", false)]
    [InlineData(HealthKind.Command, "test -e /run/up", null, "", true)]
    [InlineData(HealthKind.Command, "test -e /run/down", null, "", false)]
    public void Health_is_what_was_asked_for(HealthKind kind, string? expect, string? path, string answer, bool healthy)
    {
        host.Sh("touch /run/up");
        using var listener = Listener("127.0.0.1", 25, answer);
        var outcome = host.Run(Scripts(Commands with { Health = new(kind, expect, path) }, "25").Health(Role.Old));
        Assert.True(healthy == (outcome.Exit == 0), outcome.Out + outcome.Error);
    }

    [Fact]
    public void Quiet_waits_for_the_last_connection_but_not_for_ever()
    {
        var scripts = Scripts(Commands, "25");
        using var listener = Listener("127.0.0.1", 25, "220 mail\r\n");
        var client = host.Socket(AddressFamily.InterNetwork, SocketType.Stream);
        client.Connect(IPAddress.Loopback, 25);
        Assert.Equal(1, Ok(scripts.Quiet(0.2)).Result("quiet")!.Value.GetProperty("remained").GetInt32());
        client.Dispose();
        var quiet = Ok(scripts.Quiet(5)).Result("quiet")!.Value;
        Assert.Equal(0, quiet.GetProperty("remained").GetInt32());
        Assert.InRange(quiet.GetProperty("ms").GetInt64(), 0, 3000);
    }

    [Fact]
    public void Quiet_waits_for_those_whose_handshake_is_still_on_its_way()
    {
        using var listener = Listener("127.0.0.1", 25, "220 mail\r\n");
        host.Sh("nft add table ip t; nft add chain ip t c '{ type filter hook output priority 0; }'; nft add rule ip t c tcp sport 25 'tcp flags & (syn|ack) == syn|ack' drop");
        using var client = host.Socket(AddressFamily.InterNetwork, SocketType.Stream);
        client.Blocking = false;
        Assert.Equal(SocketError.WouldBlock, Assert.Throws<SocketException>(() => client.Connect(IPAddress.Loopback, 25)).SocketErrorCode);
        Assert.Equal(1, Ok(Scripts(Commands, "25").Quiet(0.2)).Result("quiet")!.Value.GetProperty("remained").GetInt32());
    }

    [Fact]
    public async Task It_is_not_stopped_while_the_link_is_cut()
    {
        using var hosts = new ThreeHosts();
        var mail = Cases.Mail(ports: "53/udp");
        var scripts = WorkloadScripts.Of(mail with { Spec = mail.Spec with { Workload = Commands, HoldLimitSeconds = 9 } });
        hosts.Old.Run(scripts.Start(Role.Old)).MustSucceed("start");
        hosts.New.Sh("ip link set link0 down");

        Assert.Equal(("link", 74), ScriptOutput.Parse(hosts.Old.Run(scripts.StopAndSync("", Role.Old, null, null)).Out).Failure is { } step ? (step.Step, step.Exit) : default);
        Assert.Equal(0, hosts.Old.Run("test -e /run/up").Exit);

        // Plugged in again meanwhile, and a host that drops pings: both are an answer.
        var stopping = Task.Run(() => hosts.Old.Run(scripts.StopAndSync("", Role.Old, null, null)));
        await Task.Delay(1000);
        hosts.New.Sh("nft add table ip t; nft add chain ip t c '{ type filter hook input priority 0; }'; nft add rule ip t c icmp type echo-request drop; ip link set link0 up");
        (await stopping).MustSucceed("stop");
        Assert.Equal(1, hosts.Old.Run("test -e /run/up").Exit);
    }

    [Fact]
    public void Only_half_open_and_UDP_entries_of_our_own_ports_and_addresses_leave_conntrack()
    {
        host.Sh("""
            nft add table ip t; nft add chain ip t c '{ type filter hook input priority 0; }'; nft add rule ip t c ct state new counter
            add() { conntrack -I "$@" --timeout 100 >/dev/null; }
            add -p tcp -s 198.51.100.7 -d 203.0.113.10 --sport 1001 --dport 25 --state SYN_RECV
            add -p tcp -s 198.51.100.7 -d 203.0.113.10 --sport 1002 --dport 25 --state ESTABLISHED -u ASSURED
            add -p tcp -s 203.0.113.10 -d 198.51.100.9 --sport 1003 --dport 25 --state SYN_SENT
            add -p tcp -s 198.51.100.7 -d 203.0.113.10 --sport 1004 --dport 22 --state SYN_SENT
            add -p udp -s 198.51.100.7 -d 203.0.113.10 --sport 1005 --dport 5353
            add -p udp -s 198.51.100.7 -d 203.0.113.10 --sport 1006 --dport 53
            """);
        var scripts = Scripts(Commands, "25, 5353/udp");
        Assert.Equal(3, Ok(scripts.CountFlows(Role.Old)).Result("flows")!.Value.GetProperty("kinds").GetArrayLength());
        Ok(scripts.ClearFlows(Role.Old));
        Assert.Equal("1002 1003 1004 1006", host.Sh("conntrack -L 2>/dev/null | sed -n 's/.*src=[^ ]* dst=[^ ]* sport=\\(100[0-9]\\) .*/\\1/p' | sort -u | tr '\\n' ' '").Trim());
    }

    [Fact]
    public void Folders_are_made_on_the_other_host_and_taken_away_again()
    {
        var scripts = Scripts(Commands, "53/udp");
        host.Sh("mkdir -p /var/lib/app; chown 0:0 /var/lib/app");
        var inspected = host.Run(scripts.Inspect()).Out;
        using var other = new KernelHost("new");
        var plan = scripts.Prepare(inspected, other.Run(scripts.Inspect()).Out);
        Assert.Empty(plan.Errors);
        other.Run(plan.Script).MustSucceed("prepare");
        other.Run(plan.Script).MustSucceed("prepare again");
        Assert.Equal("app\nmigration-dashboard\n", other.Sh("ls /var/lib"));
        other.Run(scripts.Remove()).MustSucceed("remove");
        Assert.Equal("migration-dashboard\n", other.Sh("ls /var/lib"));
    }

    [Fact]
    public void Data_that_is_not_ours_is_never_replaced_without_being_told_to()
    {
        var scripts = Scripts(Commands, "53/udp");
        host.Sh("mkdir -p /var/lib/app");
        using var other = new KernelHost("new");
        other.Sh("mkdir -p /var/lib/app; echo theirs >/var/lib/app/file");
        var inspected = host.Run(scripts.Inspect()).Out;
        var there = other.Run(scripts.Inspect()).Out;
        Assert.Equal(73, ScriptOutput.Parse(other.Run(scripts.Prepare(inspected, there).Script).Out).Failure!.Exit);
        other.Run(Scripts(Commands with { Replace = true }, "53/udp").Prepare(inspected, there).Script).MustSucceed("prepare");
        other.Run(scripts.Remove()).MustSucceed("remove");
        Assert.Equal("theirs\n", other.Sh("cat /var/lib/app/file"));
    }

    public void Dispose() => host.Dispose();

    private bool IsUp => host.Run("test -e /run/up").Exit == 0;

    private static WorkloadScripts Scripts(Workload workload, string ports)
    {
        var mail = Cases.Mail(ports: ports);
        return WorkloadScripts.Of(mail with { Spec = mail.Spec with { Workload = workload } });
    }

    private ScriptOutput Ok(string script)
    {
        var outcome = host.Run(script);
        Assert.True(outcome.Exit == 0, outcome.Out + outcome.Error);
        Assert.Empty(outcome.Error);
        return ScriptOutput.Parse(outcome.Out);
    }

    private StepLine Failure(string script)
    {
        var outcome = host.Run(script);
        Assert.NotEqual(0, outcome.Exit);
        return ScriptOutput.Parse(outcome.Out).Failure!;
    }

    /// <summary>Answers each connection with a text, as soon as the client has said something where the text is HTTP's.</summary>
    private Listening Listener(string address, int port, string answer)
    {
        var socket = host.Socket(AddressFamily.InterNetwork, SocketType.Stream);
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        socket.Bind(new IPEndPoint(IPAddress.Parse(address), port));
        socket.Listen(50);
        return new(socket, answer);
    }

    private sealed class Listening : IDisposable
    {
        private readonly Socket socket;

        public Listening(Socket socket, string answer)
        {
            this.socket = socket;
            _ = Task.Run(async () =>
            {
                while (true)
                {
                    using var connection = await socket.AcceptAsync();
                    if (answer.StartsWith("HTTP", StringComparison.Ordinal))
                        await connection.ReceiveAsync(new byte[1000]);
                    await connection.SendAsync(Encoding.ASCII.GetBytes(answer));
                    // A client that only connects closes; one that waits for more gets the rest of the time it has.
                    _ = await Task.WhenAny(connection.ReceiveAsync(new byte[1000]), Task.Delay(1500));
                }
            });
        }

        public void Dispose() => socket.Dispose();
    }
}
