using MigrationDashboard.Core.Tests.HostScripts;
using MigrationDashboard.Core.Workloads;
using Xunit;
using static MigrationDashboard.Core.Tests.Workloads.Inspections;

namespace MigrationDashboard.Core.Tests.Workloads;

public sealed class ContainerDefinitionTests
{
    [Fact]
    public void What_comes_with_the_image_is_not_said_again()
    {
        var definition = Definition(Container());
        Assert.Equal(["--name=mail", "--restart=no"], CreateCommand.Of(definition, "/tmp").Arguments);
        Assert.Equal(["app:1"], CreateCommand.Of(definition, "/tmp").Process);
        Assert.Equal("always", definition.Restart);
    }

    [Fact]
    public void Every_setting_is_asked_for_again()
    {
        var command = CreateCommand.Of(
            Definition(Container(
                config: """
                    {"Hostname":"mail.example.org","Domainname":"example.org","User":"1000:1000","WorkingDir":"/data","Tty":true,"OpenStdin":true,"StopSignal":"SIGQUIT","StopTimeout":30,
                     "Env":["PATH=/bin","A=1","B=two words"],"Labels":{"maker":"us","role":"mail"},"ExposedPorts":{"25/tcp":{},"9/udp":{}},
                     "Healthcheck":{"Test":["CMD","/check","it's up"],"Interval":30000000000,"Retries":3}}
                    """,
                host: """
                    {"NetworkMode":"mailnet","Privileged":false,"CapAdd":["NET_ADMIN"],"CapDrop":["ALL"],"SecurityOpt":["no-new-privileges"],"ReadonlyRootfs":true,"Init":true,
                     "Devices":[{"PathOnHost":"/dev/fuse","PathInContainer":"/dev/fuse","CgroupPermissions":"rwm"}],"Sysctls":{"net.core.somaxconn":"1024"},
                     "Ulimits":[{"Name":"nofile","Soft":1024,"Hard":2048}],"Memory":536870912,"MemorySwap":1073741824,"NanoCpus":1500000000,"ShmSize":134217728,"PidsLimit":100,
                     "ExtraHosts":["db:10.0.0.5"],"Dns":["9.9.9.9"],"Tmpfs":{"/run":"size=64m"},"GroupAdd":["docker"],"LogConfig":{"Type":"json-file","Config":{"max-size":"1m"}},
                     "CgroupnsMode":"private","PidMode":"host","OomScoreAdj":-500,
                     "PortBindings":{"25/tcp":[{"HostIp":"","HostPort":"25"}],"587/tcp":[{"HostIp":"::1","HostPort":"1587"}],"53/udp":[{"HostIp":"127.0.0.1","HostPort":""}]} }
                    """,
                mounts: """
                    [{"Type":"volume","Name":"maildata","Source":"/var/lib/docker/volumes/maildata/_data","Destination":"/srv/mail","Mode":"z","RW":true},
                     {"Type":"bind","Source":"/srv/a,b","Destination":"/conf","Mode":"","RW":false,"Propagation":"rslave"},
                     {"Type":"bind","Source":"/srv/se","Destination":"/se","Mode":"ro,Z","RW":false,"Propagation":"rprivate"}]
                    """,
                networks: """
                    {"mailnet":{"IPAMConfig":{"IPv4Address":"172.18.0.9"},"Aliases":["smtp","e57ad3a2c7b7"]},"back":{"IPAMConfig":null,"Aliases":null}}
                    """)),
            "/tmp");
        Assert.Equal(
            """
            --name=mail
            --restart=no
            --network=mailnet
            --network-alias=smtp
            --ip=172.18.0.9
            --publish=25:25/tcp
            --publish=127.0.0.1::53/udp
            --publish=[::1]:1587:587/tcp
            --mount=type=bind,"source=/srv/a,b",target=/conf,readonly,bind-propagation=rslave
            --volume=/srv/se:/se:Z,ro
            --mount=type=volume,source=maildata,target=/srv/mail,volume-nocopy
            --hostname=mail.example.org
            --domainname=example.org
            --user=1000:1000
            --workdir=/data
            --label=role=mail
            --tty
            --interactive
            --stop-signal=SIGQUIT
            --stop-timeout=30
            --expose=9/udp
            --health-cmd=/check 'it'\''s up'
            --health-interval=30000000000ns
            --health-retries=3
            --cap-add=NET_ADMIN
            --cap-drop=ALL
            --security-opt=no-new-privileges
            --read-only
            --init
            --pid=host
            --cgroupns=private
            --group-add=docker
            --device=/dev/fuse:/dev/fuse:rwm
            --sysctl=net.core.somaxconn=1024
            --tmpfs=/run:size=64m
            --memory=536870912
            --memory-swap=1073741824
            --cpus=1.5
            --pids-limit=100
            --oom-score-adj=-500
            --shm-size=134217728
            --ulimit=nofile=1024:2048
            --add-host=db:10.0.0.5
            --dns=9.9.9.9
            --log-driver=json-file
            --log-opt=max-size=1m
            """.ReplaceLineEndings("\n"), string.Join('\n', command.Arguments));
        Assert.Equal(["A=1", "B=two words"], command.EnvironmentFile);
        Assert.Equal("back", Assert.Single(command.Further).Network);
    }

