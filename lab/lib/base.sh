# shellcheck shell=sh
# shellcheck disable=SC2034,SC2154  # the parts share names; script/lab reads them all
# The base system, made once and kept in the cache under a hash of its recipe. Beside it the files of Postfix, from
# which images.sh makes the mail container.

# hash_of FILE…: short name for a recipe; architecture and release are part of it.
hash_of() { { cat "$@"; uname -m; release; } | sha256sum | cut -c1-12; }

release() { sed -n 's/^VERSION_CODENAME=//p' /etc/os-release; }

base_folder() { printf '%s/base-%s' "$cache" "$(hash_of "$lab_dir/base.packages" "$lab_dir/build-base")"; }

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
        # What mmdebstrap mounts must not outlive it: left over, the computer's own /dev/shm would hang in a folder that
        # the next build deletes.
        debian_sources | unshare --mount --propagation private "$lab_dir/build-base" \
            "$cache/.base-$LAB_ID" "$lab_dir/base.packages" "$(release)" >"$cache/base.log" 2>&1 &&
            rm -rf --one-file-system "$base" &&
            mv "$cache/.base-$LAB_ID" "$base"
    ) 8>&- 9>"$cache/lock" || die "the base system could not be built; see $cache/base.log"
    cgroup_kill build
    prune_cache
    say "base system built in $(since "$_start")"
}

# Base systems of recipes gone by, unless a machine still runs on one.
prune_cache() {
    for _past in "$cache"/base-* "$cache"/images-*; do
        if [ -n "$(find "$_past" -maxdepth 0 -mtime +7 2>/dev/null)" ] && ! grep -qsF "$_past/" /proc/[0-9]*/mountinfo; then
            rm -rf --one-file-system "$_past"
        fi
    done
}
