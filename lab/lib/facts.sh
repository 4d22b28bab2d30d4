# shellcheck shell=sh
# shellcheck disable=SC2034,SC2154  # the parts share names; script/lab reads them all
# What a person or a test needs to know about a lab that is up.

# Shell-assignable; none of the values holds a blank or a quote.
facts() {
    cat <<EOF_FACTS
LAB_ID=$LAB_ID
LAB_STATE_DIR=$state
LAB_KEY=$key
LAB_KNOWN_HOSTS=$state/known_hosts
LAB_USER=migrate
LAB_USER_WITHOUT_SUDO=nosudo
LAB_OLD=$old4
LAB_OLD6=$old6
LAB_OLD_LAN=10.77.0.1
LAB_NEW=$new4
LAB_NEW6=$new6
LAB_NEW_LAN=10.77.0.2
LAB_DNS=$dns4
LAB_DNS_STUBBORN=$stubborn4
LAB_DNS_RESOLVER=$resolver4
LAB_DNS_UPDATE_KEY=$state/dns/update.key
LAB_OPS=$ops4
LAB_OPS6=$ops6
LAB_CLIENTS=198.51.100.2-198.51.100.251
LAB_CLIENTS6=2001:db8:100::2-2001:db8:100::51
LAB_VARIANT_OLD=$(variant old | tr ' ' ,)
LAB_VARIANT_NEW=$(variant new | tr ' ' ,)
LAB_NAMESPACE_OPS=$(namespace ops)
LAB_NAMESPACE_CLIENT=$(namespace client)
LAB_NAMESPACE_ROUTER=$(namespace router)
LAB_NAMESPACE_DNS=$(namespace dns)
LAB_NAMESPACE_OLD=$(namespace old)
LAB_NAMESPACE_NEW=$(namespace new)
EOF_FACTS
}

lab_env() { require_up; facts; }

# The same as JSON, for tests: LAB_OLD_LAN becomes "oldLan".
facts_json() {
    facts | awk -F= '
        BEGIN { printf "{" }
        {
            name = ""
            n = split(tolower(substr($1, 5)), words, "_")
            for (i = 1; i <= n; i++) name = name (i == 1 ? words[i] : toupper(substr(words[i], 1, 1)) substr(words[i], 2))
            printf "%s\n  \"%s\": \"%s\"", (NR == 1 ? "" : ","), name, $2
        }
        END { print "\n}" }'
}

# The machines' host keys as ssh wants them, so that tests need not trust on first use.
known_hosts() {
    for _host in old new; do
        case $_host in old) _names=old,$old4,$old6 ;; *) _names=new,$new4,$new6 ;; esac
        for _public in "$keys/$_host"/*.pub; do
            echo "$_names $(cut -d' ' -f1,2 "$_public")"
        done
    done
}

lab_status() {
    if ! is_up; then
        say "'$LAB_ID' is down"
        return 3
    fi
    echo "lab '$LAB_ID' is up"
    for _host in old new; do
        case $_host in old) _four=$old4 _six=$old6 _lan=10.77.0.1 ;; *) _four=$new4 _six=$new6 _lan=10.77.0.2 ;; esac
        printf '  %-6s %s  %s  eth1 %s  %s  %s\n' "$_host" "$_four" "$_six" "$_lan" "$(machine_health "$_host")" \
            "$(variant "$_host")"
        for _port in 22 25 587 2525 8025; do
            printf '         port %-5s %s\n' "$_port" "$(port_health "$_four" "$_port")"
        done
    done
    printf '  %-6s %s (example.org), %s (ignores TTLs), %s (respects them)\n' dns "$dns4" "$stubborn4" "$resolver4"
    printf '  %-6s %s  %s  run commands there with: script/lab exec -- COMMAND\n' ops "$ops4" "$ops6"
    printf '  %-6s 198.51.100.2 to .251, 2001:db8:100::2 to ::51\n' client
    printf '  ssh    script/lab exec -- ssh -i %s -o UserKnownHostsFile=%s migrate@%s\n' "$key" "$state/known_hosts" "$old4"
}

machine_health() {
    _state=$( ( machine_run "$1" systemctl is-system-running ) 2>/dev/null) || true
    echo "${_state:-off}"
}

# The first line a server says; SSH and the mail protocols speak first.
port_health() {
    _banner=$(in_namespace ops timeout 2 socat -u "TCP:$1:$2,connect-timeout=1" - 2>/dev/null | head -n 1 | tr -d '\r') || true
    echo "${_banner:-no answer}"
}
