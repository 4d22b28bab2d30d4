# shellcheck shell=sh
# shellcheck disable=SC2034,SC2154  # the parts share names; script/lab reads them all
# Each machine and each long-running process of the lab lives in a control group named after it. Two reasons: two
# machines in one group would share systemd's tree and stop each other's units, and a group is the one list of
# processes that survives a killed `up`.

cgroup_mounts() { awk '$3 == "cgroup" || $3 == "cgroup2" { print $2 }' /proc/mounts; }

# cgroup_join NAME: moves the calling shell; use in a subshell.
cgroup_join() {
    # `$$` is the main shell's even in a subshell; field 4 of a child's stat is the subshell's own id.
    _self=$(sh -c 'echo "$PPID"')
    cgroup_mounts | while read -r _mount; do
        _group=$_mount/$prefix-$1
        mkdir -p "$_group"
        # Version 1 of cpuset starts empty and refuses processes until it has been given processors and memory.
        if [ -e "$_group/cpuset.cpus" ] && [ -e "$_group/cgroup.clone_children" ]; then
            echo 1 >"$_group/cgroup.clone_children"
            cat "$_mount/cpuset.cpus" >"$_group/cpuset.cpus"
            cat "$_mount/cpuset.mems" >"$_group/cpuset.mems"
        fi
        echo "$_self" >"$_group/cgroup.procs"
    done
}

# cgroup_processes [NAME]: ids of all processes in that group, or in all groups of this lab, and below.
cgroup_processes() {
    cgroup_mounts | while read -r _mount; do
        for _group in "$_mount/$prefix-"${1:-*}; do
            [ ! -d "$_group" ] || find "$_group" -name cgroup.procs -exec cat {} + 2>/dev/null || true
        done
    done | sort -un | grep -v '^0$' || true
}

# cgroup_kill [NAME]: ends all of them the hard way, as a power switch would, then removes the groups.
cgroup_kill() {
    _tries=0
    while _pids=$(cgroup_processes "$@") && [ -n "$_pids" ]; do
        _tries=$((_tries + 1))
        [ "$_tries" -le 100 ] || die "processes do not end: $_pids"
        # shellcheck disable=SC2086  # a list of process ids
        kill -KILL $_pids 2>/dev/null || true
        sleep 0.05
    done
    cgroup_mounts | while read -r _mount; do
        for _group in "$_mount/$prefix-"${1:-*}; do
            [ ! -d "$_group" ] || find "$_group" -depth -type d -exec rmdir {} + 2>/dev/null || true
        done
    done
}
