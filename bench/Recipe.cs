using MigrationDashboard.Driver;

namespace MigrationDashboard.Bench;

/// <summary>
/// The plain recipe, for comparison: DNAT on new, connection marks and a second table on old, reverse-path filtering off; for the move the
/// process is stopped on old, started on new, and the rules are swapped. Nothing is held. For the plain process on TCP 2525, which has no data.
/// </summary>
internal static class Recipe
{
    public static async Task SetUpAsync(Lab lab)
    {
        await lab.ShellAsync("old",
            """
            for f in all eth1; do echo 0 >/proc/sys/net/ipv4/conf/$f/rp_filter; done
            iptables -t mangle -A PREROUTING -i eth1 -m conntrack --ctstate NEW -j CONNMARK --set-mark 0x77
            iptables -t mangle -A PREROUTING -m connmark --mark 0x77 -j CONNMARK --restore-mark
            iptables -t mangle -A OUTPUT -m connmark --mark 0x77 -j CONNMARK --restore-mark
            ip route add default via 10.77.0.2 dev eth1 table 177; ip rule add fwmark 0x77 lookup 177 pref 177
            """);
        await lab.ShellAsync("new",
            """
            for f in all eth1; do echo 0 >/proc/sys/net/ipv4/conf/$f/rp_filter; done
            sysctl -qw net.ipv4.ip_forward=1
            iptables -t nat -I PREROUTING 1 -i eth0 -p tcp -m multiport --dports 2525 -j DNAT --to-destination 10.77.0.1
            iptables -I FORWARD 1 -p tcp -m multiport --ports 2525 -j ACCEPT
            """);
    }

    public static async Task MoveAsync(Lab lab)
    {
        await lab.ShellAsync("old", "systemctl stop banner");
        await lab.ShellAsync("new",
            """
            systemctl start banner
            iptables -t nat -D PREROUTING -i eth0 -p tcp -m multiport --dports 2525 -j DNAT --to-destination 10.77.0.1
            iptables -t mangle -A PREROUTING -i eth1 -m conntrack --ctstate NEW -j CONNMARK --set-mark 0x77
            iptables -t mangle -A OUTPUT -m connmark --mark 0x77 -j CONNMARK --restore-mark
            ip route add default via 10.77.0.1 dev eth1 table 177; ip rule add fwmark 0x77 lookup 177 pref 177
            """);
        await lab.ShellAsync("old",
            """
            sysctl -qw net.ipv4.ip_forward=1
            iptables -t nat -I PREROUTING 1 -i eth0 -p tcp -m multiport --dports 2525 -j DNAT --to-destination 10.77.0.2
            iptables -I FORWARD 1 -p tcp -m multiport --ports 2525 -j ACCEPT
            """);
    }

    public static async Task TakeDownAsync(Lab lab)
    {
        foreach (var host in new[] { "old", "new" })
            await lab.ShellAsync(host,
                """
                iptables -t mangle -F PREROUTING; iptables -t mangle -F OUTPUT
                iptables -t nat -D PREROUTING -i eth0 -p tcp -m multiport --dports 2525 -j DNAT --to-destination 10.77.0.2 2>/dev/null
                iptables -D FORWARD -p tcp -m multiport --ports 2525 -j ACCEPT
                ip rule del pref 177; ip route flush table 177
                """);
        await lab.ShellAsync("new", "systemctl stop banner");
        await lab.ShellAsync("old", "systemctl start banner");
    }
}
