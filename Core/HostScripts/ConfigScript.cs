using System.Globalization;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using MigrationDashboard.Core.Migrations;
using MigrationDashboard.Core.Network;

namespace MigrationDashboard.Core.HostScripts;

/// <summary>Renders a <see cref="HostConfig"/> to the POSIX sh script that sets a host to it; the host keeps the script and runs it again after a reboot.</summary>
public static class ConfigScript
{
    public static string Render(HostConfig config, RulesBackend backend)
    {
        var own = config.Allocation;
        var routes = PolicyRoutes.Of(config);
        var openings = config.Openings.Select(OpeningCommands.Of(own)).ToList();
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"""
            #!/bin/sh
            set -u
            PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
            KEY={own.Key}
            HOST={Allocation.HostFolder}
            FOLDER={own.Folder}
            BACKEND={(backend == RulesBackend.Nft ? "nft" : "iptables")}
            NFT_TABLE={own.NftTable}
            CHAINS={own.ChainPrefix}
            TABLE={own.Table}
            PREFERENCES={Shell.Quote(string.Join(' ', Enumerable.Range(own.Preference, PolicyRoutes.PreferencesPerMigration)))}
            MARKS={Shell.Quote(string.Join(' ', new[] { own.Forwarded, own.Return, own.Egress }.Select(PolicyRoutes.Printed)))}
            LINK={config.Link?.Interface}
            TUNNEL={(config.Link?.Tunnel is null ? "none" : "ours")}
            OPENINGS={Shell.Quote(string.Join(' ', openings.Select(opening => opening.Id)))}

            """);
        (string Name, string Text)[] parts =
        [
            ("link", Shell.Function("wanted_addresses", Lines(config.Link?.Addresses.Select(address => address.ToString()) ?? [])) + LinkScript.Functions(config)),
            ("sysctls", Shell.Function("wanted_sysctls", Lines(config.Sysctls.Select(sysctl => $"{sysctl.Path} {sysctl.Value}")))),
            ("routes",
                Shell.Function("wanted_rules", Lines(routes.Rules.Select(rule => string.Create(CultureInfo.InvariantCulture, $"{Number(rule.Family)} {rule.Preference} {rule.Selector}")))) +
                Shell.Function("wanted_routes", Lines(routes.Routes.Select(route => $"{Number(route.Family)} {route.Route}")))),
        ];

        // Two configurations that have a part in common have the same hash of it.
        text.Append(CultureInfo.InvariantCulture, $"PARTS='{string.Join(' ', parts.Select(part => $"{part.Name}:{Hash($"{config.Link?.Interface} {part.Text}")[..16]}"))}'\n");
        text.AppendJoin("", parts.Select(part => part.Text));
        foreach (var (suffix, rules) in new[] { ("", config), ("_early", config with { Holds = config.BootHolds }) })
        {
            text.Append(Shell.Function("wanted_nft" + suffix, backend == RulesBackend.Nft ? NftRuleset.Render(rules) : ""));
            foreach (var family in new[] { AddressFamily.InterNetwork, AddressFamily.InterNetworkV6 })
            {
                var tables = backend == RulesBackend.Iptables ? IptablesRuleset.Render(rules, family) : null;
                text.Append(Shell.Function($"wanted_iptables{Number(family)}{suffix}", tables?.Restore ?? ""));
                text.Append(Shell.Function($"wanted_jumps{Number(family)}{suffix}", Lines(tables?.Jumps.Select(Line) ?? [])));
            }
        }

        text.Append(Shell.Function("all_jumps", Lines(IptablesRuleset.AllJumps(own).Reverse().Select(Line))));
        foreach (var opening in openings)
            text.Append(Shell.Function("opening_" + opening.Id, Lines([opening.What, opening.Check, opening.Add, opening.Remove])));
        text.Append(ScriptFile.Read("step.sh"));
        text.Append(ScriptFile.Read("config.sh"));
        return text.ToString();
    }

    /// <summary>What a host prints of the stored script: SHA-256 of its bytes, lower-case hex.</summary>
    public static string Hash(string script) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(script)));

    private static string Lines(IEnumerable<string> lines) => string.Concat(lines.Select(line => line + "\n"));

    private static string Line(IptablesJump jump) => $"{jump.Table} {jump.BuiltIn} {jump.Chain}";

    private static int Number(AddressFamily family) => family == AddressFamily.InterNetwork ? 4 : 6;
}
