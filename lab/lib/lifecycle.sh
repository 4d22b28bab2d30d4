# shellcheck shell=sh
# The commands `up` and `down`.

lab_up() {
    require_root
    if is_up; then
        say "'$LAB_ID' is up already"
        return 0
    fi
    _begin=$(clock)
    mkdir -p "$state"
    exec 8>"$state/lock"
    flock -n 8 || die "another command is starting or stopping lab '$LAB_ID'"
    ensure_packages
    ensure_base
    ensure_images
    # What a killed `up` may have left is in the way now.
    remove_everything
    # A reboot must find the same base, even when the recipe has changed meanwhile.
    ln -sfn "$base" "$state/base"
    ln -sfn "$images" "$state/images"
    rm -rf "$state/old" "$state/new"
    machine_keys
    say 'networks'
    network_up
    say 'machines old and new are booting'
    machine_start old
    machine_start new
    machine_wait old
    machine_wait new
    : >"$state/up"
    say "up in $(since "$_begin")"
}

lab_down() {
    require_root
    remove_everything
    rm -rf "$state/old" "$state/new"
    say "'$LAB_ID' is down"
}

remove_everything() {
    rm -f "$state/up"
    cgroup_kill
    network_down
}

lab_shell() { require_up; machine_run "$@"; }
lab_reboot() { require_up; machine_reboot "$1"; }
