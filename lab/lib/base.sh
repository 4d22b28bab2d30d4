# shellcheck shell=sh
# shellcheck disable=SC2034,SC2154  # the parts share names; script/lab reads them all
# The base system, made once and kept in the cache under a hash of its recipe. Beside it the files of Postfix, from
# which images.sh makes the mail container.

# hash_of FILE…: short name for a recipe; architecture and release are part of it.
hash_of() { { cat "$@"; uname -m; release; } | sha256sum | cut -c1-12; }

release() { sed -n 's/^VERSION_CODENAME=//p' /etc/os-release; }

base_folder() { printf '%s/base-%s' "$cache" "$(hash_of "$lab_dir/base.packages" "$lab_dir/lib/base.sh")"; }

# The computer's own package sources for Debian, whatever mirror, proxy or keyring they use.
debian_sources() {
    # shellcheck disable=SC2016  # apt's own placeholders
    apt-get indextargets --format '$(CREATED_BY)|$(ORIGIN)|$(COMPONENT)|$(REPO_URI)|$(RELEASE)' |
        awk -F'|' '$1 == "Packages" && $2 == "Debian" && $3 == "main" { print "deb " $4 " " $5 " main" }'
}

# ensure_base: one lab at a time builds; the others wait for it and find the result.
ensure_base() {
    base=$(base_folder)
    # Touched at each use: what has not been used for a week is pruned.
    [ -e "$base/complete" ] && touch "$base" && return 0
    [ -n "$(debian_sources)" ] || apt-get update -q >/dev/null
    [ -n "$(debian_sources)" ] || die 'apt knows no Debian package source on this computer'
    _start=$(clock)
    say 'building the base system (once; about a minute and a half)'
    mkdir -p "$cache"
    (
        flock 9
        [ -e "$base/complete" ] && exit 0
        cgroup_join build
        build_base "$cache/.base-$LAB_ID"
    ) 8>&- 9>"$cache/lock" || die "the base system could not be built; see $cache/base.log"
    cgroup_kill build
    prune_cache
    say "base system built in $(since "$_start")"
}

build_base() {
    rm -rf "$1"
    mkdir -p "$1"
    # apt's settings for fetching (proxy, certificates, dates) hold for the base as well, while it is built.
    apt-config dump | grep '^Acquire::' | grep -v '^Acquire::\(IndexTargets\|Languages\|cdrom\|Changelogs\)' >"$1/apt.conf"
    _packages=$(sed 's/#.*//' "$lab_dir/base.packages" | grep . | paste -sd,)
    debian_sources | mmdebstrap --mode=root --variant=minbase --format=directory --skip=output/dev \
        --aptopt="$1/apt.conf" \
        --setup-hook="cp -a /etc/apt/auth.conf* \"\$1\"/etc/apt/ 2>/dev/null || true" \
        --customize-hook="rm -rf \"\$1\"/etc/apt/auth.conf*" \
        --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='force-unsafe-io' \
        --include="$_packages" "$(release)" "$1/root" - >"$cache/base.log" 2>&1
    take_mail_files "$1/root" "$1/mail" >>"$cache/base.log" 2>&1
    finish_base "$1/root" >>"$cache/base.log" 2>&1
    : >"$1/complete"
    rm -rf "$base"
    mv "$1" "$base"
}

# What is the same on every machine: users, their rights, and nothing that must be unique.
finish_base() {
    chroot "$1" dpkg --purge --force-depends postfix
    # Keys and ids are made per machine; package lists point at mirrors that nothing in the lab can reach.
    rm -rf "$1"/etc/ssh/ssh_host_* "$1/etc/machine-id" "$1"/etc/apt/sources.list* "$1"/etc/apt/apt.conf.d/99*
    : >"$1/etc/machine-id"
    for _user in migrate nosudo; do
        # '*' is no password that could be typed, and no lock that would keep keys out.
        chroot "$1" useradd --create-home --shell /bin/bash --password '*' "$_user"
    done
    # Servers of the DNS namespace only; on the machines they would answer on port 53.
    chroot "$1" systemctl disable named.service openvpn.service e2scrub_reap.service || true
    chroot "$1" systemctl mask systemd-firstboot.service getty@.service console-getty.service serial-getty@.service \
        apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer \
        systemd-udev-trigger.service systemd-udev-settle.service
}

# Base systems of recipes gone by, unless a machine still runs on one.
prune_cache() {
    for _past in "$cache"/base-* "$cache"/images-*; do
        if [ -n "$(find "$_past" -maxdepth 0 -mtime +7)" ] && ! grep -qsF "$_past/" /proc/[0-9]*/mountinfo; then
            rm -rf "$_past"
        fi
    done
}

# take_mail_files ROOT TARGET: Postfix, a shell, a few commands, and the libraries these load.
take_mail_files() {
    mkdir -p "$2/var/spool" "$2/tmp" "$2/srv" "$2/usr/bin" "$2/usr/sbin" "$2/usr/lib" "$2/usr/lib64"
    for _folder in bin sbin lib lib64; do ln -s "usr/$_folder" "$2/$_folder"; done
    (
        cd "$1" || exit 1
        find usr/lib/postfix -type f
        for _program in usr/sbin/postconf usr/sbin/postfix usr/sbin/postqueue usr/sbin/postsuper usr/sbin/postcat \
            usr/sbin/sendmail usr/bin/dash usr/bin/cat usr/bin/ls usr/bin/find usr/bin/grep usr/bin/sleep \
            usr/bin/id usr/bin/wc usr/bin/env; do
            echo "$_program"
        done
    ) >"$2.programs"
    {
        cat "$2.programs"
        printf 'etc/%s\n' passwd group services protocols nsswitch.conf postfix/dynamicmaps.cf
        sed 's|^|/|' "$2.programs" | xargs chroot "$1" ldd 2>/dev/null |
            awk '$2 == "=>" && $3 ~ /^\// { print substr($3, 2) } $1 ~ /^\/.*ld-/ { print substr($1, 2) }'
    } | sort -u | tar -C "$1" --dereference --ignore-failed-read -cf - -T - | tar -C "$2" -xf -
    # Postfix's own folder is needed in full: permissions of its queue folders are part of the program.
    tar -C "$1" -cf - var/spool/postfix | tar -C "$2" -xf -
    ln -sf dash "$2/usr/bin/sh"
    rm -f "$2.programs"
}
