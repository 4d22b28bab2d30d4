# Asks over the link itself whether the other end is there. The rendered part before it holds LINK, PEERS (an address of each family), OWN (ours, in
# the same order) and WAIT (seconds). Prints one line of JSON.

end() {
  printf '{"up":%s,"peer_mac":%s,"rtt_ms":%s,"mtu":%s,"reason":"%s"}\n' "$1" "${mac:-null}" "${rtt:-null}" "${mtu:-null}" "$2"
  exit 0
}

family_of() { case $1 in *:*) echo 6 ;; *) echo 4 ;; esac; }

# One packet, on this interface and no other; with that the neighbour's address is asked for anew.
answers() { ping "-$(family_of "$1")" -n -c 1 -W 1 -I "$LINK" "$1" >/dev/null 2>&1; }

neighbour() { ip "-$(family_of "$1")" neigh show to "$1" dev "$LINK" | sed -n 's/.* lladdr \([0-9a-f:]*\) .*/\1/p'; }

# A packet of this size, headers included, that may not be cut arrives.
passes() {
  case $(family_of "$1") in 4) headers=28 ;; 6) headers=48 ;; esac
  ping "-$(family_of "$1")" -n -q -c 2 -i 0.1 -W 0.4 -M "do" -s "$(($2 - headers))" -I "$LINK" "$1" 2>/dev/null | grep -q ' [12] received'
}

# The largest of some sizes between $2 (passes) and $3 (does not), $4 apart, all tried at once.
largest() {
  size=$(($2 + $4))
  while [ "$size" -lt "$3" ]; do
    (! passes "$1" "$size" || echo "$size") &
    size=$((size + $4))
  done | sort -n | tail -n 1
}

# The interface's own MTU nearly always passes: it is tried first, and otherwise the sizes below it in narrowing rounds of twenty.
measure() {
  high=$(cat "/sys/class/net/$LINK/mtu")
  ! passes "$1" "$high" || { echo "$high"; return; }
  low=$(if [ "$(family_of "$1")" = 4 ]; then echo 576; else echo 1280; fi)
  passes "$1" "$low" || return
  gap=$(((high - low + 19) / 20))
  while [ "$gap" -ge 1 ]; do
    best=$(largest "$1" "$low" "$high" "$gap")
    low=${best:-$low}
    [ "$gap" -gt 1 ] || break
    [ $((low + gap)) -ge "$high" ] || high=$((low + gap))
    gap=$(((high - low + 19) / 20))
  done
  echo "$low"
}

mac="" rtt="" mtu=""
deadline=$(($(date +%s) + WAIT))
for peer in $PEERS; do
  while :; do
    reason=""
    if [ ! -e "/sys/class/net/$LINK" ]; then
      reason="there is no interface $LINK"
    elif [ "$(cat "/sys/class/net/$LINK/operstate")" = down ]; then
      reason="interface $LINK is down"
    else
      for own in $OWN; do
        ip -o addr show dev "$LINK" | grep -qF " $own/" || reason="$own is not on $LINK"
      done
      if [ -z "$reason" ]; then
        # What the kernel remembers may be of yesterday.
        ip "-$(family_of "$peer")" neigh flush dev "$LINK" to "$peer" 2>/dev/null
        if answers "$peer"; then pinged=yes; else pinged=no; fi
        found=$(neighbour "$peer")
        # A host that drops pings answers ARP all the same.
        [ -n "$found" ] || reason="$peer does not answer on $LINK"
      fi
    fi
    [ -n "$reason" ] || break
    [ "$(date +%s)" -lt "$deadline" ] || end false "$reason"
    sleep 0.2
  done
  [ -z "$mac" ] || [ "$mac" = "\"$found\"" ] || end false "the addresses of the peer belong to two interfaces: $mac and $found"
  mac="\"$found\""
  [ "$pinged" = yes ] || continue
  if [ -z "$rtt" ]; then
    rtt=$(ping "-$(family_of "$peer")" -n -q -c 5 -i 0.02 -W 1 -I "$LINK" "$peer" 2>/dev/null | sed -n 's#.*= *[0-9.]*/\([0-9.]*\)/.*#\1#p')
  fi
  size=$(measure "$peer")
  [ -z "$size" ] || { [ -n "$mtu" ] && [ "$mtu" -le "$size" ]; } || mtu=$size
done
end true ""
