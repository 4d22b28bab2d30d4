# shellcheck shell=sh
# shellcheck disable=SC2034,SC2154  # the parts share names; script/lab reads them all
# The networks, all of them in namespaces: nothing is added to the computer's own.
#
#   client ── 198.51.100.0/24 ──┐                      ┌── old 203.0.113.10 ── eth1 10.77.0.1 ─┐
#   ops    ── 192.0.2.0/24 ─────┤ router ── public ────┼── new 203.0.113.20 ── eth1 10.77.0.2 ─┘ lan
#                               └          switch      └── dns 203.0.113.53, .54

in_namespace() { _in=$(namespace "$1"); shift; nsenter --net="/run/netns/$_in" "$@"; }

network_up() {
    for _name in router client ops dns; do namespace_up "$_name"; done
    router_up
    cable client router 198.51.100.1/24 2001:db8:100::1/64
    cable ops router 192.0.2.1/24 2001:db8:2::1/64
    address ops eth0 "$ops4/24" 192.0.2.1 "$ops6/64" 2001:db8:2::1
    client_addresses
    plug dns eth0 public
    address dns eth0 "$dns4/24" 203.0.113.1 "$dns6/64" 2001:db8:113::1
    address dns eth0 "$stubborn4/24" '' "$stubborn6/64" ''
    address dns eth0 "$resolver4/24" '' "$resolver6/64" ''
}

namespace_up() {
    ip netns add "$(namespace "$1")"
    # shellcheck disable=SC2016  # expanded inside
    in_namespace "$1" sh -c '
        ip link set lo up
        # Addresses are ours alone, so looking for duplicates only delays them by a second.
        echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad
        echo 0 >/proc/sys/net/ipv6/conf/default/accept_ra'
}

# shellcheck disable=SC2016  # expanded inside
router_up() {
    in_namespace router sh -c '
        echo 1 >/proc/sys/net/ipv4/ip_forward
        echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
        for f in ip ip6 arp; do
            # A switch does not filter: frames must not visit the rules of the router.
            echo 0 >/proc/sys/net/bridge/bridge-nf-call-${f}tables 2>/dev/null || true
        done
        # Addresses of their own: a bridge without one takes the lowest of its ports, another one after each reboot, and neighbours talk to the old one for a while.
        ip link add public address 52:54:00:00:00:01 type bridge forward_delay 0
        ip link add lan address 52:54:00:00:01:01 type bridge forward_delay 0
        ip addr add 203.0.113.1/24 dev public
        ip addr add 2001:db8:113::1/64 dev public
        ip link set public up
        ip link set lan up'
}

# cable NAME router ADDRESS4 ADDRESS6: eth0 of NAME to a port of the router named after it.
cable() {
    ip -n "$(namespace "$1")" link add eth0 type veth peer name "$1" netns "$(namespace "$2")"
    ip -n "$(namespace "$2")" addr add "$3" dev "$1"
    ip -n "$(namespace "$2")" addr add "$4" dev "$1" nodad
    ip -n "$(namespace "$2")" link set "$1" up
    ip -n "$(namespace "$1")" link set eth0 up
}

# plug NAME INTERFACE SWITCH: into a switch of the router; the switch's end is called NAME-SWITCH.
plug() {
    ip -n "$(namespace "$1")" link add "$2" type veth peer name "$1-$3" netns "$(namespace router)"
    ip -n "$(namespace router)" link set "$1-$3" master "$3" up
    ip -n "$(namespace "$1")" link set "$2" up
}

# address NAME INTERFACE ADDRESS4 GATEWAY4 ADDRESS6 GATEWAY6; empty gateways are left out.
address() {
    _ns=$(namespace "$1")
    ip -n "$_ns" addr add "$3" dev "$2"
    [ -z "$5" ] || ip -n "$_ns" addr add "$5" dev "$2" nodad
    [ -z "$4" ] || ip -n "$_ns" route add default via "$4"
    [ -z "$6" ] || ip -n "$_ns" route add default via "$6"
}

