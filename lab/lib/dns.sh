# shellcheck shell=sh
# shellcheck disable=SC2034,SC2154  # the parts share names; script/lab reads them all
# The DNS server for example.org on .53, the resolver that ignores TTLs on .54, the one that respects them on .55.

dns_up() {
    rm -rf --one-file-system "$state/dns"
    mkdir -p "$state/dns"
    cp "$lab_dir/dns/named.conf" "$lab_dir/dns/example.org.zone" "$state/dns/"
    printf 'key "lab" { algorithm hmac-sha256; secret "%s"; };\n' "$(head -c 32 /dev/urandom | base64)" >"$state/dns/update.key"
    chmod 600 "$state/dns/update.key"
    (
        cgroup_join dns
        exec setsid nsenter --net="/run/netns/$(namespace dns)" unshare --mount --propagation private \
            "$lab_dir/dns/run" "$(readlink "$state/base")/root" "$state/dns"
    ) </dev/null >"$state/dns/log" 2>&1 8>&- 9>&- &
}

# The kernel's table of UDP sockets in that namespace: three addresses, written backwards, with port 53.
dns_answers() {
    # shellcheck disable=SC2016  # expanded inside
    in_namespace dns sh -c '[ "$(grep -o " 3[567]7100CB:0035" /proc/net/udp | sort -u | wc -l)" = 3 ]'
}

dns_wait() {
    wait_until 20 'the DNS servers' dns_answers && return 0
    tail -n 15 "$state/dns/log" >&2
    return 1
}
