# shellcheck shell=sh
# shellcheck disable=SC2034,SC2154  # the parts share names; script/lab reads them all
# Names, folders and small words that every part of the lab uses.

LAB_ID=${LAB_ID:-lab}
# A dozen characters at most, since the id is part of host names and socket paths.
case $LAB_ID in
    '' | *[!a-z0-9]* | ?????????????*) echo "lab: LAB_ID must be 1 to 12 lower-case letters and digits, not '$LAB_ID'" >&2; exit 2 ;;
esac

lab_dir=$root_dir/lab
state=${LAB_STATE:-/var/lib/migration-dashboard-lab}/$LAB_ID
cache=${LAB_CACHE:-/var/cache/migration-dashboard-lab}
# Host keys and the login key outlive `down`, as a server's keys outlive its power switch.
keys=$state/keys
key=$state/id_ed25519

# Every namespace, control group and machine carries this prefix: `down` finds all that is ours by name alone.
prefix=md-$LAB_ID

old4=203.0.113.10 old6=2001:db8:113::10
new4=203.0.113.20 new6=2001:db8:113::20
dns4=203.0.113.53 dns6=2001:db8:113::53
stubborn4=203.0.113.54 stubborn6=2001:db8:113::54
resolver4=203.0.113.55 resolver6=2001:db8:113::55
ops4=192.0.2.10 ops6=2001:db8:2::10

say() { printf '%s\n' "lab: $*"; }
warn() { printf '%s\n' "lab: $*" >&2; }
die() { warn "$*"; exit 1; }

namespace() { printf '%s-%s' "$prefix" "$1"; }

# The line `DONE in 3.2 s` after each step shows where the time goes.
clock() { date +%s%N; }
since() { awk -v a="$1" -v b="$(clock)" 'BEGIN { printf "%.1f s", (b - a) / 1e9 }'; }

require_root() { [ "$(id -u)" = 0 ] || die 'the lab needs root: it makes network namespaces and boots machines'; }

require_host() {
    case ${1:-} in
        old | new) ;;
        *) die "HOST must be 'old' or 'new', not '${1:-}'" ;;
    esac
}

is_up() { [ -e "$state/up" ] && [ -e "/run/netns/$(namespace ops)" ]; }
# Namespaces outlive their processes: whoever was ended from outside left a lab that only looks up.
is_alive() {
    for _part in dns old new; do [ -n "$(cgroup_processes "$_part")" ] || return 1; done
}
require_up() { is_up || die "lab '$LAB_ID' is not up; start it with: script/lab up"; }

# wait_until SECONDS REASON COMMAND…: asks every 100 ms, and says what it waited for when time is over.
wait_until() {
    _deadline=$(($(date +%s) + $1)) _reason=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        [ "$(date +%s)" -lt "$_deadline" ] || { warn "gave up waiting: $_reason"; return 1; }
        sleep 0.1
    done
}
