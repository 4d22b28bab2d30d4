# shellcheck shell=sh
# shellcheck disable=SC2034,SC2154  # the parts share names; script/lab reads them all
# Debian packages the lab itself needs on the computer; installed only when a command is missing.

ensure_packages() {
    _missing=
    while read -r _command _package; do
        PATH=$PATH:/usr/sbin:/sbin command -v "$_command" >/dev/null || _missing="$_missing $_package"
    done <<'LIST'
mmdebstrap mmdebstrap
systemd-nspawn systemd-container
ip iproute2
nft nftables
ssh-keygen openssh-client
mkfs.ext4 e2fsprogs
nsenter util-linux
sysctl procps
gcc gcc
socat socat
dig bind9-dnsutils
LIST
    # gcc alone compiles nothing: the C library's headers come in a package of their own.
    [ -e /usr/include/stdio.h ] || _missing="$_missing libc6-dev"
    [ -n "$_missing" ] || return 0
    say "installing$_missing"
    # shellcheck disable=SC2086  # a list of package names
    apt_install $_missing
}

apt_install() {
    _log=$(mktemp)
    # The package lists may be absent on a fresh machine: refresh them once and try again.
    DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@" >"$_log" 2>&1 ||
        { apt-get update -q >>"$_log" 2>&1 &&
            DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@" >>"$_log" 2>&1; } ||
        { tail -n 20 "$_log" >&2; rm -f "$_log"; die "could not install: $*"; }
    rm -f "$_log"
}
