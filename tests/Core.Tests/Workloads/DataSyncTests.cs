using MigrationDashboard.Core.HostScripts;
using MigrationDashboard.Core.Migrations;
using MigrationDashboard.Core.Servers;
using MigrationDashboard.Core.Stages;
using MigrationDashboard.Core.Tests.HostScripts;
using MigrationDashboard.Core.Workloads;
using Xunit;

namespace MigrationDashboard.Core.Tests.Workloads;

/// <summary>Data between two hosts with real rsync and real sshd, in namespaces.</summary>
public sealed class DataSyncTests : IDisposable
{
    private const string Data = "/var/lib/app";

    private const string List = """
        cd /var/lib/app
        find . -printf '%P|%y|%m|%U|%G|%n|%T@|%l\n' | sed '/|d|/s/|[0-9]*|\([0-9.]*|\)$/|-|\1/' | sort
        find . -type f -exec sha256sum {} + | sort -k2
        find . -type f -links +1 -printf '%i %P\n' | sort | awk '{ if ($1 == last) print same, $2; else same = $2; last = $1 }'
        """;

    private readonly ThreeHosts hosts = new();
    private readonly Migration migration = Cases.Mail();
    private readonly SyncScripts sync;
    private string hostKey = "";

    public DataSyncTests()
    {
        sync = Sync(new SyncFolder(Data, Data, false));
        hosts.Old.Sh($"mkdir -p {Data}");
        // As on a real host; sshd believes no key below a folder that everybody may write to.
        foreach (var host in new[] { hosts.Old, hosts.New })
            host.Sh("chmod 755 /run /var/lib");
    }

    [Fact]
    public void A_folder_arrives_byte_for_byte_with_owners_modes_times_links_and_special_files()
    {
        hosts.Old.Sh("""
            cd /var/lib/app
            mkdir -p a/deep; echo one >a/one; ln a/one a/same; ln -s /nowhere a/link; mkfifo a/fifo; mknod a/null c 1 3
            printf x >"a/we ird '\"name"; printf y >"$(printf 'a/two\nlines')"; printf z >' a/trailing ' 2>/dev/null || printf z >'a/ trailing '
            chown 103:65534 a/one; chmod 4751 a/one; chmod 1730 a/deep; chown 4711:4712 a/deep
            truncate -s 20M a/holes; printf end >>a/holes
            touch -d '2001-02-03 04:05:06.123456789' a/deep
            """);
        Open();
        Succeeds(sync.Delta(hostKey));
        Assert.Equal(hosts.Old.Sh(List), hosts.New.Sh(List));
        Assert.Contains("a/holes", hosts.New.Sh(List), StringComparison.Ordinal);
    }

    [Fact]
    public void A_link_with_IPv6_only_carries_it_as_well()
    {
        var six = migration with { Spec = migration.Spec with { Link = Cases.ExistingLink with { Ipv4 = null } } };
        hosts.Old.Sh($"echo one >{Data}/one");
        var over6 = SyncScripts.Of(six, [new(Data, Data, false)], [], TimeSpan.FromMinutes(5));
        Open(over6);
        Succeeds(over6.Delta(hostKey));
        Assert.Equal("one\n", hosts.New.Sh($"cat {Data}/one"));
    }

    [Fact]
    public void Files_of_the_hosts_own_users_go_by_name()
    {
        hosts.Old.Sh($"echo one >{Data}/one; chown games:mail {Data}/one");
        hosts.New.Sh("sed 's/^games:x:[0-9]*/games:x:4242/' /etc/passwd >/run/passwd; mount --bind /run/passwd /etc/passwd");
        var byName = Sync(new SyncFolder(Data, Data, false, ByName: true));
        Open(byName);
        Succeeds(byName.Delta(hostKey));
        Fence();
        hosts.Old.Sh($"touch {Data}/one");
        Assert.Equal(0, Succeeds(byName.Final(hostKey)).Result("proof")!.Value.GetProperty("repaired").GetInt64());
        Assert.Equal("games mail 4242\n", hosts.New.Sh($"stat -c '%U %G %u' {Data}/one"));
    }

