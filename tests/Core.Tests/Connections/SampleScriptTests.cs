using System.Globalization;
using System.Net;
using System.Net.Sockets;
using MigrationDashboard.Core.Connections;
using MigrationDashboard.Core.HostScripts;
using MigrationDashboard.Core.Migrations;
using MigrationDashboard.Core.Servers;
using MigrationDashboard.Core.Stages;
using MigrationDashboard.Core.Tests.HostScripts;
using Xunit;

namespace MigrationDashboard.Core.Tests.Connections;

/// <summary>The sampler's script on real kernels, with the product's own rules and real connections.</summary>
public sealed class SampleScriptTests : IDisposable
{
    private readonly ThreeHosts hosts = new();

    public void Dispose() => hosts.Dispose();

    public static TheoryData<RulesBackend, string> Ways { get; } = new()
    {
        { RulesBackend.Nft, "proc" },
        { RulesBackend.Nft, "conntrack" },
        { RulesBackend.Iptables, "proc" },
        { RulesBackend.Iptables, "conntrack" },
    };

    [Theory]
    [MemberData(nameof(Ways))]
    public void In_Drain_each_connection_is_counted_once_where_it_came_in(RulesBackend backend, string reader)
    {
        using var four = WhoAmI.Tcp(hosts.Old, IPAddress.Any, 25);
        using var six = WhoAmI.Tcp(hosts.Old, IPAddress.IPv6Any, 587);
        var mail = Cases.Mail(backend);
        hosts.Apply(mail, Stage.Drain);
        var sessions = new[] { hosts.Connect(ThreeHosts.OldPublic, 25), hosts.Connect(ThreeHosts.OldPublic6, 587), hosts.Connect(ThreeHosts.NewPublic, 25), hosts.Connect(ThreeHosts.NewPublic, 25), hosts.Connect(ThreeHosts.NewPublic6, 587) };
        Assert.All(sessions, session => Assert.StartsWith("old ", session.Greeting, StringComparison.Ordinal));

        var (old, @new) = (Look(mail, Role.Old, reader), Look(mail, Role.New, reader));

        Assert.Equal(["Direct 4 25/tcp 1", "Direct 6 587/tcp 1"], Counts(old));
        Assert.Equal(["Forwarded 4 25/tcp 2", "Forwarded 6 587/tcp 1"], Counts(@new));
        AssertCounters(old, (4, ConnectionPath.Direct, 1, 2), (6, ConnectionPath.Direct, 1, 1));
        AssertCounters(@new, (4, ConnectionPath.Forwarded, 2, 0), (6, ConnectionPath.Forwarded, 1, 0));
        Assert.Equal(["Direct 198.51.100.7 25/tcp 1", "Direct 2001:db8:c::7 587/tcp 1"], Clients(old));
        foreach (var session in sessions)
            session.Dispose();
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public void In_the_Tail_stragglers_of_old_are_told_from_clients_of_new(RulesBackend backend, string reader)
    {
        using var four = WhoAmI.Tcp(hosts.New, IPAddress.Any, 25);
        using var six = WhoAmI.Tcp(hosts.New, IPAddress.IPv6Any, 587);
        var mail = Cases.Mail(backend);
        hosts.Apply(mail, Stage.Tail);
        using var tail = hosts.Connect(ThreeHosts.OldPublic, 25);
        using var tail6 = hosts.Connect(ThreeHosts.OldPublic6, 587);
        using var local = hosts.Connect(ThreeHosts.NewPublic, 25);
        Assert.Equal("new 198.51.100.7", tail.Greeting);

        var (old, @new) = (Look(mail, Role.Old, reader), Look(mail, Role.New, reader));

        Assert.Equal(["Tail 4 25/tcp 1", "Tail 6 587/tcp 1"], Counts(old));
        Assert.Equal(["Local 4 25/tcp 1"], Counts(@new));
        AssertCounters(old, (4, ConnectionPath.Tail, 1, 0), (6, ConnectionPath.Tail, 1, 0));
        AssertCounters(@new, (4, ConnectionPath.Local, 1, 1), (6, ConnectionPath.Local, 0, 1));
    }

    [Fact]
    public void A_container_that_answers_for_old_is_still_a_direct_connection()
    {
        using var container = Container.On(hosts.Old, "172.18.0");
        container.Publish(25);
        using var server = WhoAmI.Tcp(container.Host, IPAddress.Any, 25, "mail");
        var mail = Cases.Mail();
        hosts.Apply(mail, Stage.Drain);
        using var direct = hosts.Connect(ThreeHosts.OldPublic, 25);
        using var forwarded = hosts.Connect(ThreeHosts.NewPublic, 25);
        Assert.Equal("mail 198.51.100.7", forwarded.Greeting);

        Assert.Equal(["Direct 4 25/tcp 1"], Counts(Look(mail, Role.Old)));
        Assert.Equal(["Forwarded 4 25/tcp 1"], Counts(Look(mail, Role.New)));
    }

    [Fact]
    public void Other_ports_and_the_hosts_own_connections_are_not_counted()
    {
        using var server = WhoAmI.Tcp(hosts.Old, IPAddress.Any, 25);
        using var other = WhoAmI.Tcp(hosts.Old, IPAddress.Any, 80);
        var mail = Cases.Mail();
        hosts.Apply(mail, Stage.Drain);
        using var web = hosts.Connect(ThreeHosts.OldPublic, 80);
        using var own = Session.Open(hosts.Old.Socket(AddressFamily.InterNetwork, SocketType.Stream), ThreeHosts.OldPublic, new(ThreeHosts.OldPublic, 25), 3);
        Assert.Equal("old 203.0.113.10", own.Greeting);

        var line = Look(mail, Role.Old);

        Assert.Empty(Counts(line));
        Assert.Equal(["4 Direct outside 0 link 0", "6 Direct outside 0 link 0"], Counters(line));
        Assert.True(line.ConntrackEntries >= 1, "the connection to port 80 is in the table");
    }

    [Fact]
    public void A_client_that_has_closed_is_still_named_but_not_as_established()
    {
        using var server = WhoAmI.Tcp(hosts.Old, IPAddress.Any, 25);
        var mail = Cases.Mail();
        hosts.Apply(mail, Stage.Drain);
        hosts.Connect(ThreeHosts.OldPublic, 25).Dispose();
        Thread.Sleep(200);

        var migration = Look(mail, Role.Old).Migrations[0];

        Assert.Equal((0, 1), (Assert.Single(migration.Counts).Established, migration.Counts[0].Other));
        Assert.Equal((ThreeHosts.ClientAddress, 0, 1), (Assert.Single(migration.Clients).Client, migration.Clients[0].Established, migration.Clients[0].Other));
    }

    [Fact]
    public void Udp_counts_once_packets_went_both_ways_for_a_while()
    {
        using var server = WhoAmI.Udp(hosts.Old, IPAddress.Any, 5353);
        var mail = Cases.Mail(ports: "25, 5353/udp");
        hosts.Apply(mail, Stage.Drain);
        // The kernel calls a UDP flow assured when it is answered two seconds after its beginning (nf_conntrack_proto_udp.c).
        using var socket = hosts.Client.Socket(AddressFamily.InterNetwork, SocketType.Dgram);
        socket.ReceiveTimeout = 1000;
        socket.Bind(new IPEndPoint(ThreeHosts.ClientAddress, 4000));
        socket.Connect(ThreeHosts.OldPublic, 5353);
        Ask();
        Assert.Equal((0, 1), (Assert.Single(Look(mail, Role.Old).Migrations[0].Counts).Established, Look(mail, Role.Old).Migrations[0].Counts[0].Other));
        Thread.Sleep(2500);
        Ask();
        Ask();

        Assert.Equal(["Direct 4 5353/udp 1"], Counts(Look(mail, Role.Old)));

        void Ask()
        {
            socket.Send(new byte[5]);
            Assert.True(socket.Receive(new byte[100]) > 0);
        }
    }

    [Theory]
    [InlineData(RulesBackend.Nft)]
    [InlineData(RulesBackend.Iptables)]
    public void Held_connections_are_counted_and_new_rules_begin_a_new_epoch(RulesBackend backend)
    {
        using var server = WhoAmI.Tcp(hosts.Old, IPAddress.Any, 25);
        var mail = Cases.Mail(backend);
        hosts.Apply(mail, Stage.Drain);
        hosts.Connect(ThreeHosts.OldPublic, 25).Dispose();
        var before = Look(mail, Role.Old).Migrations[0].Counters[0];
        hosts.Apply(mail, Stage.Drain, held: true);
        Assert.Null(hosts.Ask(ThreeHosts.OldPublic, 25, seconds: 0.5));

        var held = Look(mail, Role.Old).Migrations[0].Counters[0];

        Assert.Equal((1, 0), (before.Outside, before.Held));
        Assert.Equal(0, held.Outside);
        Assert.True(held.Held >= 1, $"held {held.Held}");
        Assert.True(held.Epoch != before.Epoch || held.Outside < before.Outside, "a reader must be able to tell that the counters began again");
        hosts.Apply(mail, Stage.Tail);
        Assert.NotEqual(before.Epoch, Look(mail, Role.Old).Migrations[0].Counters[0].Epoch);
    }

    [Fact]
    public void Without_rules_there_are_no_counters_but_connections_are_counted_all_the_same()
    {
        using var server = WhoAmI.Tcp(hosts.Old, IPAddress.Any, 25);
        hosts.Old.Sh("nft 'add table ip someone; add chain ip someone in { type filter hook input priority 0; }; add rule ip someone in ct state new'");
        using var session = hosts.Connect(ThreeHosts.OldPublic, 25);

        var line = Look(Cases.Mail(), Role.Old);

        Assert.Equal(["Direct 4 25/tcp 1"], Counts(line));
        Assert.Empty(Counters(line));
    }

    [Fact]
    public void Where_nothing_tracks_connections_sockets_are_counted()
    {
        using var server = WhoAmI.Tcp(hosts.Old, IPAddress.IPv6Any, 25);
        using var six = hosts.Connect(ThreeHosts.OldPublic6, 25);
        Assert.Equal("old 2001:db8:c::7", six.Greeting);

        Assert.Equal(["Direct 6 25/tcp 1"], Counts(Look(Cases.Mail(), Role.Old, "ss")));
    }

    [Fact]
    public void Two_migrations_on_one_host_are_told_apart()
    {
        using var mailServer = WhoAmI.Tcp(hosts.Old, IPAddress.Any, 25);
        using var webServer = WhoAmI.Tcp(hosts.New, IPAddress.Any, 80);
        var mail = Cases.Mail();
        // The other way round: what is new to mail is old to the web.
        var web = Cases.Mail(slot: 2, key: "b1b2b3b4", ports: "80");
        hosts.Apply(mail, Stage.Drain);
        using var forwarded = hosts.Connect(ThreeHosts.NewPublic, 25);
        using var direct = hosts.Connect(ThreeHosts.NewPublic, 80);
        Assert.Equal(("old 198.51.100.7", "new 198.51.100.7"), (forwarded.Greeting, direct.Greeting));
        var webOnNew = SampledEnd.Of(mail, Role.New)! with { Migration = web.Id, Role = Role.Old, Allocation = web.Allocation, Ports = web.Spec.Ports };

        var line = Look(hosts.New, [SampledEnd.Of(mail, Role.New)!, webOnNew], "proc");

        Assert.Equal(["Forwarded 4 25/tcp 1"], Counts(line, 0));
        Assert.Equal(["Direct 4 80/tcp 1"], Counts(line, 1));
    }

    [Fact]
    public void An_nft_without_JSON_gives_the_same_counters()
    {
        using var server = WhoAmI.Tcp(hosts.Old, IPAddress.Any, 25);
        var mail = Cases.Mail();
        hosts.Apply(mail, Stage.Drain);
        hosts.Connect(ThreeHosts.NewPublic, 25).Dispose();
        var with = Look(mail, Role.New).Migrations[0].Counters;
        hosts.New.Sh("""
            mkdir -p /run/before; printf '#!/bin/sh\n[ "$1" != -j ] || exit 1\nPATH=/usr/sbin:/sbin exec nft "$@"\n' >/run/before/nft; chmod +x /run/before/nft
            """);

        var end = SampledEnd.Of(mail, Role.New)!;
        var script = SampleScript.Render([end], TimeSpan.Zero).Replace("PATH=/usr/local/sbin", "PATH=/run/before:/usr/local/sbin", StringComparison.Ordinal);

        Assert.Equal(["4 Forwarded", "6 Forwarded"], with.Select(counter => $"{Number(counter.Family)} {counter.Path}"));
        Assert.True(with[0].Outside > 0);
        Assert.Equal(with, Run(hosts.New, script, [end])[0].Migrations[0].Counters);
    }

    [Fact]
    public void Every_straggler_is_named_in_time_however_many_there_are()
    {
        hosts.Old.Sh("nft 'add table ip someone; add chain ip someone in { type filter hook input priority 0; }; add rule ip someone in ct state new'");
        hosts.Old.Sh("""
            i=0; while [ $i -lt 300 ]; do
              a=198.18.$((i / 200)).$((i % 200 + 1))
              echo "-A -t 600 -u SEEN_REPLY,ASSURED -s $a -d 203.0.113.10 -r 203.0.113.10 -q $a -p tcp --sport 4000 --dport 25 --reply-port-src 25 --reply-port-dst 4000 --state ESTABLISHED"
              i=$((i + 1)); done | conntrack -R - >/dev/null
            """);
        var end = SampledEnd.Of(Cases.Mail(), Role.Old)!;

        var lines = Run(hosts.Old, SampleScript.Render([end], TimeSpan.FromSeconds(4)), [end]);

        Assert.All(lines, line => Assert.True(!line.Full || line.Migrations[0].Clients.Count <= SampleScript.TopClients + SampleScript.MoreStragglers));
        Assert.Equal(300, lines.SelectMany(line => line.Migrations[0].Clients).Select(client => client.Client).Distinct().Count());
        Assert.Equal(new PathClients(ConnectionPath.Direct, 300, 300), Assert.Single(lines[0].Migrations[0].Distinct));
    }

    [Fact]
    public void The_sampler_ends_with_its_reader_and_leaves_nothing_behind()
    {
        var script = SampleScript.Render([SampledEnd.Of(Cases.Mail(), Role.Old)!], TimeSpan.FromHours(1));
        var files = hosts.Old.Sh(Files);

        var first = hosts.Old.Sh($"{{\n{script}\n}} </dev/null | head -n 1");

        Assert.StartsWith("{\"v\":1,", first, StringComparison.Ordinal);
        Assert.Equal("", hosts.Old.Run("sleep 2; ps -o args= | grep '[a]wk'").Out);
        Assert.Equal(files, hosts.Old.Sh(Files));
    }

    [Fact]
    public void A_host_that_can_list_nothing_says_so_instead_of_counting_zero()
    {
        var line = Look(Cases.Mail(), Role.Old, "none");

        Assert.False(line.Full);
        Assert.Contains("neither", line.Error, StringComparison.Ordinal);
    }

    // These are the host's own; the rest of the computer is busy with other tests.
    private const string Files = "find /run /var/lib | sort";

    private SampleLine Look(Migration migration, Role role, string reader = "proc") =>
        Look(role == Role.Old ? hosts.Old : hosts.New, [SampledEnd.Of(migration, role)!], reader);

    private static SampleLine Look(KernelHost host, SampledEnd[] ends, string reader) =>
        Run(host, $"READER={reader}\n{SampleScript.Render(ends, TimeSpan.Zero)}", ends)[0];

    private static List<SampleLine> Run(KernelHost host, string script, SampledEnd[] ends)
    {
        var outcome = host.Run(script).MustSucceed("sample");
        Assert.Equal("", outcome.Error);
        return outcome.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(text =>
        {
            var (line, error) = SampleLineReader.Read(text, ends);
            Assert.True(error is null, $"{error}: {text}");
            return line!;
        }).ToList();
    }

    private static string[] Counts(SampleLine line, int migration = 0) =>
        [.. line.Migrations[migration].Counts.Where(count => count.Established > 0).Select(count => $"{count.Path} {Number(count.Family)} {count.Port} {count.Established}").Order(StringComparer.Ordinal)];

    private static string[] Counters(SampleLine line) =>
        [.. line.Migrations[0].Counters.Select(Counter)];

    private static string Counter(CounterReading counter) => $"{Number(counter.Family)} {counter.Path} outside {counter.Outside} link {counter.Link}";

    /// <summary>A first packet that is sent twice, because neighbours had to find each other first or the computer is busy, is counted twice.</summary>
    private static void AssertCounters(SampleLine line, params (int Family, ConnectionPath Path, long Outside, long Link)[] expected)
    {
        var counters = line.Migrations[0].Counters;
        Assert.Equal(expected.Select(item => (item.Family, item.Path)), counters.Select(counter => (counter.Family == AddressFamily.InterNetwork ? 4 : 6, counter.Path)));
        foreach (var (counter, (_, _, outside, link)) in counters.Zip(expected))
        {
            Assert.InRange(counter.Outside, outside, outside * 3);
            Assert.InRange(counter.Link, link, link * 3);
        }
    }

    private static string[] Clients(SampleLine line) =>
        [.. line.Migrations[0].Clients.Select(client => $"{client.Path} {client.Client} {client.Port} {client.Established}").Order(StringComparer.Ordinal)];

    private static string Number(AddressFamily family) => (family == AddressFamily.InterNetwork ? 4 : 6).ToString(CultureInfo.InvariantCulture);
}
