# shellcheck shell=sh
# shellcheck disable=SC2034,SC2154  # the parts share names; script/lab reads them all
# Commands inside the lab: on a machine, on the operator's computer (`ops`), on the clients' one.

lab_shell() {
    require_up
    require_host "${1:-}"
    _host=$1
    shift
    [ $# -gt 0 ] || set -- bash -l
    machine_run "$_host" "$@"
}

# Who changes namespaces from in there (a reboot) finds its way out by the process that called us.
lab_exec() { export LAB_OUTSIDE="${LAB_OUTSIDE:-$PPID}"; run_in ops "$@"; }
lab_client() { run_in client "$@"; }

# run_in NAMESPACE -- COMMAND…: same files as the computer, other network, and the lab's resolver for names.
run_in() {
    require_up
    _where=$(namespace "$1")
    shift
    [ "${1:-}" != -- ] || shift
    [ $# -gt 0 ] || die 'which command? for instance: script/lab exec -- ping -c 1 203.0.113.10'
    # shellcheck disable=SC2016  # expanded inside
    exec nsenter --net="/run/netns/$_where" unshare --mount --propagation slave \
        sh -c 'mount --bind "$0" /etc/resolv.conf 2>/dev/null || true; exec "$@"' "$state/resolv.conf" "$@"
}

lab_load() {
    require_up
    [ "${1:-}" != -- ] || shift
    build_load
    run_in client -- "$_program" "$@"
}

# The load generator, built when its sources are newer than what was built before.
build_load() {
    _program=$root_dir/artifacts/load/MigrationDashboard.Load
    if [ ! -x "$_program" ] || [ -n "$(find "$lab_dir/Load" "$root_dir"/Directory.*.props -newer "$_program" \
        -not -path '*/bin*' -not -path '*/obj*' -type f | head -n 1)" ]; then
        warn 'building the load generator'
        dotnet publish -m:1 --nologo -v q -c Release -o "$root_dir/artifacts/load" "$lab_dir/Load/Load.csproj" >&2
        touch "$_program"
    fi
}

# The one door between the computer and the lab, opened on request only: a port of ops on the computer's loopback.
lab_publish() {
    require_up
    case ${1:-} in '' | *[!0-9]*) die 'PORT must be a number' ;; esac
    _port=$1 _local=${2:-$1} _socket=$state/publish-$1.sock
    in_background publish nsenter --net="/run/netns/$(namespace ops)" \
        socat "UNIX-LISTEN:$_socket,fork,unlink-early" "TCP:127.0.0.1:$_port"
    in_background publish socat "TCP-LISTEN:$_local,bind=127.0.0.1,fork,reuseaddr" "UNIX-CONNECT:$_socket"
    say "127.0.0.1:$_local on this computer leads to port $_port in the lab"
}

in_background() {
    _group=$1
    shift
    ( cgroup_join "$_group"; exec setsid "$@" ) </dev/null >/dev/null 2>&1 8>&- 9>&- &
}
