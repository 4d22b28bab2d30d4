# shellcheck shell=sh
# shellcheck disable=SC2034,SC2154  # the parts share names; script/lab reads them all
# The commands `up`, `down` and `reboot`.

lab_up() {
    require_root
    variants_from "$@"
    if is_up && is_alive; then
        [ "$variant_old/$variant_new" = "$(variant old)/$(variant new)" ] || die "'$LAB_ID' is up with other variants; take it down first: script/lab down"
        say "'$LAB_ID' is up already"
        return 0
    fi
    _begin=$(clock)
    take_turn
    ensure_packages
    ensure_base
    ensure_images
    # What a killed `up` may have left is in the way now.
    remove_everything
    # From here on a failure leaves nothing running.
    trap 'remove_everything; warn "not up; the logs are below '"$state"'"' EXIT
    trap 'exit 130' INT TERM HUP
    prepare_state
    say 'making the networks'
    network_up
    dns_up
    say 'booting old and new'
    machine_start old
    machine_start new
    machine_wait old
    machine_wait new
    dns_wait
    ssh_wait
    : >"$state/up"
    facts_json >"$state/lab.json.new"
    mv "$state/lab.json.new" "$state/lab.json"
    trap - EXIT INT TERM HUP
    say "up in $(since "$_begin"); what is there: script/lab status"
}

# --old=WORD[,WORD] and --new=…, or LAB_OLD_VARIANT and LAB_NEW_VARIANT.
variants_from() {
    variant_old=${LAB_OLD_VARIANT:-} variant_new=${LAB_NEW_VARIANT:-}
    for _option in "$@"; do
        case $_option in
            --old=*) variant_old=${_option#--old=} ;;
            --new=*) variant_new=${_option#--new=} ;;
            *) die "unknown option: $_option (see script/lab up --help)" ;;
        esac
    done
    variant_old=$(printf %s "$variant_old" | tr , ' ') variant_new=$(printf %s "$variant_new" | tr , ' ')
    for _word in $variant_old $variant_new; do
        case $_word in
            iptables | ufw | nodocker) ;;
            *) die "unknown variant '$_word': there are iptables, ufw and nodocker" ;;
        esac
    done
}

# New disks, and what the commands will want to know later; keys stay what they were.
prepare_state() {
    rm -rf --one-file-system "$state/old" "$state/new"
    mkdir -p "$state/old" "$state/new"
    echo "$variant_old" >"$state/old/variant"
    echo "$variant_new" >"$state/new/variant"
    # A reboot must find the same base, even when the recipe has changed meanwhile.
    ln -sfn "$base" "$state/base"
    ln -sfn "$images" "$state/images"
    machine_keys
    known_hosts >"$state/known_hosts"
    printf 'nameserver %s\nsearch example.org\n' "$resolver4" >"$state/resolv.conf"
}

lab_down() {
    require_root
    take_turn
    remove_everything
    rm -rf --one-file-system "$state/old" "$state/new" "$state/dns" "$state/lab.json" "$state"/publish-*.sock
    say "'$LAB_ID' is down"
}

lab_reboot() {
    require_root
    require_up
    require_host "${1:-}"
    take_turn
    _begin=$(clock)
    machine_stop "$1"
    machine_start "$1"
    machine_wait "$1"
    say "$1 rebooted in $(since "$_begin")"
}

# Only one command at a time changes what is up.
take_turn() {
    mkdir -p "$state"
    exec 8>"$state/lock"
    flock -w 5 8 || die "another command is starting or stopping lab '$LAB_ID'; wait for it or end it"
}

# By names alone, so that it also works after a crash.
remove_everything() {
    rm -f "$state/up"
    cgroup_kill
    network_down
    # nspawn keeps a folder per machine for mounts that travel; empty by now.
    rmdir "/run/systemd/nspawn/propagate/$prefix-"* 2>/dev/null || true
}
