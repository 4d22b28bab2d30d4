using System.Text;
using FsCheck;
using FsCheck.Fluent;
using MigrationDashboard.Core.HostScripts;
using MigrationDashboard.Core.Migrations;
using MigrationDashboard.Core.Servers;
using MigrationDashboard.Core.Stages;
using MigrationDashboard.Core.Tests.HostScripts;
using MigrationDashboard.Core.Workloads;
using Xunit;

namespace MigrationDashboard.Core.Tests.Hostile;

/// <summary>
/// Ten thousand hostile values for each text that somebody can type and that reaches a host: each is refused at its field with a reason, or is accepted and
/// then, in every script that it is rendered into, a real shell takes it for a value.
/// </summary>
public sealed class FieldTests : IDisposable
{
    private const int Values = 10_000;

    private readonly KernelHost host = new("old");

    public static TheoryData<string> Fields { get; } =
    [
        "name", "ports", "link.oldInterface", "link.newInterface", "link.oldIpv4", "link.newIpv4", "link.oldIpv6", "link.newIpv6", "dnsNames", "dnsResolvers",
        "workload.container", "workload.project", "workload.folder", "workload.unit", "workload.dataFolders", "workload.start", "workload.stop", "workload.healthCommand", "workload.kind",
        "workload.health.expect", "workload.health.path",
    ];

    /// <summary>Commands are code by intent: what is proved of them is that they reach the shell that runs them whole and unchanged.</summary>
    [Theory]
    [MemberData(nameof(Fields))]
    public void Each_value_is_refused_at_its_field_or_stays_a_value(string field)
    {
        var accepted = new List<MigrationSpec>();
        var refused = 0;
        foreach (var text in HostileText.After(Good(field)).Sample(Values, 50))
            try
            {
                accepted.Add(MigrationSpecs.Parse(With(field, text)));
            }
            catch (InvalidInputException error)
            {
                refused++;
                Assert.All(error.Errors, one => Assert.True(At(field, one.Field) && one.Reason.Length > 5, $"{field}: {one}"));
            }

        Assert.Equal(Values, accepted.Count + refused);

        // Both happen, or the generator misses the point; any text names a migration, and any text is a command.
        Assert.True(accepted.Count > 100, $"{accepted.Count} accepted");
        Assert.True(refused > 100, $"{refused} refused");
        Shown(accepted.Select(Cases));
    }

    /// <summary>What a container is made of comes from a host and is as little to be trusted: it is quoted like everything else.</summary>
    [Fact]
    public void Any_text_without_NUL_is_one_word_of_a_shell()
    {
        var texts = HostileText.Texts.Sample(Values, 50).Where(text => !text.Contains('\0', StringComparison.Ordinal)).ToList();
        var script = string.Concat(texts.Select(text => $"printf '%s\\0' {Shell.Quote(text)}\n"));
        Assert.Equal(texts.Select(Sent), Run(script));
    }

    [Fact]
    public void Any_text_without_NUL_comes_out_of_a_function_of_text_unchanged()
    {
        var texts = HostileText.Texts.Sample(2000, 50).Where(text => !text.Contains('\0', StringComparison.Ordinal) && text.Length > 0).ToList();
        var script = string.Concat(texts.Select(text => Shell.Function("text", text) + "text; printf '\\0'\n"));
        Assert.Equal(texts.Select(text => Sent(text.EndsWith('\n') ? text : text + "\n")), Run(script));
    }

    /// <summary>Dash loses bytes where a line of a here-document begins like its delimiter and goes on beyond ASCII.</summary>
    [Fact]
    public void Lines_that_begin_like_a_delimiter_stay_whole()
    {
        string[] texts = ["ENDé\n", "Eé\nAé\nBé\n", string.Concat(Enumerable.Range('A', 26).Select(letter => $"{(char)letter}é\n"))];
        Assert.Equal(texts, Run(string.Concat(texts.Select(text => Shell.Function("text", text) + "text; printf '\\0'\n"))));
    }

    /// <summary>A script's own beginning, which holds the values, and words to print them, with what must come out.</summary>
    private sealed record Case(string Script, ValueList<string> Expected);

