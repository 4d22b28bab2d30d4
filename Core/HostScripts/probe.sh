# Prints how this host's conntrack sees connections to a port: one line of JSON each. The rendered part before it holds ADDRESS (the
# destination as the packets arrived), PORT, PROTOCOL and SOURCE_PORT (of the tester, 0 for any).
entries() {
  if command -v conntrack >/dev/null 2>&1; then
    conntrack -L -p "$PROTOCOL" --orig-port-dst "$PORT" --orig-dst "$ADDRESS" 2>/dev/null
  else
    cat /proc/net/nf_conntrack 2>/dev/null
  fi
}
entries | awk -v address="$ADDRESS" -v port="$PORT" -v source="$SOURCE_PORT" '
  {
    split("", value); seen = 0; state = ""
    for (i = 1; i <= NF; i++) {
      if ($i ~ /^(ESTABLISHED|SYN_RECV|SYN_SENT|TIME_WAIT|CLOSE_WAIT|FIN_WAIT|LAST_ACK|CLOSE)$/) state = $i
      if (split($i, part, "=") == 2) {
        if (part[1] == "src") seen++
        value[seen part[1]] = part[2]
      }
    }
    if (value["1dport"] == port && value["1dst"] == address && (source == 0 || value["1sport"] == source))
      printf "{\"source\":\"%s\",\"sourcePort\":%d,\"replyTo\":\"%s\",\"servedBy\":\"%s\",\"state\":\"%s\"}\n", value["1src"], value["1sport"], value["2dst"], value["2src"], state
  }' | head -n 50