    [Theory]
    [InlineData("""{"Entrypoint":["/init"],"Cmd":["serve"]}""", null, "app:1")]
    [InlineData("""{"Entrypoint":["/init"],"Cmd":["other","-v"]}""", null, "app:1|other|-v")]
    [InlineData("""{"Entrypoint":["/bin/sh","-c"],"Cmd":["echo hi"]}""", "/bin/sh", "app:1|-c|echo hi")]
    [InlineData("""{"Entrypoint":["/init"],"Cmd":null}""", "/init", "app:1")]
    [InlineData("""{"Entrypoint":null,"Cmd":["serve"]}""", "", "app:1|serve")]
    public void The_process_is_the_same(string config, string? entrypoint, string process)
    {
        var command = CreateCommand.Of(Definition(Container(config: config)), "/tmp");
        Assert.Equal(entrypoint, command.Arguments.FirstOrDefault(word => word.StartsWith("--entrypoint=", StringComparison.Ordinal))?["--entrypoint=".Length..]);
        Assert.Equal(process, string.Join('|', command.Process));
    }

    [Theory]
    [InlineData("""{"AutoRemove":true}""", "--rm")]
    [InlineData("""{"NetworkMode":"container:abc"}""", "network of another container")]
    [InlineData("""{"Links":["/db:/mail/db"]}""", "links")]
    public void What_cannot_be_put_back_or_be_alone_is_refused(string host, string reason) =>
        Assert.Contains(reason, Assert.Single(Definition(Container(host: host)).Refusals), StringComparison.Ordinal);

    [Theory]
    [InlineData("com.docker.swarm.service.id")]
    [InlineData("io.kubernetes.pod.name")]
    public void What_something_else_would_start_again_is_refused(string label) =>
        Assert.Contains("start it again", Assert.Single(Definition(Container(config: $$$"""{"Labels":{"{{{label}}}":"x"}}""")).Refusals), StringComparison.Ordinal);

    [Fact]
    public void Hostile_values_reach_docker_as_they_are()
    {
        const string Hostile = "a'b\"c $(touch /run/hacked) `touch /run/hacked` \\ ; touch /run/hacked & | > é END\u2028";
        var command = CreateCommand.Of(
            new()
            {
                Name = "mail",
                Image = "app:1",
                ImageId = ImageId,
                Entrypoint = ["/bin/sh", Hostile],
                Command = [Hostile, "", "-x"],
                Environment = [$"ONE={Hostile}", $"ROWS=one\n{Hostile}", "EMPTY="],
                Options = [$"--label=x={Hostile}"],
                Mounts = [new(MountKind.Bind, $"/srv/{Hostile},\"", "/x", false, "", [])],
                Seccomp = $$"""{"defaultAction":"{{Hostile}}"}""",
            },
            "$STATE");
        using var host = new KernelHost("old");
        var said = host.Run($$"""
            STATE=/run
            mount -t tmpfs tmpfs /usr/local/sbin
            cat >/usr/local/sbin/docker <<'TEXT'
            #!/bin/sh
            for word in "$@"; do printf '%s\036' "$word"; case $word in --env-file=*) printf '[%s]\036' "$(cat "${word#--env-file=}")" ;; --security-opt=seccomp=*) printf '[%s]\036' "$(cat "${word#--security-opt=seccomp=}")" ;; --env=*) printf '[%s]\036' "$(printenv "${word#--env=}")" ;; esac; done
            TEXT
            chmod +x /usr/local/sbin/docker
            {{command.Render(0)}}
            create_0
            ls -d /run/[ehs]* >&2 2>/dev/null
            """);
        string[] files = ["create", "--env-file=/run/environment", $"[ONE={Hostile}\nEMPTY=]", "--security-opt=seccomp=/run/seccomp", $"[{command.Seccomp}]"];
        // The value itself goes by the environment, where only root can read it.
        string[] environment = ["--env=ROWS", $"[one\n{Hostile}]"];
        Assert.Equal([.. files, .. command.Arguments.TakeWhile(word => word != "--env=ROWS"), .. environment, .. command.Arguments.SkipWhile(word => word != "--env=ROWS").Skip(1), .. command.Process], said.Out.Split('\x1e')[..^1]);
        Assert.Equal("", said.Error);
    }

    [Theory]
    [InlineData("#ODD=1")]
    [InlineData("PATH=one\ntwo")]
    [InlineData("WITH.DOT=one\ntwo")]
    public void A_value_that_could_only_go_where_everybody_reads_it_is_refused_by_its_name(string line)
    {
        Assert.Contains(line.Split('=')[0], CreateCommand.Refuse(line), StringComparison.Ordinal);
        Assert.DoesNotContain("two", CreateCommand.Refuse(line), StringComparison.Ordinal);
    }

    [Fact]
    public void A_copy_that_behaves_otherwise_is_told_apart()
    {
        var one = Definition(Container());
        Assert.Empty(ContainerDefinition.Differences(one, Definition(Container(host: """{"RestartPolicy":{"Name":"no","MaximumRetryCount":0}}"""))));
        Assert.Equal("options:  became --read-only", Assert.Single(ContainerDefinition.Differences(one, Definition(Container(host: """{"ReadonlyRootfs":true}""")))));
        Assert.Equal("environment", Assert.Single(ContainerDefinition.Differences(one, Definition(Container(config: """{"Env":["PATH=/bin","SECRET=x"]}""")))));
    }
}