    private static IEnumerable<Case> Cases(MigrationSpec spec)
    {
        var migration = HostScripts.Cases.Mail() with { Spec = spec };
        var scripts = WorkloadScripts.Of(migration);
        var health = spec.Workload.Health;
        var (names, values, folders) = spec.Workload switch
        {
            DockerContainer docker => ("\"$CONTAINER\" \"$PROJECT\"", new[] { docker.Container.Value, "" }, ValueList<string>.Empty),
            ComposeProject compose => ("\"$CONTAINER\" \"$PROJECT\"", ["", compose.Project.Value], [compose.Folder]),
            SystemdUnit unit => ("\"$UNIT\" \"$FOLDERS\"", [unit.Unit.Value, string.Join('\n', unit.DataFolders)], unit.DataFolders),
            CustomCommands own => ("\"$START_COMMAND\" \"$STOP_COMMAND\" \"$HEALTH_COMMAND\" \"$FOLDERS\"", [own.Start, own.Stop, own.HealthCommand, string.Join('\n', own.DataFolders)], own.DataFolders),
            _ => throw new InvalidOperationException(),
        };
        yield return new(
            Beginning(scripts.Running()) + $"printf '%s\\0' {names} \"$PORTS\" \"$EXPECT\" \"$HEALTH_PATH\"",
            [.. values, string.Join(' ', spec.Ports), health.Expect ?? (health.Kind == HealthKind.Http ? "200" : ""), health.Path ?? "/"]);

        // What both ends of the copy are told of its folders, read as they read it.
        var sync = SyncScripts.Of(migration, folders.Select(folder => new SyncFolder(folder.TrimEnd('/'), folder.TrimEnd('/'), false)).ToValueList(), [], TimeSpan.FromHours(1));
        var paths = folders.Select(folder => folder.TrimEnd('/')).ToValueList();
        yield return new(Beginning(sync.Delta(PublicKey)) + "tab=$(printf '\\t'); sync_folders | while IFS=\"$tab\" read -r number kind owners path; do printf '%s\\0' \"$path\"; done", paths);
        yield return new(Beginning(sync.OpenTarget(PublicKey)) + "sync_paths >paths; for n in $(seq \"$(wc -l <paths)\"); do printf '%s\\0' \"$(sed -n \"${n}p\" paths)\"; done", paths.Select(path => path + "/").ToValueList());

        // The preparation's steps, each word of it.
        if (spec.Workload is CustomCommands or SystemdUnit)
        {
            var plan = scripts.Prepare(Inspected(folders), Inspected([]));
            var steps = plan.Script[plan.Script.LastIndexOf("\nprepare() {", StringComparison.Ordinal)..];
            yield return new(
                "step() { case $2 in make_folder) printf '%s\\0' \"$1\" \"$3\" ;; esac; }\n" + steps[..steps.IndexOf("\n}\n", StringComparison.Ordinal)] + "\n}\nprepare",
                plan.Errors.Count > 0 ? [] : paths.Distinct().Order(StringComparer.Ordinal).SelectMany(path => new[] { path, path }).ToValueList());
        }

        // Names, addresses and ports of the network stand in rules and routes as they are: there are no other characters in them than these.
        foreach (var word in (string[])[spec.Link.OldInterface.Value, spec.Link.NewInterface.Value, .. Addresses(spec.Link), .. spec.Ports.Select(port => port.ToString()), .. spec.DnsNames, .. spec.DnsResolvers.Select(address => address.ToString())])
            Assert.Matches(@"\A[A-Za-z0-9_][A-Za-z0-9_.:/@%-]*\z|\A::[0-9a-f:.]*\z", word);
    }

    private static IEnumerable<string> Addresses(Link link) =>
        new[] { link.Ipv4, link.Ipv6 }.OfType<LinkNetwork>().SelectMany(network => new[] { network.Old.ToString(), network.New.ToString(), network.Network.ToString() });

    /// <summary>Everything before the first of the shell files: the values.</summary>
    private static string Beginning(string script) => script[..script.IndexOf(ScriptFile.Read("step.sh"), StringComparison.Ordinal)];

