#!/bin/sh
# What counting costs on a host: the product's own sampler with tables of 10,000, 100,000 and 1,000,000 connections, one JSON line each.
#
#   entries      connections in the table, half of them the application's
#   reader       proc and conntrack list a real table; recorded replays what they printed, without the kernel's part
#   pass_ms      CPU time of a pass that lists connections
#   cpu_percent  of one core, over whole rounds: every line and every sleep in between
#   delay_ms     from a connection's beginning until the line that counts it, mean of three where a round is short
#   gap_ms       longest time between two lines: so late is a new connection in the counters at most
#
# usage: bench/count.sh [ENTRIES…]      as root; everything happens in a network namespace of its own
set -eu
cd "$(dirname "$0")/.."

[ "$(id -u)" = 0 ] || { echo "bench/count.sh makes a network namespace: run it as root" >&2; exit 1; }
missing=
for pair in ip:iproute2 nft:nftables conntrack:conntrack awk:mawk; do command -v "${pair%:*}" >/dev/null || missing="$missing ${pair#*:}"; done
# shellcheck disable=SC2086 # several packages
[ -z "$missing" ] || DEBIAN_FRONTEND=noninteractive apt-get install -y -q $missing >&2

[ $# -gt 0 ] || set -- 10000 100000 1000000
space=md-count-$$
work=$(mktemp -d)
trap 'ip netns del "$space" 2>/dev/null || true; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

ip netns add "$space"
in_space() { ip netns exec "$space" "$@"; }

# A migration of two ports, as the product renders it for its old server.
cat >"$work/prologue.sh" <<'END'
TOP=20 MORE=100
sampled() {
  echo "m a1b2c3d4 old nft md_a1b2c3d4 MD-A1B2C3D4 0x10000/0xff0000"
  echo "a a1b2c3d4 4 203.0.113.10 203.0.113.10 10.99.0.2 10.99.0.2"
  echo "p a1b2c3d4 tcp 25"
  echo "p a1b2c3d4 tcp 587"
}
END
in_space nft -f - <<'END'
table ip md_a1b2c3d4 {
	counter outside { }
	counter link { }
	chain classify {
		type filter hook prerouting priority -150; policy accept;
		ip daddr 203.0.113.10 tcp dport { 25, 587 } ct state new counter name "outside"
	}
}
END

# Established connections of as many clients, half to the application, half to something else.
make_entries() {
  awk -v count="$1" 'BEGIN {
    for (i = 0; i < count; i++) {
      client = sprintf("198.%d.%d.%d", 18 + int(i / 65536) % 2, int(i / 256) % 256, i % 256); source = 1024 + int(i / 131072)
      server = i % 2 ? "203.0.113.10" : "203.0.113.99"; port = i % 5 < 4 ? 25 : 587
      printf "-A -t 86400 -u SEEN_REPLY,ASSURED -s %s -d %s -r %s -q %s -p tcp --sport %d --dport %d --reply-port-src %d --reply-port-dst %d --state ESTABLISHED\n", client, server, server, client, source, port, port, source
    }
  }' | in_space conntrack -R - >/dev/null
}

# One connection more, of a client nobody has seen.
add_one() {
  in_space conntrack -I -t 86400 -u SEEN_REPLY,ASSURED -s "192.0.2.$1" -d 203.0.113.10 -r 203.0.113.10 -q "192.0.2.$1" -p tcp \
    --sport 4000 --dport 25 --reply-port-src 25 --reply-port-dst 4000 --state ESTABLISHED >/dev/null 2>&1
}

now_ms() { date +%s%3N; }

established() { sed -n 's/.*"counts":\[\([^}]*\)\],"distinct".*/\1/p' | tail -n 1 | tr ']' '\n' | awk -F, '/direct/ { total += $(NF - 1) } END { print total + 0 }'; }

