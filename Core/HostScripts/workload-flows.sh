# Conntrack entries of the migrated ports. The rendered part before it holds PORTS, ADDRESSES (this host's own that clients or the peer call) and the
# functions of workload.sh. Entries are looked up in one listing, and only what was found is deleted, one kind at a time; nothing is ever flushed.

# One line for each kind of entry: family, protocol, state, address, port, how many.
list_flows() {
  for family in ipv4 ipv6; do
    conntrack -L -f $family 2>/dev/null | awk -v family=$family -v ports="$PORTS" -v addresses="$ADDRESSES" '
      BEGIN {
        n = split(ports, list, " "); for (i = 1; i <= n; i++) { split(list[i], part, "/"); wanted[part[2] " " part[1]] = 1 }
        n = split(addresses, list, " "); for (i = 1; i <= n; i++) own[list[i]] = 1
      }
      $1 == "tcp" || $1 == "udp" {
        dst = ""; port = ""
        for (i = 4; i <= NF && port == ""; i++) if ($i ~ /^dst=/) dst = substr($i, 5); else if ($i ~ /^dport=/) port = substr($i, 7)
        if (!(($1 " " port) in wanted) || !(dst in own)) next
        count[family " " $1 " " ($1 == "tcp" ? $4 : "-") " " dst " " port]++
      }
      END { for (kind in count) print kind, count[kind] }'
  done
}

# TCP entries whose handshake had not ended would go on to where they were first sent; UDP never decides again while it flows.
clear_flows() {
  # No reason to give up a cutover: half-open TCP entries end by themselves, and the operator was told of UDP before.
  command -v conntrack >/dev/null 2>&1 || { echo "conntrack is not installed: UDP flows go on to where they were sent until they pause"; return 0; }
  list_flows | while read -r family protocol state address port count; do
    case $protocol,$state in
      udp,* | tcp,SYN_SENT | tcp,SYN_RECV | tcp,SYN_SENT2) ;;
      *) continue ;;
    esac
    set -- -D -f "$family" -p "$protocol" --orig-dst "$address" --orig-port-dst "$port"
    [ "$protocol" = udp ] || set -- "$@" --state "$state"
    # An entry that has ended meanwhile makes it say that nothing was deleted, which is as well.
    conntrack "$@" >/dev/null 2>&1 || true
    echo "$protocol $state to $address port $port: $count"
  done
}

print_flows() {
  result flows "\"tool\":\"$(command -v conntrack >/dev/null 2>&1 && echo conntrack || echo none)\",\"kinds\":[$(list_flows |
    awk '{ printf "%s{\"protocol\":\"%s\",\"state\":\"%s\",\"address\":\"%s\",\"port\":%d,\"count\":%d}", (NR > 1 ? "," : ""), $2, $3, $4, $5, $6 }')]"
}
