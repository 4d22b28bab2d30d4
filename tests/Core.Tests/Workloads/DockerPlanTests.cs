using System.Net;
using MigrationDashboard.Core.Tests.HostScripts;
using MigrationDashboard.Core.Workloads;
using Xunit;
using static MigrationDashboard.Core.Tests.Workloads.Inspections;

namespace MigrationDashboard.Core.Tests.Workloads;

public sealed class DockerPlanTests
{
    private const string Volume = """{"Name":"maildata","Driver":"local","Mountpoint":"/var/lib/docker/volumes/maildata/_data","Options":null,"Labels":null}""";

    private const string OnVolume = """[{"Type":"volume","Name":"maildata","Source":"/var/lib/docker/volumes/maildata/_data","Destination":"/srv/mail","RW":true}]""";

    private static readonly string OnNetwork = Container(host: """{"NetworkMode":"mailnet"}""", networks: """{"mailnet":{"IPAMConfig":{"IPv4Address":"172.18.0.9"},"Aliases":null}}""");

    [Fact]
    public void An_image_the_other_host_lacks_comes_along_by_its_name() =>
        Assert.Equal(new ImageToMove(ImageId, "app:1"), Assert.Single(Plan(Old(Container()), New()).Images));

    [Fact]
    public void An_image_that_is_there_is_not_sent() =>
        Assert.Empty(Plan(Old(Container()), New(Text("images", $"{ImageId} app:1"))).Images);

    [Fact]
    public void A_name_that_means_another_image_there_stays_what_it_is()
    {
        var plan = Plan(Old(Container()), New(Text("images", "sha256:2222 app:1")));
        Assert.Equal(new ImageToMove(ImageId, ImageId), Assert.Single(plan.Images));
        Assert.Contains($" {ImageId}", plan.Script, StringComparison.Ordinal);
        Assert.DoesNotContain(" app:1", plan.Script, StringComparison.Ordinal);
    }

    [Fact]
    public void A_volume_is_made_and_kept_equal()
    {
        var plan = Plan(Old(Container(mounts: OnVolume), Line("volume", Volume)), New().Replace("/var/lib/docker", "/data/docker", StringComparison.Ordinal));
        Assert.Equal(new SyncFolder("/var/lib/docker/volumes/maildata/_data", "/data/docker/volumes/maildata/_data", false), Assert.Single(plan.Folders));
        Assert.Contains("docker volume create --driver=local maildata", plan.Script, StringComparison.Ordinal);
        Assert.Empty(plan.Errors);
    }

    [Fact]
    public void Behind_a_volume_that_is_mounted_only_while_in_use_the_folder_itself_moves()
    {
        var volume = Volume.Replace("\"Options\":null", """
            "Options":{"type":"none","o":"bind","device":"/srv/mail"}
            """.Trim(), StringComparison.Ordinal);
        Assert.Equal(new SyncFolder("/srv/mail", "/srv/mail", false), Assert.Single(Plan(Old(Container(mounts: OnVolume), Line("volume", volume)), New()).Folders));
    }