    private void Shown(IEnumerable<IEnumerable<Case>> cases)
    {
        var all = cases.SelectMany(one => one).Distinct().ToList();
        foreach (var batch in all.Chunk(500))
        {
            // Each in a shell of its own, so that none hides what another did.
            var found = Run(string.Concat(batch.Select(one => $"(\n{one.Script}\n) </dev/null\nprintf 'next\\0'\n")));
            var expected = batch.SelectMany(one => one.Expected.Append("next")).Select(Sent).ToList();
            Assert.Equal(expected, found);
        }
    }

    private List<string> Run(string script)
    {
        // Something comes first: whoever reads this as text takes a byte order mark off its beginning.
        var said = host.Run($"cd /run\nprintf 'first\\0'\n{script}\n[ ! -e {HostileText.Trap} ] || exit 99\n");
        Assert.Equal((0, ""), (said.Exit, said.Error));
        return [.. said.Out.Split('\0')[1..^1]];
    }

    /// <summary>As it is on its way to a host, where everything is UTF-8: half a character is sent as U+FFFD.</summary>
    private static string Sent(string text) => Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));

    private const string PublicKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    private static string Inspected(IEnumerable<string> folders) =>
        "{\"result\":\"unit\",\"load\":\"loaded\",\"enabled\":\"disabled\"}\n" + string.Concat(folders.Select(folder => CoreJson.Write(new { result = "path", path = folder, kind = "folder" }) + "\n"));

    /// <summary>Errors of a field may be told at the field it is part of, or at the other end's, with which it is compared.</summary>
    private static bool At(string field, string told) =>
        told == field || field.Replace("old", "new", StringComparison.Ordinal) == told || (field.StartsWith("link.", StringComparison.Ordinal) && told is "link.oldIpv4" or "link.newIpv4" or "link.newIpv6");

    private static string Good(string field) => field switch
    {
        "name" => "mail",
        "ports" => "25",
        "link.oldInterface" or "link.newInterface" => "eth1",
        "link.oldIpv4" => "10.77.0.1/24",
        "link.newIpv4" => "10.77.0.2/24",
        "link.oldIpv6" => "fd77::1/64",
        "link.newIpv6" => "fd77::2/64",
        "dnsNames" => "mail.example.org",
        "dnsResolvers" => "192.0.2.1",
        "workload.folder" or "workload.dataFolders" => "/srv/app",
        "workload.kind" => "docker",
        "workload.health.expect" => "220 ",
        "workload.health.path" => "/up",
        _ => "app",
    };

    private static MigrationInput With(string field, string text)
    {
        var kind = field switch
        {
            "workload.kind" => text,
            "workload.project" or "workload.folder" => "compose",
            "workload.unit" => "systemd",
            "workload.dataFolders" or "workload.start" or "workload.stop" or "workload.healthCommand" => "commands",
            _ => "docker",
        };
        string Value(string name) => name == field ? text : Good(name);
        return new()
        {
            Name = Value("name"),
            OldServer = Guid.Empty,
            NewServer = Guid.AllBitsSet,
            Ports = Value("ports"),
            Link = new()
            {
                Kind = LinkKind.Existing,
                OldInterface = Value("link.oldInterface"),
                NewInterface = Value("link.newInterface"),
                OldIpv4 = Value("link.oldIpv4"),
                NewIpv4 = Value("link.newIpv4"),
                OldIpv6 = Value("link.oldIpv6"),
                NewIpv6 = Value("link.newIpv6"),
            },
            DnsNames = [Value("dnsNames")],
            DnsResolvers = [Value("dnsResolvers")],
            Workload = new()
            {
                Kind = kind,
                Container = Value("workload.container"),
                Project = Value("workload.project"),
                Folder = Value("workload.folder"),
                Unit = Value("workload.unit"),
                DataFolders = [Value("workload.dataFolders")],
                Start = Value("workload.start"),
                Stop = Value("workload.stop"),
                HealthCommand = Value("workload.healthCommand"),
                Health = field switch
                {
                    "workload.health.expect" => new(HealthKind.Banner, text),
                    "workload.health.path" => new(HealthKind.Http, "200", text),
                    _ => null,
                },
            },
        };
    }

    public void Dispose() => host.Dispose();
}
