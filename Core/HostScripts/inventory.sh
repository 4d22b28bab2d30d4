# Reads everything about a host that checks, plans and the proof of a clean end need, in one go and as root; changes nothing.
# Arguments: pairs of what else to measure: "container NAME", "project NAME", "folder PATH".
#
# Printed for each section: "@ NAME EXIT [truncated]", its output with a space before each line, its errors with "!" before each; the last
# line is "@ end 0". So nothing that a section prints can pass for another section. Exit 127 means that the host has no such command.
set -u
export LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
umask 077

# Seconds a single command may take: a hung Docker daemon or a dead network file system must not hang the reading.
patience=8
# Seconds for adding up the workload's data, which may be millions of files.
measure_patience=20
# Bytes of one section: a server with ten thousand rules has 2 MB of them.
most_bytes=8000000

has() { command -v "$1" >/dev/null 2>&1; }

# Runs a command of the host with a time limit; 127 when there is none, as the shell itself says.
ask() {
  has "$1" || return 127
  if has timeout; then timeout "$patience" "$@"; else "$@"; fi
}

# Each line of the files named on stdin, with the name before it. Names of interfaces may hold quotes, which xargs would trip over.
show_files() { awk '{ while ((getline line < $0) > 0) print $0 ":" line; close($0) }'; }

# --- the system ---------------------------------------------------------------------------------------------------------------

read_clock() { date +%s.%N; }

read_host() {
  printf 'uid %s\nkernel %s\nhostname %s\n' "$(id -u)" "$(uname -r)" "$(uname -n)"
  for file in /etc/machine-id /proc/uptime /proc/sys/kernel/random/boot_id; do [ ! -r "$file" ] || printf '%s %s\n' "$(basename "$file")" "$(head -n 1 "$file")"; done
  if [ -d /run/systemd/system ]; then echo 'init systemd'; else echo 'init other'; fi
  [ ! -c /dev/net/tun ] || echo 'tun yes'
  [ ! -r /proc/net/nf_conntrack ] || echo 'conntrack-list yes'
  [ ! -e /proc/net/if_inet6 ] || echo 'ipv6 yes'
}

read_os_release() { cat /etc/os-release; }

read_virtualization() { ask systemd-detect-virt || [ $? -ne 127 ] || return 127; }

# Programs are looked for; only those whose version matters are asked for it.
read_tools() {
  for tool in nft iptables ip6tables iptables-save ip6tables-save iptables-restore iptables-legacy-save ip conntrack docker docker-compose rsync openvpn ss systemctl \
    systemd-run ufw firewall-cmd flock setsid curl openssl ping arping ethtool timeout awk sed sha256sum base64 tcpdump ssh ssh-keygen; do
    ! has "$tool" || echo "$tool $(command -v "$tool")"
  done
}

version_of() { ! has "$1" || printf '%s %s\n' "$1" "$("$@" 2>&1 | head -n 1)"; }

read_versions() {
  version_of nft --version
  version_of iptables --version
  version_of openvpn --version
  version_of systemctl --version
}

# --- the network --------------------------------------------------------------------------------------------------------------

# From sysfs: the same on every kernel, and without the "name@peer" that ip prints.
read_links() {
  cd /sys/class/net && for file in */ifindex */address */mtu */operstate */flags */type */tun_flags */bridge/bridge_id */device/uevent */uevent; do [ ! -e "$file" ] || echo "$file"; done |
    show_files
  for file in */master; do [ ! -e "$file" ] || echo "$file:$(basename "$(readlink "$file")")"; done
}

read_addresses() { ask ip -o addr show; }
read_routes4() { ask ip -4 route show table all; }
read_routes6() { [ ! -e /proc/net/if_inet6 ] || ask ip -6 route show table all; }
read_rules4() { ask ip -4 rule show; }
read_rules6() { [ ! -e /proc/net/if_inet6 ] || ask ip -6 rule show; }

