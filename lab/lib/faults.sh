# shellcheck shell=sh
# shellcheck disable=SC2034,SC2154  # the parts share names; script/lab reads them all
# What can go wrong: cables, firewalls on the way, full disks. The computer's clock is shared by all machines, so a
# skewed clock is the one fault that cannot be made here.

# The router's end of each cable; a machine at the other end sees its carrier go.
cable_ends() {
    case ${1:-} in
        lan) echo old-lan new-lan ;;
        public) echo old-public new-public ;;
        old | new) echo "$1-public" ;;
        *) die "LINK must be lan, public, old or new, not '${1:-}'" ;;
    esac
}

set_cables() {
    for _end in $(cable_ends "$1"); do ip -n "$(namespace router)" link set "$_end" "$2"; done
}

lab_cut() { require_up; cable_ends "${1:-}" >/dev/null; set_cables "$1" down; say "cut: $1"; }
lab_mend() { require_up; cable_ends "${1:-}" >/dev/null; set_cables "$1" up; say "mended: $1"; }

# A firewall between the operator and the host: packets vanish, nobody answers; open sessions freeze, too.
lab_drop_ssh() {
    require_up
    require_host "${1:-}"
    case $1 in old) _four=$old4 _six=$old6 ;; *) _four=$new4 _six=$new6 ;; esac
    in_namespace router nft -f - <<EOF_NFT
add table inet drop-ssh-$1
delete table inet drop-ssh-$1
table inet drop-ssh-$1 {
    chain forward {
        type filter hook forward priority filter; policy accept;
        ip daddr $_four tcp dport 22 drop
        ip saddr $_four tcp sport 22 drop
        ip6 daddr $_six tcp dport 22 drop
        ip6 saddr $_six tcp sport 22 drop
    }
}
EOF_NFT
    say "SSH to $1 is dropped on the way"
}

lab_allow_ssh() {
    require_up
    require_host "${1:-}"
    in_namespace router nft delete table inet "drop-ssh-$1" 2>/dev/null || true
    say "SSH to $1 passes"
}

# Every last block of the machine's disk, Docker's folder included; the computer's disk is not touched.
lab_fill_disk() {
    require_up
    require_host "${1:-}"
    # shellcheck disable=SC2016  # expanded inside
    machine_run "$1" sh -c '
        fallocate -l "$(df --output=avail -B1 / | tail -n 1)" /var/lab-fill 2>/dev/null || true
        cat /dev/zero >/var/lab-fill.rest 2>/dev/null || true
        df -h /' | sed 's/^/  /'
}

lab_free_disk() {
    require_up
    require_host "${1:-}"
    machine_run "$1" sh -c 'rm -f /var/lab-fill /var/lab-fill.rest; df -h /' | sed 's/^/  /'
}