    [Fact]
    public void What_is_gone_from_the_source_goes_from_the_target()
    {
        hosts.Old.Sh($"echo one >{Data}/one; echo two >{Data}/two");
        Open();
        Succeeds(sync.Delta(hostKey));
        hosts.Old.Sh($"rm {Data}/two");
        var pass = Succeeds(sync.Delta(hostKey)).Result("pass")!.Value;
        Assert.Equal(1, pass.GetProperty("deleted").GetInt64());
        Assert.Equal("one\n", hosts.New.Sh($"ls {Data}"));
    }

    [Fact]
    public void A_pass_says_what_it_moved()
    {
        hosts.Old.Sh($"head -c 100000 /dev/urandom >{Data}/big; echo small >{Data}/small");
        Open();
        var pass = Succeeds(sync.Delta(hostKey)).Result("pass")!.Value;
        Assert.Equal((2L, 100006L), (pass.GetProperty("transferred").GetInt64(), pass.GetProperty("changed").GetInt64()));
        Assert.Equal(0, Succeeds(sync.Delta(hostKey)).Result("pass")!.Value.GetProperty("transferred").GetInt64());
    }

    [Fact]
    public void A_change_that_kept_size_and_time_is_found_by_the_proof()
    {
        // Above what is compared as a whole at each pass.
        hosts.Old.Sh($"truncate -s 17M {Data}/large; echo before >{Data}/page; touch -d '2020-01-01' {Data}/page");
        Open();
        Succeeds(sync.Delta(hostKey));
        hosts.Old.Sh($"printf 'after!\\n' >{Data}/page; touch -d '2020-01-01' {Data}/page");
        Succeeds(sync.Delta(hostKey));
        Assert.Equal("before\n", hosts.New.Sh($"cat {Data}/page"));
        Fence();
        var proof = Succeeds(sync.Final(hostKey)).Result("proof")!.Value;
        Assert.Equal(1, proof.GetProperty("repaired").GetInt64());
        Assert.Equal("after!\n", hosts.New.Sh($"cat {Data}/page"));
    }

    [Fact]
    public void A_small_folder_is_compared_as_a_whole_which_finds_a_change_that_kept_size_and_time()
    {
        hosts.Old.Sh($"echo before >{Data}/page; echo same >{Data}/other; touch -d '2020-01-01' {Data}/page");
        Open();
        Succeeds(sync.Delta(hostKey));
        hosts.New.Sh($"printf 'astray\n' >{Data}/page; touch -d '2020-01-01' {Data}/page");
        Fence();
        var final = Succeeds(sync.Final(hostKey));
        Assert.Equal(1, final.Result("pass")!.Value.GetProperty("transferred").GetInt64());
        Assert.Equal(3, final.Result("proof")!.Value.GetProperty("compared").GetInt64());
        Assert.Equal("before\n", hosts.New.Sh($"cat {Data}/page"));
    }

    [Fact]
    public void The_last_pass_is_refused_while_the_workload_is_in_service()
    {
        Open();
        Succeeds(sync.Delta(hostKey));
        Assert.Equal(73, Fails(sync.Final(hostKey)).Exit);
        Fence();
        Succeeds(sync.Final(hostKey));
    }

    [Fact]
    public void A_source_whose_file_system_went_away_does_not_empty_the_target()
    {
        hosts.Old.Sh($"mount -t tmpfs tmpfs {Data}; echo kept >{Data}/one");
        Open();
        Succeeds(sync.Delta(hostKey));
        hosts.Old.Sh($"umount {Data}");
        Fence();
        Assert.Equal(66, Fails(sync.Final(hostKey)).Exit);
        Assert.Equal("kept\n", hosts.New.Sh($"cat {Data}/one"));
    }

    [Fact]
    public void A_single_file_moves_alone()
    {
        hosts.Old.Sh("mkdir -p /var/lib/conf; echo mine >/var/lib/conf/main.cf; echo other >/var/lib/conf/other");
        hosts.New.Sh("mkdir -p /var/lib/conf; echo theirs >/var/lib/conf/theirs");
        var file = Sync(new SyncFolder("/var/lib/conf/main.cf", "/var/lib/conf/main.cf", true));
        Open(file);
        Succeeds(file.Delta(hostKey));
        Fence();
        Succeeds(file.Final(hostKey));
        Assert.Equal("main.cf\ntheirs\n", hosts.New.Sh("ls /var/lib/conf"));
        Assert.Equal("mine\n", hosts.New.Sh("cat /var/lib/conf/main.cf"));
    }