# ip prints tables by the names that the host gave them.
read_table_names() {
  cat /usr/share/iproute2/rt_tables /usr/lib/iproute2/rt_tables /usr/share/iproute2/rt_tables.d/*.conf /etc/iproute2/rt_tables /etc/iproute2/rt_tables.d/*.conf 2>/dev/null
  true
}

read_sysctls() {
  cd /proc/sys && for file in net/ipv4/ip_forward net/ipv4/conf/*/rp_filter net/ipv4/conf/*/forwarding net/ipv4/conf/*/accept_redirects net/ipv4/conf/*/send_redirects \
    net/ipv4/conf/*/route_localnet net/ipv4/conf/*/src_valid_mark net/ipv4/tcp_fwmark_accept net/ipv4/fwmark_reflect \
    net/ipv6/conf/*/forwarding net/ipv6/conf/*/accept_ra net/ipv6/conf/*/disable_ipv6 net/ipv6/conf/*/accept_redirects \
    net/netfilter/nf_conntrack_max net/netfilter/nf_conntrack_count net/netfilter/nf_conntrack_tcp_timeout_established net/netfilter/nf_conntrack_acct \
    net/bridge/bridge-nf-call-iptables net/bridge/bridge-nf-call-ip6tables; do
    [ ! -r "$file" ] || echo "$file"
  done | show_files
}

# Sockets, and then the control group of each process that has one: it names the unit or the container.
read_sockets() {
  has ss || return 127
  ss -Hltnup >"$dir/ss" 2>/dev/null || ss -ltnup >"$dir/ss" || return 1
  cat "$dir/ss"
  for pid in $(grep -o 'pid=[0-9]*' "$dir/ss" | sort -u | cut -d= -f2 | head -n 500); do [ ! -r "/proc/$pid/cgroup" ] || echo "/proc/$pid/cgroup"; done |
    xargs -r grep -H -m 1 -E '(\.service|docker|containerd|\.scope)' 2>/dev/null || true
}

# --- firewalls ----------------------------------------------------------------------------------------------------------------

# Stateless first: counters are not of interest, and old versions of nft lack the option.
read_nft() { has nft || return 127; ask nft -s list ruleset || ask nft list ruleset; }

# The save commands only print tables that are there, `iptables -S` would make the kernel load them.
read_iptables4() { ask iptables-save; }
read_iptables6() { ask ip6tables-save; }

# Rules of the old kernel interface beside those of nf_tables: invisible to iptables-save, and in force all the same.
read_legacy4() { [ ! -s /proc/net/ip_tables_names ] || ask iptables-legacy-save; }
read_legacy6() { [ ! -s /proc/net/ip6_tables_names ] || ask ip6tables-legacy-save; }

# Asks the kernel whether it would take rules like ours: --check makes no rule.
read_nft_check() {
  has nft || return 127
  nft -c -f - <<'RULES'
table ip md_probe {
	counter outside { }
	chain classify {
		type filter hook prerouting priority -150; policy accept;
		iifname "lo" ip daddr 192.0.2.1 tcp dport { 25, 587 } ct state new counter name "outside" ct mark set ct mark & 0xff00ffff | 0x00010000
		ct direction reply ct mark & 0x00ff0000 == 0x00010000 meta mark set meta mark & 0xff00ffff | 0x00010000
	}
	chain to_peer {
		type nat hook prerouting priority -110; policy accept;
		iifname "lo" ip daddr 192.0.2.1 tcp dport { 25, 587 } dnat to 192.0.2.2
	}
	chain clamp {
		type filter hook forward priority -150; policy accept;
		oifname "lo" tcp flags & (syn | rst) == syn tcp option maxseg size set rt mtu
	}
	chain replies {
		type route hook output priority -150; policy accept;
		ct mark & 0x00ff0000 == 0x00010000 meta mark set ct mark
	}
}
RULES
}

read_ufw() {
  [ -e /etc/ufw/ufw.conf ] || return 127
  grep -hE '^(ENABLED|DEFAULT_[A-Z]*_POLICY)=' /etc/ufw/ufw.conf /etc/default/ufw 2>/dev/null
}

read_firewall_files() { grep -HnE '^[[:space:]]*flush[[:space:]]+ruleset' /etc/nftables.conf /etc/sysconfig/nftables.conf 2>/dev/null || true; }

# --- what runs ----------------------------------------------------------------------------------------------------------------

read_services() { ask systemctl list-units --type=service --state=running --no-legend --no-pager --plain; }

# One word a line, in the order asked.
read_active() {
  has systemctl || return 127
  set -- systemd-networkd.service NetworkManager.service networking.service firewalld.service ufw.service nftables.service docker.service kubelet.service k3s.service \
    tailscaled.service ssh.socket sshd.socket
  for unit; do echo "$unit"; done >"$dir/units"
  ask systemctl is-active "$@" | paste -d ' ' "$dir/units" -
}

read_network_managers() {
  grep -HE '^[[:space:]]*ManageForeignRout' /etc/systemd/networkd.conf /etc/systemd/networkd.conf.d/*.conf /run/systemd/networkd.conf.d/*.conf \
    /usr/lib/systemd/networkd.conf.d/*.conf /usr/local/lib/systemd/networkd.conf.d/*.conf 2>/dev/null
  for file in /etc/netplan/*.yaml; do [ ! -e "$file" ] || echo "$file:netplan"; done
  true
}

read_sshd() {
  if has sshd; then ask sshd -T 2>/dev/null | grep -E '^(port|authorizedkeysfile|maxsessions) ' && return; fi
  cat /etc/ssh/sshd_config /etc/ssh/sshd_config.d/*.conf 2>/dev/null | grep -iE '^[[:space:]]*(port|authorizedkeysfile|maxsessions)[[:space:]]' | tr '[:upper:]' '[:lower:]'
  true
}

read_host_keys() { cat /etc/ssh/ssh_host_*_key.pub; }

# --- Docker -------------------------------------------------------------------------------------------------------------------
# Only the fields that are needed: a container's environment holds passwords and stays on the host.

read_docker() { ask docker info --format '{{json .}}'; }

read_containers() {
  has docker || return 127
  ids=$(ask docker ps -aq --no-trunc) || return 1
  [ -n "$ids" ] || return 0
  # shellcheck disable=SC2086 # ids are words of hex digits
  ask docker container inspect --format '{"id":{{json .Id}},"name":{{json .Name}},"status":{{json .State.Status}},"running":{{json .State.Running}},"pid":{{json .State.Pid}},"image":{{json .Config.Image}},"imageId":{{json .Image}},"labels":{{json .Config.Labels}},"mounts":{{json .Mounts}},"ports":{{json .NetworkSettings.Ports}},"bindings":{{json .HostConfig.PortBindings}},"networkMode":{{json .HostConfig.NetworkMode}},"networks":{{json .NetworkSettings.Networks}},"restart":{{json .HostConfig.RestartPolicy.Name}}}' $ids
}

read_docker_networks() {
  has docker || return 127
  ids=$(ask docker network ls -q --no-trunc) || return 1
  [ -n "$ids" ] || return 0
  # shellcheck disable=SC2086
  ask docker network inspect --format '{"id":{{json .Id}},"name":{{json .Name}},"driver":{{json .Driver}},"internal":{{json .Internal}},"ipam":{{json .IPAM.Config}},"options":{{json .Options}}}' $ids
}

# --- disks --------------------------------------------------------------------------------------------------------------------

# In bytes; busybox counts in 1024s and says so in its heading. Only local file systems: a dead server must not hang this.
read_disks() { ask df -P -B1 -l || ask df -P -k; }

# size_of PATH KIND: bytes on disk, -1 when they could not be added up in time.
size_of() {
  limit=
  ! has timeout || limit="timeout $measure_patience"
  du_code=0
  # shellcheck disable=SC2086 # the limit is two words or none
  kilobytes=$($limit du -skx -- "$1" 2>/dev/null) || du_code=$?
  kilobytes=${kilobytes%%[!0-9]*}
  # 1 means that files vanished meanwhile, as they do while an application runs: the sum is good. 124 is the time limit's.
  if [ "$du_code" -le 1 ] && [ -n "$kilobytes" ]; then bytes=$((kilobytes * 1024)); else bytes=-1; fi
  echo "$2 $bytes $1"
}

size_of_container() {
  image=$(ask docker container inspect --format '{{.Image}}' -- "$1") || { echo "missing 0 $1"; return; }
  echo "image $(ask docker image inspect --format '{{.Size}}' "$image" || echo -1) $image"
  ask docker container inspect --format '{{range .Mounts}}{{println .Source}}{{end}}' -- "$1" | while IFS= read -r source; do [ -z "$source" ] || size_of "$source" data; done
}

read_sizes() {
  while [ $# -ge 2 ]; do
    case $1 in
      container) size_of_container "$2" ;;
      project)
        has docker || return 127
        for id in $(ask docker ps -aq --no-trunc --filter "label=com.docker.compose.project=$2"); do size_of_container "$id"; done | sort -u
        ;;
      folder) if [ -e "$2" ]; then size_of "$2" data; else echo "missing 0 $2"; fi ;;
    esac
    shift 2
  done
}

# --- what must be as it was found ---------------------------------------------------------------------------------------------

read_files() {
  for place in /etc/openvpn /etc/systemd/system /etc/systemd/network /etc/systemd/networkd.conf.d /etc/ufw /etc/default/ufw /etc/nftables.conf /etc/iptables /etc/firewalld \
    /etc/sysctl.conf /etc/sysctl.d /etc/network /etc/netplan /etc/docker/daemon.json /etc/iproute2 /etc/modules-load.d; do
    [ ! -e "$place" ] || echo "$place"
  done >"$dir/places"
  [ -s "$dir/places" ] || return 0
  # shellcheck disable=SC2046 # the places are the words above
  find $(cat "$dir/places") -xdev -type f -size -2048k -exec sha256sum {} +
  # busybox has no -printf: then a process a link.
  # shellcheck disable=SC2046,SC2016
  find $(cat "$dir/places") -xdev -type l -printf 'link %p -> %l\n' 2>/dev/null ||
    find $(cat "$dir/places") -xdev -type l -exec sh -c 'for link; do echo "link $link -> $(readlink "$link")"; done' sh {} +
}

read_keys() {
  while IFS=: read -r user _ _ _ _ home shell; do
    case $shell in '' | */nologin | */false) continue ;; esac
    for file in "$home/.ssh/authorized_keys" "$home/.ssh/authorized_keys2"; do [ ! -r "$file" ] || echo "$user $(sha256sum <"$file")"; done
  done </etc/passwd
}

