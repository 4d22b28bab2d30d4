using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using MigrationDashboard.Core.Connections;
using MigrationDashboard.Core.Migrations;
using MigrationDashboard.Core.Network;
using MigrationDashboard.Core.Servers;
using MigrationDashboard.Core.Stages;
using MigrationDashboard.Infrastructure.Connections;
using Npgsql;

namespace MigrationDashboard.Infrastructure.Tests.Connections;

/// <summary>A migration of mail with its two servers in the database, and what its hosts print.</summary>
internal sealed class Sampled
{
    public static readonly DateTimeOffset Noon = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);

    private Sampled(Guid id)
    {
        Id = id;
        var allocation = new Allocation(1, Allocation.KeyOf(id), Allocation.FirstMask);
        ForwardedPort[] ports = [new(25, Transport.Tcp), new(587, Transport.Tcp)];
        Old = new(id, Role.Old, RulesBackend.Nft, allocation, [.. ports], [new(IPAddress.Parse("203.0.113.10"), IPAddress.Parse("10.99.0.1"), IPAddress.Parse("10.99.0.2"))]);
        New = new(id, Role.New, RulesBackend.Nft, allocation, [.. ports], [new(IPAddress.Parse("203.0.113.20"), IPAddress.Parse("10.99.0.2"), IPAddress.Parse("10.99.0.1"))]);
    }

    public Guid Id { get; }

    public Guid OldServer { get; } = Guid.NewGuid();

    public Guid NewServer { get; } = Guid.NewGuid();

    public SampledEnd Old { get; }

    public SampledEnd New { get; }

    public static async Task<Sampled> CreateAsync(NpgsqlDataSource database)
    {
        var made = new Sampled(Guid.NewGuid());
        await using var command = database.CreateCommand(
            """
            WITH servers AS (
                INSERT INTO server (id, name, host, port, user_name, host_keys, key_id)
                VALUES ($1, $1::text, $1::text, 22, 'root', '[]', $1), ($2, $2::text, $2::text, 22, 'root', '[]', $2))
            INSERT INTO migration (id, name, old_server, new_server, spec, slot, mask, created_by) VALUES ($3, $3::text, $1, $2, '{}', 1, 1, 'test')
            """);
        foreach (var id in new[] { made.OldServer, made.NewServer, made.Id })
            command.Parameters.Add(new() { Value = id });
        await command.ExecuteNonQueryAsync();
        return made;
    }

    /// <summary>A line of <c>old</c>'s sampler.</summary>
    /// <param name="clients">Last number of the client's address, and its established and other connections to port 25.</param>
    public string Line(
        long outside, IReadOnlyList<(int Client, int Established, int Other)>? clients = null, string path = "direct", string epoch = "boot.1.0", bool full = true, long? distinct = null, long held = 0)
    {
        clients ??= [];
        var (established, other) = (clients.Sum(client => client.Established), clients.Sum(client => client.Other));
        var counts = established + other == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $"[\"{path}\",4,\"tcp\",25,{established},{other}]");
        var list = string.Join(',', clients.Select(client => string.Create(CultureInfo.InvariantCulture, $"[\"{path}\",\"198.51.100.{client.Client}\",\"tcp\",25,{client.Established},{client.Other}]")));
        var many = distinct ?? clients.Count;
        var listed = full ? $$""","counts":[{{counts}}],"distinct":{"{{path}}":[{{many}},{{many}}]},"capped":false,"clients":[{{list}}]""" : "";
        return $$"""
            {"v":1,"clock":1767268800,"cost_ms":10,"pass_ms":10,"next_ms":1000,"conntrack":[1000,262144],"full":{{(full ? "true,\"reader\":\"proc\"" : "false")}},"migrations":[{"key":"{{Old.Allocation.Key}}","new":[[4,"{{epoch}}","{{path}}",{{outside}},0,{{held}}]]{{listed}}}]}
            """;
    }

    /// <summary>Lines of <c>old</c>, so many seconds after noon.</summary>
    public List<ConnectionSample> Samples(SampleTrack track, params (double Second, string Line)[] lines)
    {
        var samples = new List<ConnectionSample>();
        foreach (var (second, text) in lines)
        {
            var (line, error) = SampleLineReader.Read(text, [Old]);
            Assert.True(error is null, $"{error}: {text}");
            samples.AddRange(track.Next(line!, Noon.AddSeconds(second)));
        }

        return samples;
    }

    public SampleTrack Track() => new([Old], new Dictionary<(Guid, System.Net.Sockets.AddressFamily), CounterMark>());
}

/// <summary>A clock that a test sets.</summary>
internal sealed class SetTime(DateTimeOffset now) : TimeProvider
{
    public DateTimeOffset Now { get; set; } = now;

    public override DateTimeOffset GetUtcNow() => Now;
}

/// <summary>Hosts whose samplers print what a test tells them to.</summary>
internal sealed class FakeHosts : IHostLines
{
    public ConcurrentQueue<(Guid Server, Channel<string> Lines)> Sessions { get; } = new();

    private int _open;

    public int Open => Volatile.Read(ref _open);

    public int Begun => Sessions.Count;

    public async IAsyncEnumerable<string> RunAsync(Guid server, string script, [EnumeratorCancellation] CancellationToken cancellation)
    {
        Assert.Contains("sampled()", script, StringComparison.Ordinal);
        var lines = Channel.CreateUnbounded<string>();
        Sessions.Enqueue((server, lines));
        Interlocked.Increment(ref _open);
        try
        {
            await foreach (var line in lines.Reader.ReadAllAsync(cancellation))
                yield return line;
        }
        finally
        {
            Interlocked.Decrement(ref _open);
        }
    }

    public void Print(string line) => Sessions.Last().Lines.Writer.TryWrite(line);

    /// <summary>The connection to the host breaks.</summary>
    public void Break() => Sessions.Last().Lines.Writer.TryComplete(new IOException("connection lost"));
}

internal sealed class FakeMigrations : ISampledMigrations
{
    public IReadOnlyList<SampledHost> Hosts { get; set; } = [];

    public Task<IReadOnlyList<SampledHost>> ListAsync(CancellationToken cancellation) => Task.FromResult(Hosts);
}

internal static class Eventually
{
    /// <summary>Waits until it is true, and fails with the reason when it stays false.</summary>
    public static async Task TrueAsync(Func<Task<bool>> condition, string reason, double seconds = 20)
    {
        var clock = System.Diagnostics.Stopwatch.StartNew();
        while (!await condition())
        {
            Assert.True(clock.Elapsed.TotalSeconds < seconds, $"Not within {seconds} s: {reason}");
            await Task.Delay(50);
        }
    }

    public static Task TrueAsync(Func<bool> condition, string reason, double seconds = 20) => TrueAsync(() => Task.FromResult(condition()), reason, seconds);
}