    [Fact]
    public void Data_goes_back_the_same_way()
    {
        hosts.New.Sh($"mkdir -p {Data}; echo newer >{Data}/one; mkdir -p {migration.Allocation.Folder}/workload; touch {migration.Allocation.Folder}/workload/fenced");
        var back = SyncScripts.Of(migration, [new(Data, Data, false)], [], TimeSpan.FromMinutes(5), Role.New);
        var key = Said(hosts.New.Run(back.OpenSource())).Result("key")!.Value.GetProperty("publicKey").GetString()!;
        var theirs = Said(hosts.Old.Run(back.OpenTarget(key))).Result("listening")!.Value.GetProperty("hostKey").GetString()!;
        Assert.Null(Said(hosts.New.Run(back.Final(theirs))).Failure);
        Assert.Equal("newer\n", hosts.Old.Sh($"cat {Data}/one"));
    }

    [Fact]
    public void The_key_opens_nothing_but_the_folders()
    {
        string[] commands =
        [
            "",
            "id",
            "rsync --version; id",
            "rsync --server --sender -logDtpre.iLsfxCIvu . 1",
            "rsync --server -logDtpre.iLsfxCIvu . /etc",
            "rsync --server -logDtpre.iLsfxCIvu . 2",
            "rsync --server -logDtprKe.iLsfxCIvu . 1",
            "rsync --server -logDtpre.iLsfxCIvu --log-file=/etc/passwd . 1",
            "rsync --server -logDtpre.iLsfxCIvu --log-format=%i$(id) . 1",
            "rsync --server -s . 1",
            "rsync --server --daemon . 1",
            "rsync --server -logDtpre.iLsfxCIvu --temp-dir=/etc . 1",
            "load latest",
            "load sha256:$(id)",
            "docker ps",
        ];
        Open();
        Succeeds(sync.Delta(hostKey));
        foreach (var command in commands)
        {
            var said = hosts.Old.Run($"ssh -F /run/migration-dashboard-{migration.Allocation.Key}/source/ssh_config target {Core.HostScripts.Shell.Quote(command)} </dev/null");
            Assert.True(said.Exit == 126 && said.Error.Contains("not allowed", StringComparison.Ordinal), $"{command}: {said}");
        }
    }