measure() { # ENTRIES READER PATH_BEFORE
  : >"$work/lines"
  { echo "LONGEST=600 READER=${2%%-*}"; cat "$work/prologue.sh"; sed "s#PATH=/usr/local/sbin#PATH=$3/usr/local/sbin#" Core/HostScripts/sample.sh; } >"$work/sampler.sh"
  # Times as they come, since the host's clock in a line has whole seconds only.
  in_space sh "$work/sampler.sh" | while read -r line; do echo "$(now_ms) $line"; done >>"$work/lines" &
  reading=$!
  delays=0
  times=0
  if [ "$2" != conntrack-recorded ]; then
    rounds="1 2 3"
    # With large tables a round takes a minute, and one says enough.
    [ "$1" -le 20000 ] || rounds=1
    for client in $rounds; do
      before=$(wait_for_full)
      sleep "0.$client"
      began=$(now_ms)
      add_one "$client"
      ended=$(wait_for_more "$before")
      delays=$((delays + ended - began))
      times=$((times + 1))
    done
  else
    wait_for_full >/dev/null; wait_for_full >/dev/null
  fi
  # The sampler ends with its next line, as nobody reads it any more.
  kill "$reading"
  wait "$reading" 2>/dev/null || true
  in_space conntrack -D -s 192.0.2.0/24 >/dev/null 2>&1 || true
  mean=null
  [ "$times" = 0 ] || mean=$((delays / times))
  awk -v entries="$1" -v reader="${2#conntrack-}" -v delay="$mean" '
    function number(name) { match($0, "\"" name "\":[0-9]+"); return substr($0, RSTART + length(name) + 3, RLENGTH - length(name) - 3) + 0 }
    {
      if (last && $1 - last > gap) gap = $1 - last
      last = $1
      # The cost in a line is that of the time before it, so whole rounds go from one full line to another.
      spent += number("cost_ms")
      if (/"full":true/) { if (!full) { first = $1; spent = 0 } else { end = $1; used = spent; passes += number("cost_ms"); n++ } full = 1 }
    }
    END { printf "{\"bench\":\"count\",\"entries\":%d,\"reader\":\"%s\",\"pass_ms\":%d,\"cpu_percent\":%.2f,\"delay_ms\":%s,\"gap_ms\":%d}\n", entries, reader, (n ? passes / n : 0), (end > first ? 100 * used / (end - first) : 0), delay, gap }
  ' "$work/lines"
}

# Waits for the next line that lists connections, and prints how many it counts.
wait_for_full() {
  have=$(grep -c '"full":true' "$work/lines" || true)
  until [ "$(grep -c '"full":true' "$work/lines" || true)" -gt "$have" ]; do sleep 0.05; done
  grep '"full":true' "$work/lines" | established
}

wait_for_more() {
  until [ "$(grep '"full":true' "$work/lines" | established)" -gt "$1" ]; do sleep 0.05; done
  now_ms
}

most=$(cat /proc/sys/net/netfilter/nf_conntrack_max)
for entries in "$@"; do
  in_space conntrack -F >/dev/null 2>&1
  if [ $((entries + 10)) -le "$most" ]; then
    make_entries "$entries"
    for reader in proc conntrack; do measure "$entries" "$reader" ""; done
  else
    # More than this kernel may hold, which is not ours to change: what it prints for a table it can hold is replayed as often as needed.
    part=$((most * 9 / 10))
    make_entries "$part"
    in_space cat /proc/net/nf_conntrack >"$work/recorded"
    mkdir -p "$work/bin"
    printf '#!/bin/sh\nawk -v most=%d "NR <= most" ' "$entries" >"$work/bin/conntrack"
    copies=0
    while [ $((copies * part)) -lt "$entries" ]; do printf '%s ' "$work/recorded" >>"$work/bin/conntrack"; copies=$((copies + 1)); done
    echo >>"$work/bin/conntrack"
    chmod +x "$work/bin/conntrack"
    for reader in proc conntrack; do measure "$part" "$reader" ""; done
    measure "$entries" conntrack-recorded "$work/bin:"
  fi
done
