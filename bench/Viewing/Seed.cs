using System.Net;
using MigrationDashboard.Core;
using MigrationDashboard.Core.Audit;
using MigrationDashboard.Core.Migrations;
using MigrationDashboard.Core.Network;
using MigrationDashboard.Core.Preflight;
using MigrationDashboard.Core.Servers;
using MigrationDashboard.Core.Stages;
using MigrationDashboard.Infrastructure.Migrations;
using Npgsql;
using NpgsqlTypes;

namespace MigrationDashboard.Bench.Viewing;

/// <summary>Puts years of use into a database within a minute: servers, migrations at every stage, runs, counts, and an audit log whose chain is whole.</summary>
internal sealed class Seed(NpgsqlDataSource database)
{
    public const int Servers = 200;

    public const int Migrations = 1000;

    private static readonly Stage[] Stages = [Stage.Preflight, Stage.Link, Stage.Forward, Stage.Dns, Stage.Drain, Stage.Drain, Stage.Tail, Stage.Decommission];

    private readonly DateTimeOffset _now = DateTimeOffset.UtcNow;

    /// <summary>One that is at Drain.</summary>
    public Guid Draining { get; private set; }

    public Guid SomeServer { get; private set; }

    public async Task MigrationsAsync()
    {
        var servers = Enumerable.Range(0, Servers).Select(number => new Server(
            Guid.CreateVersion7(), $"host-{number:000}", $"198.18.{number / 250}.{1 + (number % 250)}", 22, "migrate", [], Guid.NewGuid(), _now.AddDays(-300))).ToList();
        var store = new ServerStore(database);
        foreach (var server in servers)
            await store.AddAsync(server, default);
        SomeServer = servers[0].Id;

        // Held for a day by somebody else: the dashboard that is measured does not call servers that are not there.
        await ExecuteAsync("INSERT INTO sampler_lease (server, node, term, expires_at) SELECT id, 'seed', gen_random_uuid(), now() + interval '1 day' FROM server");
        await using var connection = await database.OpenConnectionAsync();
        await using var copy = await connection.BeginBinaryImportAsync(
            "COPY migration (id, name, old_server, new_server, spec, slot, mask, stage, old_facts, new_facts, checks, checked_at, created_by, created_at, stage_since) FROM STDIN (FORMAT BINARY)");
        for (var number = 0; number < Migrations; number++)
        {
            var stage = Stages[number % Stages.Length];
            var (old, @new) = (servers[number % Servers], servers[(number + 1 + (number / Servers)) % Servers]);
            var migration = Make(number, old, @new);
            if (stage == Stage.Drain)
                Draining = migration.Id;
            var created = _now.AddDays(-number / 4.0).AddMinutes(-1);
            await copy.StartRowAsync();
            await copy.WriteAsync(migration.Id);
            await copy.WriteAsync(migration.Spec.Name);
            await copy.WriteAsync(old.Id);
            await copy.WriteAsync(@new.Id);
            await copy.WriteAsync(CoreJson.Write(migration.Spec), NpgsqlDbType.Jsonb);
            await copy.WriteAsync(migration.Allocation.Slot);
            await copy.WriteAsync((long)migration.Allocation.Mask);
            await copy.WriteAsync(stage.ToString());
            await copy.WriteAsync(CoreJson.Write(Facts(old)), NpgsqlDbType.Jsonb);
            await copy.WriteAsync(CoreJson.Write(Facts(@new)), NpgsqlDbType.Jsonb);
            await copy.WriteAsync(CoreJson.Write(Checks), NpgsqlDbType.Jsonb);
            await copy.WriteAsync(created, NpgsqlDbType.TimestampTz);
            await copy.WriteAsync("ada");
            await copy.WriteAsync(created, NpgsqlDbType.TimestampTz);
            await copy.WriteAsync(created, NpgsqlDbType.TimestampTz);
        }

        await copy.CompleteAsync();
        await copy.DisposeAsync();
        await RunsAsync();
        await CountsAsync();
        await ExecuteAsync("ANALYZE");
    }

