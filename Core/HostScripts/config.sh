# What sets a host to one configuration. The rendered part before it holds the values (names in capitals) and the texts (functions
# named wanted_…); see ConfigScript.cs. Every step may be repeated and leaves nothing of an earlier configuration behind.

# Early after a reboot interfaces are missing: what needs them is set later, all else now.
can_wait() { [ "$BEST_EFFORT" = yes ]; }

ip_command() { if [ "$1" = 6 ]; then echo ip6tables; else echo iptables; fi; }

# --- the link -----------------------------------------------------------------------------------------------------------------

link_up() {
  [ -n "$LINK" ] || return 0
  link_create || return 1
  [ -e "/sys/class/net/$LINK" ] || { echo "interface $LINK is not there"; return 1; }
  wanted_addresses | while read -r address; do
    # An address that is there already and was not put there by us is not ours to take away.
    claim="$FOLDER/addresses/$(echo "$address" | tr / _)"
    if [ ! -e "$claim" ] && ! ip -o addr show dev "$LINK" | grep -qF " $address "; then mkdir -p "$FOLDER/addresses" && echo "$LINK" >"$claim"; fi
    case $address in
      *:*) ip -6 addr replace "$address" dev "$LINK" nodad || exit 1 ;;
      *) ip addr replace "$address" dev "$LINK" || exit 1 ;;
    esac
  done || return 1
}

link_prune() {
  for file in "$FOLDER"/addresses/*; do
    [ -e "$file" ] || continue
    address=$(basename "$file" | tr _ /)
    wanted_addresses | grep -qxF "$address" || { ip addr del "$address" dev "$(cat "$file")" 2>/dev/null || true; rm -f "$file"; }
  done
  # The tunnel's own way out was written down when it was made.
  if [ "$TUNNEL" = none ] && [ -e "$FOLDER/link/remove.sh" ]; then sh "$FOLDER/link/remove.sh" && rm -f "$FOLDER/link/remove.sh"; fi
}

# --- sysctls ------------------------------------------------------------------------------------------------------------------
# The value before the first claim is kept per host, not per migration, so that migrations sharing a server do not restore each other's.

# Sets $place. By the shell alone: clients may be waiting.
sysctl_folder() {
  # shellcheck disable=SC2086 # split at its slashes
  place=$(IFS=/ && set -f && set -- $1 && IFS=, && echo "$HOST/sysctl/$*")
}

# Values of single interfaces that the kernel overwrites with the one of the whole host (ip-sysctl.rst: forwarding): kept as lines of file and value.
interface_values() {
  case $1 in
    net/ipv4/ip_forward) cd /proc/sys/net/ipv4/conf ;;
    net/ipv6/conf/all/forwarding) cd /proc/sys/net/ipv6/conf ;;
    *) return 0 ;;
  esac && grep -H . ./*/forwarding | grep -v '^./all/'
}

restore_interface_values() {
  while IFS=: read -r file value; do
    file=/proc/sys/net/ipv$1/conf/$file
    [ ! -e "$file" ] || [ "$(cat "$file")" = "$value" ] || echo "$value" >"$file"
  done
}