    [Fact]
    public void The_key_forwards_nothing()
    {
        Open();
        Succeeds(sync.Delta(hostKey));
        var said = hosts.Old.Run($"timeout 3 ssh -F /run/migration-dashboard-{migration.Allocation.Key}/source/ssh_config -o ControlPath=none -W 203.0.113.1:22 target </dev/null");
        Assert.Contains("prohibited", said.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void The_other_end_answers_on_the_link_only()
    {
        Open();
        Assert.Equal("10.99.0.2:7322\n", hosts.New.Sh("ss -Hltn | awk '/:7322/ { print $4 }'"));
    }

    [Fact]
    public void Another_host_key_than_the_one_told_ends_it()
    {
        Open();
        var (first, last) = (hostKey[..^3], hostKey[^3..]);
        var failure = Fails(sync.Delta(first + (last == "AAA" ? "BBB" : "AAA")));
        Assert.Equal("connect", failure.Step);
    }

    [Fact]
    public void A_port_that_is_taken_is_said()
    {
        using var other = WhoAmI.Tcp(hosts.New, System.Net.IPAddress.Parse("10.99.0.2"), 7322, "SSH-2.0-other\r\n");
        var key = Said(hosts.Old.Run(sync.OpenSource())).Result("key")!.Value.GetProperty("publicKey").GetString()!;
        Assert.NotNull(Said(hosts.New.Run(sync.OpenTarget(key))).Failure);
    }

    [Fact]
    public void Closing_leaves_nothing_behind()
    {
        var (before, beforeNew) = (Left(hosts.Old), Left(hosts.New));
        Open();
        Succeeds(sync.Delta(hostKey));
        Assert.NotEqual(before, Left(hosts.Old));
        Said(hosts.Old.Run(sync.CloseSource()));
        Said(hosts.New.Run(sync.CloseTarget()));
        hosts.New.Sh("for i in 1 2 3 4 5 6 7 8 9 10; do ss -Hltn | grep -q :7322 || break; sleep 0.1; done");
        Assert.Equal(before, Left(hosts.Old));
        Assert.Equal(beforeNew, Left(hosts.New));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_source_that_goes_back_by_itself_ends_the_copy_on_both(bool connected)
    {
        hosts.Apply(migration, Stage.Drain);
        Open();
        if (connected)
            Succeeds(sync.Delta(hostKey));
        hosts.Old.Apply(migration.Config(Stage.Drain, Role.Old, held: true), checkpoint: new CheckpointChange.Arm(60, "tok")).MustSucceed("hold");
        hosts.Old.Run(ApplyScript.Revert(migration.Allocation, "tok")).MustSucceed("revert");
        var open = $"test -e /run/migration-dashboard-{migration.Allocation.Key} && echo open || true";
        Assert.Equal("", hosts.Old.Sh(open));
        if (connected)
            Eventually.Equal("", () => hosts.New.Sh(open + "; ss -Hltn | grep :7322 || true"), seconds: 5);
    }

    [Fact]
    public void What_leaves_a_host_takes_its_end_of_a_copy_along()
    {
        hosts.Apply(migration, Stage.Drain);
        Open();
        hosts.Apply(migration, Stage.Decommission);
        foreach (var host in new[] { hosts.Old, hosts.New })
            Eventually.Equal("", () => host.Sh("find /run -name 'migration-dashboard-*'; ss -Hltn | grep :7322 || true"), seconds: 5);
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/etc")]
    [InlineData("/etc/ssh")]
    [InlineData("/var/lib")]
    [InlineData("/usr/lib/x")]
    [InlineData("/run/x")]
    [InlineData("/srv/../etc")]
    [InlineData("relative")]
    [InlineData("/srv/a\nb")]
    public void A_folder_of_the_system_is_never_mirrored(string path) =>
        Assert.Throws<InvalidInputException>(() => Sync(new SyncFolder(path, path, false)));

    [Theory]
    [InlineData("ssh-ed25519 AAAA\nssh-ed25519 BBBB")]
    [InlineData("command=\"id\" ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHB1YmxpYyBrZXkgb2Ygbm9ib2R5IGF0IGFsbCwgc29y")]
    [InlineData("")]
    public void Only_a_plain_public_key_is_let_in(string key) => Assert.Throws<InvalidInputException>(() => sync.OpenTarget(key));

    public void Dispose() => hosts.Dispose();

    private static string Left(KernelHost host) => host.Sh("find /run /var/lib -not -path '/var/lib/app*' -not -path /run/sshd | sort; ss -Hltn; ps -eo args | grep -c '[s]sh-\\|[s]sh .*target\\|[s]shd' || true");

    private SyncScripts Sync(params SyncFolder[] folders) => SyncScripts.Of(migration, folders.ToValueList(), [], TimeSpan.FromMinutes(5));

    private void Open(SyncScripts? other = null)
    {
        var scripts = other ?? sync;
        var key = Said(hosts.Old.Run(scripts.OpenSource())).Result("key")!.Value.GetProperty("publicKey").GetString()!;
        hostKey = Said(hosts.New.Run(scripts.OpenTarget(key))).Result("listening")!.Value.GetProperty("hostKey").GetString()!;
    }

    private void Fence() => hosts.Old.Sh($"mkdir -p {migration.Allocation.Folder}/workload; touch {migration.Allocation.Folder}/workload/fenced");

    private ScriptOutput Succeeds(string script)
    {
        var outcome = hosts.Old.Run(script);
        Assert.True(outcome.Exit == 0, outcome.Out + outcome.Error);
        return ScriptOutput.Parse(outcome.Out);
    }

    private StepLine Fails(string script)
    {
        var outcome = hosts.Old.Run(script);
        Assert.NotEqual(0, outcome.Exit);
        return ScriptOutput.Parse(outcome.Out).Failure!;
    }

    private static ScriptOutput Said(Outcome outcome) => outcome.Exit == 0 || outcome.Out.Length > 0
        ? ScriptOutput.Parse(outcome.Out)
        : throw new InvalidOperationException(outcome.Error);
}