    /// <summary>Entries in their chain, written by COPY; the indexes are built afterwards, once.</summary>
    public async Task AuditAsync(int entries)
    {
        await using var connection = await database.OpenConnectionAsync();
        var indexes = new List<(string Name, string Definition)>();
        await using (var find = new NpgsqlCommand("SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'audit_entry' AND indexname <> 'audit_entry_pkey'", connection))
        await using (var reader = await find.ExecuteReaderAsync())
            while (await reader.ReadAsync())
                indexes.Add((reader.GetString(0), reader.GetString(1)));
        foreach (var (name, _) in indexes)
            await ExecuteAsync($"DROP INDEX {name}");

        var (sequence, hash) = (0L, AuditChain.Genesis);
        await using (var head = new NpgsqlCommand("SELECT sequence, encode(hash, 'hex') FROM audit_head", connection))
        await using (var reader = await head.ExecuteReaderAsync())
            if (await reader.ReadAsync())
                (sequence, hash) = (reader.GetInt64(0), reader.GetString(1));
        var migrations = new List<Guid>();
        await using (var find = new NpgsqlCommand("SELECT id FROM migration ORDER BY created_at", connection))
        await using (var reader = await find.ExecuteReaderAsync())
            while (await reader.ReadAsync())
                migrations.Add(reader.GetGuid(0));

        await using (var copy = await connection.BeginBinaryImportAsync(
            "COPY audit_entry (sequence, at, actor, from_address, action, migration_id, host, command, exit_code, duration_ms, outcome, detail, previous_hash, hash) FROM STDIN (FORMAT BINARY)"))
        {
            for (var number = 0; number < entries; number++)
            {
                var entry = AuditChain.Link(Event(number, entries, migrations), sequence, hash);
                (sequence, hash) = (entry.Sequence, entry.Hash);
                await copy.StartRowAsync();
                await copy.WriteAsync(entry.Sequence);
                await copy.WriteAsync(entry.At, NpgsqlDbType.TimestampTz);
                await copy.WriteAsync(entry.Actor);
                await copy.WriteAsync(entry.FromAddress);
                await copy.WriteAsync(entry.Action);
                await copy.WriteAsync(entry.MigrationId!.Value);
                await copy.WriteAsync(entry.Host);
                await copy.WriteAsync(entry.Command);
                await copy.WriteAsync(entry.ExitCode!.Value);
                await copy.WriteAsync(entry.DurationMs!.Value);
                await copy.WriteAsync(entry.Outcome.ToString());
                await copy.WriteAsync(entry.Detail);
                await copy.WriteAsync(Convert.FromHexString(entry.PreviousHash));
                await copy.WriteAsync(Convert.FromHexString(entry.Hash));
            }

            await copy.CompleteAsync();
        }

        await ExecuteAsync($"UPDATE audit_head SET sequence = {sequence}, hash = decode('{hash}', 'hex')");
        await ExecuteAsync("SET maintenance_work_mem = '1GB'; " + string.Join("; ", indexes.Select(index => index.Definition)));
        await ExecuteAsync("VACUUM ANALYZE audit_entry");
    }

    private AuditEvent Event(int number, int entries, List<Guid> migrations)
    {
        var host = $"host-{number % Servers:000}";
        var failed = number % 97 == 0;
        return new()
        {
            At = _now - TimeSpan.FromSeconds((entries - number) * 20L),
            Actor = (number % 7) switch { 0 => "ada", 1 => "otto", 2 => "anna", _ => "system" },
            FromAddress = number % 7 < 3 ? "192.0.2.15" : null,
            Action = (number % 5) switch { 0 => "stage.apply", 1 => "stage.confirm", 2 => "server.read", 3 => "stage.probe", _ => "stage.request" },
            MigrationId = migrations[number % migrations.Count],
            Host = host,
            Command = $"nft -f - <<'END'\nadd table ip md_{number % 4096:x8}\ntable ip md_{number % 4096:x8} {{ chain forward {{ type filter hook forward priority 0; }} }}\nEND",
            ExitCode = failed ? 1 : 0,
            DurationMs = 5 + (number % 400),
            Outcome = failed ? AuditOutcome.Failed : AuditOutcome.Ok,
            Detail = failed ? $"{host}: nft: Could not process rule: No such file or directory ({number})" : $"{host}: applied, checkpoint {number:x}, 6 steps of 6",
        };
    }