    [Fact]
    public void A_volume_on_a_file_server_is_not_copied()
    {
        var volume = Volume.Replace("\"Options\":null", """
            "Options":{"type":"nfs","o":"addr=10.0.0.9","device":":/export"}
            """.Trim(), StringComparison.Ordinal);
        var plan = Plan(Old(Container(mounts: OnVolume), Line("volume", volume)), New());
        Assert.Empty(plan.Folders);
        Assert.Contains(plan.Notes, note => note.Contains("mounted from elsewhere", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("/srv/app", "folder", true, 1, 0)]
    [InlineData("/etc/app/main.cf", "file", false, 1, 0)]
    [InlineData("/var/run/docker.sock", "special", true, 0, 0)]
    [InlineData("/etc/localtime", "file", false, 0, 0)]
    [InlineData("/etc", "folder", true, 0, 1)]
    [InlineData("/etc", "folder", false, 0, 0)]
    [InlineData("/", "folder", true, 0, 1)]
    [InlineData("/srv/gone", "missing", true, 0, 1)]
    public void A_bind_mount_moves_unless_it_is_the_hosts_own(string path, string kind, bool writable, int folders, int errors)
    {
        var mounts = $$"""[{"Type":"bind","Source":"{{path}}","Destination":"/x","Mode":"","RW":{{(writable ? "true" : "false")}},"Propagation":"rprivate"}]""";
        var plan = Plan(Old(Container(mounts: mounts), $$"""{"result":"path","path":"{{path}}","kind":"{{kind}}"}""" + "\n"), New());
        Assert.Equal((folders, errors), (plan.Folders.Count, plan.Errors.Count));
    }

    [Fact]
    public void A_folder_inside_another_is_copied_once()
    {
        const string Mounts = """[{"Type":"bind","Source":"/srv/app","Destination":"/x","RW":true},{"Type":"bind","Source":"/srv/app/sub","Destination":"/y","RW":true}]""";
        var plan = Plan(Old(Container(mounts: Mounts), """{"result":"path","path":"/srv/app","kind":"folder"}""" + "\n", """{"result":"path","path":"/srv/app/sub","kind":"folder"}""" + "\n"), New());
        Assert.Equal("/srv/app", Assert.Single(plan.Folders).Source);
    }

    [Fact]
    public void A_network_is_made_with_its_addresses_where_they_are_free()
    {
        var plan = Plan(Old(OnNetwork, Network("172.18.0.0/16")), New(Text("routes", "default\n10.77.0.0/24\n172.17.0.0/16")));
        Assert.Contains("docker network create --driver=bridge --subnet=172.18.0.0/16 mailnet", plan.Script, StringComparison.Ordinal);
        Assert.Contains("--ip=172.18.0.9", plan.Script, StringComparison.Ordinal);
    }

    [Fact]
    public void A_network_whose_addresses_are_in_use_there_gets_others()
    {
        var plan = Plan(Old(OnNetwork, Network("172.18.0.0/16")), New(Text("routes", "172.18.5.0/24")));
        Assert.Contains("docker network create --driver=bridge mailnet", plan.Script, StringComparison.Ordinal);
        Assert.DoesNotContain("--ip=", plan.Script, StringComparison.Ordinal);
        Assert.Contains(plan.Notes, note => note.Contains("172.18.0.9 does not fit", StringComparison.Ordinal));
    }

    [Fact]
    public void A_network_that_is_there_stays_as_it_is()
    {
        var plan = Plan(Old(OnNetwork, Network("172.18.0.0/16")), New(Network("172.19.0.0/16")));
        Assert.DoesNotContain("network create", plan.Script, StringComparison.Ordinal);
        Assert.DoesNotContain("--ip=", plan.Script, StringComparison.Ordinal);
        Assert.Contains("--network=mailnet", plan.Script, StringComparison.Ordinal);
    }

    [Fact]
    public void An_address_that_another_container_has_is_not_taken()
    {
        var theirs = Network("172.18.0.0/16").Replace("\"Options\":{}", """
            "Options":{},"Containers":{"x":{"IPv4Address":"172.18.0.9/16"} }
            """.Trim(), StringComparison.Ordinal);
        Assert.DoesNotContain("--ip=", Plan(Old(OnNetwork, Network("172.18.0.0/16")), New(theirs)).Script, StringComparison.Ordinal);
    }

    [Fact]
    public void A_port_published_at_an_address_of_the_first_host_is_published_at_those_that_stand_for_it()
    {
        var plan = Plan(Old(Container(host: """{"PortBindings":{"25/tcp":[{"HostIp":"203.0.113.10","HostPort":"25"}]}}""")), New());
        Assert.Contains("--publish=203.0.113.20:25:25/tcp --publish=10.99.0.2:25:25/tcp", plan.Script, StringComparison.Ordinal);
        Assert.Contains("nothing on the other host stands for", Assert.Single(Plan(Old(Container(host: """{"PortBindings":{"25/tcp":[{"HostIp":"192.0.2.1","HostPort":"25"}]}}""")), New()).Errors), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("tcp 25 0.0.0.0", true)]
    [InlineData("tcp 25 127.0.0.1", true)]
    [InlineData("udp 25 0.0.0.0", false)]
    [InlineData("tcp 26 0.0.0.0", false)]
    public void A_port_that_is_taken_there_is_seen_before_anything_is_done(string listening, bool error)
    {
        var plan = Plan(Old(Container(host: """{"PortBindings":{"25/tcp":[{"HostIp":"","HostPort":"25"}]}}""")), New(Text("listening", listening)));
        Assert.Equal(error, plan.Errors.Count > 0);
    }

    [Fact]
    public void Files_that_would_stay_behind_are_named()
    {
        var plan = Plan(Old(Container(), Text("changed", "mail\nA /etc/app/key.pem\nC /opt/app/db.sqlite")), New());
        Assert.Contains(plan.Notes, note => note.Contains("A /etc/app/key.pem, C /opt/app/db.sqlite", StringComparison.Ordinal));
    }

    [Fact]
    public void Hosts_that_number_users_otherwise_do_not_get_each_others_files() =>
        Assert.Contains("userns-remap", Assert.Single(Plan(Old(Container()), Docker("""["name=userns"]""")).Errors), StringComparison.Ordinal);

    [Fact]
    public void A_container_that_is_not_there_cannot_move() => Assert.NotEmpty(Plan(New(), New()).Errors);

    [Fact]
    public void A_container_named_by_its_id_is_asked_for_by_name() =>
        Assert.Contains("by its name, post", Assert.Single(Plan(Old(Container(name: "post")), New()).Errors), StringComparison.Ordinal);

    [Fact]
    public void A_failed_inspection_says_why() =>
        Assert.Contains("not installed", Assert.Throws<InvalidInputException>(() => Plan("""{"step":"docker","exit":69,"ms":1,"output":"Docker is not installed"}""", New())).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("10.0.0.0/8", "10.1.0.0/16", true)]
    [InlineData("10.1.0.0/16", "10.0.0.0/8", true)]
    [InlineData("10.1.0.0/16", "10.2.0.0/16", false)]
    [InlineData("10.1.2.3", "10.1.2.0/24", true)]
    [InlineData("fd00::/64", "10.0.0.0/8", false)]
    public void Networks_that_share_an_address_overlap(string one, string other, bool overlap) =>
        Assert.Equal(overlap, DockerHost.Overlap(DockerHost.Network(one)!.Value, DockerHost.Network(other)!.Value));

    private static string Network(string subnet) =>
        Line("network", $$"""{"Name":"mailnet","Driver":"bridge","EnableIPv6":false,"Internal":false,"Attachable":false,"IPAM":{"Config":[{"Subnet":"{{subnet}}"}]},"Options":{},"Labels":{} }""");

    private static Preparation Plan(string old, string @new) => WorkloadScripts.Of(Cases.Mail()).Prepare(old, @new);
}