write_sysctl() {
  [ "$(cat "/proc/sys/$1")" != "$2" ] || return 0
  # Switching ip_forward makes the kernel set accept_redirects everywhere (ip-sysctl.rst): those are put back.
  kept=
  [ "$1" != net/ipv4/ip_forward ] || kept=$(cd /proc/sys/net/ipv4/conf && grep -H . ./*/accept_redirects)
  echo "$2" >"/proc/sys/$1" || return 1
  [ -z "$kept" ] || echo "$kept" | restore_interface_values 4
}

sysctls_set() {
  wanted_sysctls | while read -r path value; do
    sysctl_folder "$path"
    [ -e "/proc/sys/$path" ] || { echo "/proc/sys/$path is not there"; can_wait || exit 1; continue; }
    ! { [ -e "$place/claim-$KEY" ] && read -r found <"/proc/sys/$path" && [ "$found" = "$value" ]; } || continue
    mkdir -p "$place"
    [ -e "$place/before" ] || { (interface_values "$path") >"$place/interfaces"; cat "/proc/sys/$path" >"$place/before"; }
    : >"$place/claim-$KEY"
    # What was so before us is somebody else's to set after a reboot: Docker closes FORWARD only if it is the one who turns forwarding on.
    if [ "$EARLY" = yes ] && [ "$(cat "$place/before")" = "$value" ]; then continue; fi
    # The link has come back, and what it had lost are its own: while the host boots all else is not due yet.
    case $EARLY,$path in link,*"/$LINK/"*) ;; link,*) continue ;; esac
    write_sysctl "$path" "$value" || can_wait || exit 1
  done
}

# Docker turns forwarding on for a network it makes, and leaves it on. That we had done it before must not take it from the networks that have come since:
# $1 is the sysctl, $2 the folder with what was found before.
containers_need() {
  case $1 in
    net/ipv4/ip_forward) family=4 ;;
    net/ipv6/conf/all/forwarding) family=6 ;;
    *) return 1 ;;
  esac
  for bridge in /sys/class/net/docker*/bridge /sys/class/net/br-*/bridge; do
    [ -e "$bridge" ] || continue
    bridge=${bridge%/bridge}
    bridge=${bridge##*/}
    ! grep -qF "./$bridge/forwarding:" "$2/interfaces" || continue
    [ -z "$(ip "-$family" -o addr show dev "$bridge" scope global)" ] || return 0
  done
  return 1
}

sysctls_release() {
  sysctls=$(wanted_sysctls)
  for claim in "$HOST"/sysctl/*/claim-"$KEY"; do
    [ -e "$claim" ] || continue
    place=$(dirname "$claim")
    path=$(basename "$place" | tr , /)
    ! has_line "$sysctls" "$path " || continue
    rm -f "$claim"
    ls "$place"/claim-* >/dev/null 2>&1 && continue
    if [ -e "/proc/sys/$path" ] && [ "$(cat "/proc/sys/$path")" != "$(cat "$place/before")" ] && ! containers_need "$path" "$place"; then
      write_sysctl "$path" "$(cat "$place/before")"
      case $path in
        net/ipv4/ip_forward) restore_interface_values 4 <"$place/interfaces" ;;
        net/ipv6/conf/all/forwarding) restore_interface_values 6 <"$place/interfaces" ;;
      esac
    fi
    rm -rf "$place"
  done
  rmdir "$HOST/sysctl" 2>/dev/null || true
}

# --- routing rules and our table ----------------------------------------------------------------------------------------------

routes_set() {
  wanted_routes | while read -r family route; do
    # shellcheck disable=SC2086 # a route is several words, rendered from validated values
    ip "-$family" route replace $route table "$TABLE" || can_wait || exit 1
  done || return 1
  wanted_rules | while read -r family preference selector; do
    found=$(rules_found "$family" "$preference")
    case $found in
      *"from all $selector") continue ;;
      "") ;;
      *) echo "the routing rule at preference $preference is not ours: $found"; exit 1 ;;
    esac
    # shellcheck disable=SC2086
    ip "-$family" rule add pref "$preference" $selector || can_wait || exit 1
  done
}

# The rules of a family ($1) at some preferences ($2), as the kernel's tool prints them, without what it may leave at the end of a line.
rules_found() {
  ip "-$1" rule show 2>/dev/null | while read -r line; do
    for number in $2; do case $line in "$number:"*) echo "$line" ;; esac; done
  done
}

ours() { for mark in $MARKS; do case $1 in *" fwmark $mark "*) return 0 ;; esac; done; return 1; }

# $1 holds a line that begins with $2.
has_line() {
  case "
$1" in *"
$2"*) return 0 ;; esac
  return 1
}

routes_prune() {
  rules=$(wanted_rules)
  routes=$(wanted_routes)
  for family in 4 6; do
    [ "$family" = 4 ] || [ -e /proc/net/if_inet6 ] || continue
    rules_found "$family" "$PREFERENCES" | while read -r number rule; do
      has_line "$rules" "$family ${number%:} " || ! ours " $rule " || ip "-$family" rule del pref "${number%:}"
    done
    has_line "$routes" "$family " || ip "-$family" route flush table "$TABLE" 2>/dev/null || true
  done
}

# --- openings in the host's own firewall --------------------------------------------------------------------------------------
# Each is four lines of a file: what it is, a command that succeeds when it is there, one that makes it and one that takes it away.

openings_set() {
  mkdir -p "$FOLDER/openings"
  for id in $OPENINGS; do
    if [ -n "$WAS" ] && [ -e "$FOLDER/openings/$id" ]; then continue; fi
    "opening_$id" >"$FOLDER/openings/$id"
    sh -c "$(sed -n 2p "$FOLDER/openings/$id")" >/dev/null 2>&1 || sh -c "$(sed -n 3p "$FOLDER/openings/$id")" || { sed -n 1p "$FOLDER/openings/$id"; return 1; }
  done
}

openings_prune() {
  for file in "$FOLDER"/openings/*; do
    [ -e "$file" ] || continue
    case " $OPENINGS " in *" $(basename "$file") "*) continue ;; esac
    ! sh -c "$(sed -n 2p "$file")" >/dev/null 2>&1 || sh -c "$(sed -n 4p "$file")" || return 1
    rm -f "$file"
  done
}

# --- rules --------------------------------------------------------------------------------------------------------------------

rules_set() { if [ "$BACKEND" = nft ]; then rules_set_nft; else rules_set_iptables 4 && rules_set_iptables 6; fi; }

rules_set_nft() {
  wanted_nft >"$FOLDER/rules.nft"
  # All of it or none (nft(8), atomic rule replacement).
  nft -f "$FOLDER/rules.nft"
}

rules_set_iptables() {
  command=$(ip_command "$1")
  command -v "$command" >/dev/null 2>&1 || { [ -z "$("wanted_iptables$1")" ]; return; }
  # Docker and others hold the same lock for moments (iptables(8), --wait; old versions of restore do not know the word).
  patience=
  ! "$command-restore" --help 2>&1 | grep -q -- --wait || patience="--wait 5"
  # Chains that are wanted are filled first, then hooked in; what is no longer wanted is unhooked last: a hold is on before all and off after all.
  # shellcheck disable=SC2086
  [ -z "$("wanted_iptables$1")" ] || "wanted_iptables$1" | "$command-restore" $patience --noflush || return 1
  "wanted_jumps$1" | while read -r list builtin chain; do
    "$command" -w 5 -t "$list" -C "$builtin" -j "$chain" 2>/dev/null || "$command" -w 5 -t "$list" -I "$builtin" 1 -j "$chain" || exit 1
  done || return 1
  existing=$("$command-save" | grep "^:$CHAINS-")
  [ -z "$existing" ] || all_jumps | while read -r list builtin chain; do
    case $existing in *":$chain "*) ;; *) continue ;; esac
    ! "wanted_jumps$1" | grep -qxF "$list $builtin $chain" || continue
    "$command" -w 5 -t "$list" -D "$builtin" -j "$chain" 2>/dev/null || true
    "$command" -w 5 -t "$list" -F "$chain" && "$command" -w 5 -t "$list" -X "$chain" || exit 1
  done
}

# --- reading back -------------------------------------------------------------------------------------------------------------

# Everything of ours as it is on the host now, in a form that is the same as long as nobody changes it.
state() {
  if [ "$BACKEND" = nft ]; then
    for family in ip ip6; do nft -s list table "$family" "$NFT_TABLE" 2>/dev/null || true; done
  else
    for family in 4 6; do "$(ip_command "$family")-save" 2>/dev/null | grep "$CHAINS" | sed 's/\[[0-9:]*\]//' || true; done
  fi
  for family in 4 6; do
    rules_found "$family" "$PREFERENCES"
    ip "-$family" route show table "$TABLE" 2>/dev/null | sed 's/ *linkdown//; s/ *$//' || true
  done
  wanted_sysctls | while read -r path value; do echo "$path=$(cat "/proc/sys/$path" 2>/dev/null) wanted $value"; done
  for id in $OPENINGS; do if sh -c "$("opening_$id" | sed -n 2p)" >/dev/null 2>&1; then echo "opening $id"; else echo "opening $id is gone"; fi; done
  [ -z "$LINK" ] || if [ -e "/sys/class/net/$LINK" ] && tunnel_runs; then echo "link $LINK"; else echo "link $LINK is gone"; fi
  [ -z "$LINK" ] || wanted_addresses | while read -r address; do ip -o addr show dev "$LINK" 2>/dev/null | grep -qF " $address " && echo "address $address" || echo "address $address is gone"; done
}

state_hash() { state | sha256sum | cut -d' ' -f1; }

# What was applied, as text for whoever asks later what has changed since, and as its hash. What somebody else threw out again at that very moment (Docker,
# when it is being started) is remembered as it was wanted: as long as it is gone it has changed, and once it is back it has not.
remember_state() {
  state | sed -e 's/ is gone$//' -e 's/=.* wanted \(.*\)$/=\1 wanted \1/' >"$FOLDER/applied-state" && sha256sum <"$FOLDER/applied-state" | cut -d' ' -f1 >"$FOLDER/applied"
}

set_all() {
  changed link && step link link_up
  changed sysctls && step sysctls sysctls_set
  changed routes && step routes routes_set
  # Those of a hold's end were made before it began.
  [ "$PACE" = release ] || step openings openings_set
  [ -z "${STAYS:-}" ] || step stays stay
  step rules rules_set
  [ "$PRUNE" = yes ] || return 0
  [ "$PACE" != release ] || step openings openings_set
  step openings-removed openings_prune
  changed routes && step routes-removed routes_prune
  changed sysctls && step sysctls-restored sysctls_release
  changed link && step link-removed link_prune
  return 0
}

# The change whose token is $STAYS is not taken back any more. Before the rules let anybody in: what they write must not be left behind.
stay() { echo "$STAYS" >"$FOLDER/confirmed" && rm -f "$FOLDER/checkpoint" "$FOLDER/checkpoint-boot"; }

# Clients wait while a cutover goes on: what the configuration before ($WAS, its PARTS) had as well is not set again then.
changed() {
  for part in $PARTS; do
    case $part in "$1":*) case " $WAS " in *" $part "*) return 1 ;; esac ;; esac
  done
}

# What an interface that went away and came back has lost (the kernel drops its routes and its sysctls with it).
set_link() {
  step link link_up
  step sysctls sysctls_set
  step routes routes_set
}

BEST_EFFORT=no
EARLY=no
PRUNE=yes
WAS=
PACE=${1:-}
case ${1:-} in
  # Within a cutover $2 are the parts of the configuration before, which is what the host has. A hold adds to that and takes nothing away, and what is held
  # is compared with nothing later.
  set | release) WAS=${2-} && set_all && remember_state ;;
  hold) WAS=$2 PRUNE=no && set_all ;;
  early)
    BEST_EFFORT=yes LINK="" EARLY=yes
    # Held until the late run, when what answers on the ports has been started: until then the kernel would refuse whoever calls.
    wanted_nft() { wanted_nft_early; }
    wanted_iptables4() { wanted_iptables4_early; }
    wanted_iptables6() { wanted_iptables6_early; }
    wanted_jumps4() { wanted_jumps4_early; }
    wanted_jumps6() { wanted_jumps6_early; }
    set_all
    ;;
  # What was applied is what the host is compared with later: a start after a reboot does not redefine it.
  late) BEST_EFFORT=yes; set_all ;;
  link) EARLY="link"; set_link ;;
  state) state ;;
  hash) state_hash ;;
  remember) remember_state ;;
esac