    /// <summary>A handful a migration, with their steps; some are still to come.</summary>
    private async Task RunsAsync() => await ExecuteAsync(
        """
        INSERT INTO stage_run (id, migration_id, direction, from_stage, target, state, requested_by, requested_at, started_at, finished_at, hold_ms)
        SELECT gen_random_uuid(), id, 'Advance', 'Link', 'Forward', CASE WHEN n = 3 THEN 'Reverted' ELSE 'Succeeded' END, 'ada', created_at + n * interval '1 hour', created_at + n * interval '1 hour',
               created_at + n * interval '1 hour' + interval '4 seconds', CASE WHEN n = 5 THEN 1800 END
        FROM migration, generate_series(1, 6) AS n;
        INSERT INTO run_step (run_id, number, name, host, state, started_at, duration_ms, exit_code, output)
        SELECT id, n, CASE n WHEN 1 THEN 'apply Forward' WHEN 2 THEN 'probe via new' ELSE 'confirm' END, 'host-001', 'Succeeded', started_at, 300, 0, 'applied, read back equal' FROM stage_run, generate_series(1, 6) AS n;
        INSERT INTO stage_run (id, migration_id, direction, from_stage, target, state, requested_by, requested_at, not_before, not_after, time_zone)
        SELECT gen_random_uuid(), id, 'Advance', 'Drain', 'Cutover', 'Planned', 'ada', now(), now() + (row_number() OVER ()) * interval '7 hours', now() + (row_number() OVER ()) * interval '7 hours' + interval '2 hours', 'Europe/Berlin'
        FROM migration WHERE stage = 'Drain';
        """);

    /// <summary>Three hours by the minute of all that are counted, and ten minutes by the second of one; a thousand clients.</summary>
    private async Task CountsAsync()
    {
        await ExecuteAsync(
            """
            INSERT INTO connection_minute (migration, at, path, family, transport, port, established_max, other_max, new)
            SELECT id, date_trunc('minute', now()) - n * interval '1 minute', path, 4, '', 0, 20 + (n * 7 + slot) % 50, 0, n % 3
            FROM migration, generate_series(0, 180) AS n, unnest(ARRAY['Direct', 'Forwarded']) AS path WHERE stage NOT IN ('Preflight', 'Decommission');
            INSERT INTO connection_reporter (migration, reporter, at, full_at, watched_since, conntrack_count, conntrack_max, clock_offset_ms, cost_ms, next_full_ms, clients)
            SELECT id, reporter, now(), now(), now() - interval '1 day', 1000, 262144, 0, 5, 1000, '{"Direct": 12, "Forwarded": 300}' FROM migration, unnest(ARRAY['Old', 'New']) AS reporter WHERE stage NOT IN ('Preflight', 'Decommission');
            """);
        await ExecuteAsync(
            $"""
            INSERT INTO connection_sample (migration, at, path, family, transport, port, established, other, new)
            SELECT '{Draining}', now() - n * interval '1 second', path, 4, '', 0, 20 + n % 30, 0, n % 2 FROM generate_series(0, 100000) AS n, unnest(ARRAY['Direct', 'Forwarded']) AS path;
            INSERT INTO straggler (migration, path, client, transport, port, first_seen, last_seen, connections, current, entries)
            SELECT '{Draining}', 'Direct', '198.51.100.0'::inet + n, 'tcp', 25, now() - interval '1 hour', now() - n * interval '1 second', n, n % 3, n % 4 FROM generate_series(1, 1000) AS n;
            """);
    }

    private Migration Make(int number, Server old, Server @new)
    {
        var id = Guid.NewGuid();
        return new()
        {
            Id = id,
            Allocation = new(1 + (number % 200), Allocation.KeyOf(id), Allocation.FirstMask),
            Spec = new()
            {
                Name = $"{(number % 3) switch { 0 => "mail", 1 => "web", _ => "shop" }} of customer {number:0000}",
                OldServer = old.Id,
                NewServer = @new.Id,
                Ports = [new((ushort)(1024 + number), Transport.Tcp)],
                Link = new(LinkKind.Existing, InterfaceName.Of("eth1"), InterfaceName.Of("eth1"), new(IPNetwork.Parse("10.99.0.0/30"), IPAddress.Parse("10.99.0.1"), IPAddress.Parse("10.99.0.2"), false), null, null),
                Workload = new DockerContainer(DockerName.Of("app")),
            },
        };
    }

    private static HostFacts Facts(Server server) => new() { PublicInterface = InterfaceName.Of("eth0"), PublicIpv4 = IPAddress.Parse(server.Host), Backend = RulesBackend.Nft, LinkMtu = 1500 };

    private static ValueList<CheckResult> Checks { get; } = Enumerable.Range(0, 40).Select(number => new CheckResult(
        $"check-{number}", $"Check number {number}", number % 2 == 0 ? Core.Stages.Role.Old : Core.Stages.Role.New, number % 9 == 0 ? CheckStatus.Warn : CheckStatus.Pass, "What was found on the host, in a sentence of usual length.", "What it means.", "What will be done.")).ToValueList();

    private async Task ExecuteAsync(string sql)
    {
        await using var command = database.CreateCommand(sql);
        command.CommandTimeout = 600;
        await command.ExecuteNonQueryAsync();
    }
}
