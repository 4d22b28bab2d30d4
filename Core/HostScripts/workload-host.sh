# What workloads have in common that are processes of the host itself.

# A service may listen on every address of the host or on one: any of them will do.
host_targets() {
  for port in $PORTS; do
    case $port in */udp) continue ;; esac
    number=${port%/tcp}
    line="$number 127.0.0.1 $number"
    [ ! -e /proc/net/if_inet6 ] || line="$line ::1 $number"
    for address in $ADDRESSES; do line="$line $address $number"; done
    echo "$line"
  done
}

host_sockets() { for port in $PORTS; do case $port in */tcp) echo "self ${port%/tcp}" ;; esac; done; }

# The folders that move, and who owns what is in them: ids differ between hosts, so files go by the names of their owners.
inspect_folders() {
  found=$(mktemp)
  printf '%s\n' "$FOLDERS" | while read -r path; do
    [ -n "$path" ] || continue
    print_path "$path"
    [ ! -d "$path" ] || timeout 60 find "$path" -printf 'u %u\ng %g\n' 2>/dev/null | sort -u
  done >"$found"
  grep '^{' "$found"
  grep -v '^{' "$found" | sort -u | text_data owners
  rm -f "$found"
  { getent passwd | awk -F: '{ print "u", $1 }'; getent group | awk -F: '{ print "g", $1 }'; } | text_data accounts
}
