using System.Net.Sockets;
using System.Runtime.CompilerServices;
using MigrationDashboard.Core.HostScripts;
using MigrationDashboard.Core.Migrations;
using MigrationDashboard.Core.Network;
using MigrationDashboard.Core.Stages;
using MigrationDashboard.Core.Tests.HostScripts;
using Xunit;

namespace MigrationDashboard.Core.Tests.Rules;

/// <summary>
/// The rules of the seed case, to be read: what each host gets in each stage. After an intended change run the tests once with
/// <c>UPDATE_GOLDEN=1</c> and read the difference.
/// </summary>
public sealed class GoldenTests
{
    public static TheoryData<string, Stage, Role, bool> Cases { get; } = new()
    {
        { "forward-old", Stage.Forward, Role.Old, false },
        { "forward-new", Stage.Forward, Role.New, false },
        { "held-old", Stage.Drain, Role.Old, true },
        { "held-new", Stage.Drain, Role.New, true },
        { "tail-old", Stage.Tail, Role.Old, false },
        { "tail-new", Stage.Tail, Role.New, false },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void The_rules_are_those_of_the_golden_file(string name, Stage stage, Role role, bool held)
    {
        var config = HostScripts.Cases.Mail().Config(stage, role, held);
        Check($"{name}.nft", NftRuleset.Render(config));
        Check($"{name}.iptables", string.Concat(new[] { AddressFamily.InterNetwork, AddressFamily.InterNetworkV6 }
            .Select(family => $"# {(family == AddressFamily.InterNetwork ? "IPv4" : "IPv6")}\n{IptablesRuleset.Render(config, family).Preview()}")));
        Check($"{name}.routes", Routes(config));
    }

    /// <summary>Routing rules, routes and settings as commands.</summary>
    private static string Routes(HostConfig config)
    {
        var routes = PolicyRoutes.Of(config);
        static string Ip(AddressFamily family) => family == AddressFamily.InterNetwork ? "ip" : "ip -6";
        return string.Concat([
            .. routes.Rules.Select(rule => $"{Ip(rule.Family)} rule add pref {rule.Preference} {rule.Selector}\n"),
            .. routes.Routes.Select(route => $"{Ip(route.Family)} route replace {route.Route} table {config.Allocation.Table}\n"),
            .. config.Sysctls.Select(sysctl => $"sysctl {sysctl.Path}={sysctl.Value}\n"),
        ]);
    }

    private static void Check(string file, string actual, [CallerFilePath] string here = "")
    {
        var path = Path.Combine(Path.GetDirectoryName(here)!, "Golden", file);
        if (Environment.GetEnvironmentVariable("UPDATE_GOLDEN") == "1")
            File.WriteAllText(path, actual);
        Assert.True(File.Exists(path), $"{path} is missing: run once with UPDATE_GOLDEN=1");
        Assert.Equal(File.ReadAllText(path), actual);
    }
}