read_own() {
  [ -d /var/lib/migration-dashboard ] || return 0
  echo 'folder /var/lib/migration-dashboard'
  for file in /var/lib/migration-dashboard/*/current.sh; do [ ! -e "$file" ] || echo "migration $(basename "$(dirname "$file")")"; done
  for file in /var/lib/migration-dashboard/sysctl/*/before; do [ ! -e "$file" ] || echo "before $(basename "$(dirname "$file")") $(cat "$file")"; done
}

# --- running them all ---------------------------------------------------------------------------------------------------------

main() {
  # A full disk must not keep the host from being read: /run is memory.
  dir=
  for place in /run /dev/shm "${TMPDIR:-/tmp}"; do dir=$(mktemp -d "$place/md-inventory.XXXXXX" 2>/dev/null) && break; done
  [ -n "$dir" ] || { echo 'no place for temporary files' >&2; exit 1; }
  trap 'rm -rf "$dir"' EXIT
  # Who listened may be gone by the end: what is here goes all the same.
  trap : PIPE
  trap 'exit 1' HUP TERM

  sections='host os_release virtualization tools versions links addresses routes4 routes6 rules4 rules6 table_names sysctls sockets nft nft_check iptables4 iptables6
    legacy4 legacy6 ufw firewall_files services active network_managers sshd host_keys docker containers docker_networks disks sizes files keys own'
  printf '@ clock 0\n %s\n' "$(read_clock)"
  # All at once: most of them wait for other processes.
  for name in $sections; do
    (
      "read_$name" "$@" >"$dir/$name" 2>"$dir/$name.err" </dev/null
      echo $? >"$dir/$name.code"
    ) &
  done
  wait
  for name in $sections; do echo "$name"; done >"$dir/sections"
  awk -v dir="$dir" -v most="$most_bytes" '
    function text(file, before, most,   line, bytes) {
      while ((getline line < file) > 0) { bytes += length(line) + 1; if (bytes > most) return 1; print before line }
      close(file)
      return 0
    }
    { code = 255; getline code < (dir "/" $0 ".code")
      print "@ " $0 " " code
      cut = text(dir "/" $0, " ", most)
      text(dir "/" $0 ".err", "!", 2000)
      if (cut) print "@ " $0 " truncated" }' "$dir/sections"
  printf '@ clock-after 0\n %s\n@ end 0\n' "$(read_clock)"
}

main "$@"