# 250 client addresses, .2 to .251, and 80 of IPv6, ::2 to ::51, on one interface.
client_addresses() {
    {
        seq 2 251 | sed 's|.*|addr add 198.51.100.&/24 dev eth0|'
        # Hexadecimal, so that the range has no gaps: ::2 to ::51 are 80 addresses.
        # shellcheck disable=SC2046 # a list of numbers on purpose
        printf 'addr add 2001:db8:100::%x/64 dev eth0 nodad\n' $(seq 2 81)
        echo 'route add default via 198.51.100.1'
        echo 'route add default via 2001:db8:100::1'
    } | ip -n "$(namespace client)" -batch -
}

# Half of the clients, .128 to .251 and ::40 to ::51, move so far away: a line of our own between them and the router takes the time, both ways.
lab_far() {
    require_up
    case ${1:-} in '' | *[!0-9]*) die 'MS must be a number' ;; esac
    build_load
    lab_near >/dev/null
    in_background far nsenter --net="/run/netns/$(namespace router)" "$_program" delay-line far line "$1"
    wait_until 10 'the long way' ip -n "$(namespace router)" link show line
    ip -n "$(namespace router)" link set line netns "$(namespace client)"
    # shellcheck disable=SC2016  # expanded inside
    in_namespace router sh -c 'ip link set far up && ip route add 198.51.100.128/25 dev far && ip -6 route add 2001:db8:100::40/122 dev far'
    # shellcheck disable=SC2016  # expanded inside
    in_namespace client sh -c '
        ip link set line up
        ip route add default dev line table 128 && ip -6 route add default dev line table 128
        # A table that is gone with the line leads nowhere, and the next rule decides.
        ip rule show | grep -q "lookup 128" || { ip rule add from 198.51.100.128/25 lookup 128 && ip -6 rule add from 2001:db8:100::40/122 lookup 128; }'
    say "half of the clients are $(($1 * 2)) ms away"
}

lab_near() { require_up; cgroup_kill far; say 'all clients are near'; }

# The two network cards of a machine, made anew at each boot.
machine_network_up() {
    namespace_up "$1"
    plug "$1" eth0 public
    plug "$1" eth1 lan
    # As on a real server, packets come when the system brings its network up and not before it has begun to boot.
    for _switch in public lan; do ip -n "$(namespace router)" link set "$1-$_switch" down; done
    # A card keeps its hardware address over a reboot, or neighbours would talk to the old one for a while.
    case $1 in old) _card=10 ;; *) _card=20 ;; esac
    ip -n "$(namespace "$1")" link set eth0 address "52:54:00:00:00:$_card"
    ip -n "$(namespace "$1")" link set eth1 address "52:54:00:00:01:$_card"
    if [ "$1" = old ]; then
        address old eth0 "$old4/24" 203.0.113.1 "$old6/64" 2001:db8:113::1
        ip -n "$(namespace old)" addr add 10.77.0.1/24 dev eth1
    else
        address new eth0 "$new4/24" 203.0.113.1 "$new6/64" 2001:db8:113::1
        ip -n "$(namespace new)" addr add 10.77.0.2/24 dev eth1
    fi
}

# Once network-pre.target is reached inside; see machine/etc/systemd/system/lab-network.service.
machine_network_plug() {
    for _switch in public lan; do ip -n "$(namespace router)" link set "$1-$_switch" up; done
}

# Deleting the switch's end takes the machine's card with it at once, even while its namespace lingers.
machine_network_down() {
    for _switch in public lan; do
        ip -n "$(namespace router)" link delete "$1-$_switch" 2>/dev/null || true
    done
    ip netns delete "$(namespace "$1")" 2>/dev/null || true
}

network_down() {
    for _path in /run/netns/"$prefix"-*; do
        [ -e "$_path" ] || continue
        _name=${_path#/run/netns/}
        # What runs inside was started through the lab (`exec`, `client`); spare the shell that asked for this.
        _pids=$(ip netns pids "$_name" 2>/dev/null | grep -vxF "$(ancestors)" || true)
        # shellcheck disable=SC2086  # a list of process ids
        [ -z "$_pids" ] || kill -KILL $_pids 2>/dev/null || true
        ip netns delete "$_name" 2>/dev/null || rm -f "$_path"
    done
}

# This process and those it descends from, one id a line.
ancestors() {
    _pid=$$
    while [ "$_pid" -gt 0 ]; do
        echo "$_pid"
        _pid=$(sed 's/.*) //' "/proc/$_pid/stat" | cut -d' ' -f2)
    done
}
