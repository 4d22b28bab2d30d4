# shellcheck shell=sh
# shellcheck disable=SC2034,SC2154  # the parts share names; script/lab reads them all
# The machines `old` and `new`: a disk, a boot, a power switch, and a door for root.

# Held by both the machine's disk image and what the copy of the base may grow to; sparse, so unused room costs nothing.
disk_size=6G

# Each is made aside and moved into place, since a start may be killed at any moment.
machine_keys() {
    rm -rf --one-file-system "$keys.new"
    mkdir -p "$keys" "$keys.new"
    chmod 700 "$keys" "$keys.new"
    if [ ! -e "$key" ]; then
        ssh-keygen -q -t ed25519 -N '' -C "lab-$LAB_ID" -f "$keys.new/login"
        mv "$keys.new/login.pub" "$key.pub"
        mv "$keys.new/login" "$key"
    fi
    for _host in old new; do
        [ ! -d "$keys/$_host" ] || continue
        mkdir "$keys.new/$_host"
        for _type in ed25519 ecdsa rsa; do
            ssh-keygen -q -t "$_type" -N '' -C "root@$_host" -f "$keys.new/$_host/ssh_host_${_type}_key"
        done
        mv "$keys.new/$_host" "$keys/$_host"
    done
    rm -rf --one-file-system "$keys.new"
}

machine_start() {
    mkdir -p "$state/$1/root" "$state/$1/disk"
    if [ ! -e "$state/$1/disk.img" ]; then
        truncate -s "$disk_size" "$state/$1/disk.img.new"
        mkfs.ext4 -q -m 0 -E lazy_itable_init=1,lazy_journal_init=1 "$state/$1/disk.img.new"
        mv "$state/$1/disk.img.new" "$state/$1/disk.img"
    fi
    machine_network_up "$1"
    (
        cgroup_join "$1"
        # Mounts live in a namespace of their own: they go when the machine goes, however it ends.
        exec setsid unshare --mount --propagation private "$lab_dir/boot" \
            "$1" "$(namespace "$1")" "$state" "$(readlink "$state/base")/root" "$lab_dir/machine" "$(readlink "$state/images")" "$(variant "$1")"
    ) </dev/null >"$state/$1/console.log" 2>&1 8>&- 9>&- &
    echo $! >"$state/$1/pid"
}

# The process id, seen from the computer, of the machine's systemd: the one child of nspawn.
leader() {
    [ -e "$state/$1/pid" ] || return 1
    read -r _nspawn <"$state/$1/pid"
    _leader=$(cat "/proc/$_nspawn/task/$_nspawn/children" 2>/dev/null)
    _leader=${_leader%% *}
    [ -n "$_leader" ] && echo "$_leader"
}

# machine_run HOST COMMAND…: as root inside; the way in that no firewall closes.
machine_run() {
    _leader=$(leader "$1") || die "machine '$1' is not running"
    shift
    nsenter --target "$_leader" --all env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        HOME=/root TERM="${TERM:-dumb}" LANG=C.UTF-8 "$@"
}

# Ready, or gone: there is no point in waiting for a machine that has ended.
machine_has_settled() {
    read -r _nspawn <"$state/$1/pid"
    [ -d "/proc/$_nspawn" ] || return 0
    machine_is_ready "$1"
}

machine_is_ready() { ( machine_run "$1" test -e /run/lab-ready ) 2>/dev/null; }

# The machine's network may come up, or the machine is gone.
machine_has_network() {
    read -r _nspawn <"$state/$1/pid"
    [ -d "/proc/$_nspawn" ] || return 0
    ( machine_run "$1" test -e /run/lab-network ) 2>/dev/null
}

machine_wait() {
    wait_until 90 "machine '$1' to bring its network up" machine_has_network "$1" && machine_network_plug "$1"
    wait_until 90 "machine '$1' to be ready" machine_has_settled "$1" && machine_is_ready "$1" && return 0
    warn "--- last lines of $1's console"
    tail -n 15 "$state/$1/console.log" >&2
    ( machine_run "$1" systemctl --no-pager --failed ) >&2 || true
    ( machine_run "$1" journalctl --no-pager -n 30 -u lab-seed -u docker ) >&2 || true
    return 1
}

# Whoever starts with `up` over starts with SSH: both machines, by both families, as the operator's computer sees them.
ssh_answers() {
    [ "$(in_namespace ops ssh-keyscan -T 3 -t ed25519 "$old4" "$old6" "$new4" "$new6" 2>/dev/null | grep -c ' ssh-ed25519 ')" = 4 ]
}

ssh_wait() {
    wait_until 30 'SSH on old and new' ssh_answers && return 0
    for _host in old new; do
        warn "--- SSH on $_host"
        ( machine_run "$_host" sh -c 'systemctl --no-pager status ssh; journalctl --no-pager -n 20 -u ssh; ss -ltn' ) >&2 || true
    done
    return 1
}

# The power switch: whatever is not on the disk is lost, the network namespace with all its rules included.
machine_stop() {
    cgroup_kill "$1"
    # The kernel unmounts the disk when the last process is gone, a moment later; two mounts at once would ruin it.
    wait_until 20 "the disk of '$1' to be released" disk_is_free "$1" || die 'the machine stays off'
    machine_network_down "$1"
    rm -f "$state/$1/pid"
}

disk_is_free() { [ -z "$(losetup --associated "$state/$1/disk.img")" ]; }

# variant HOST: the words given at `up`, kept for reboots.
variant() { cat "$state/$1/variant" 2>/dev/null || true; }
