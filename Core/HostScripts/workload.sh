# What every kind of workload has in common. The rendered part before it holds KEY, HOST, FOLDER, STATE, TOKEN (of the checkpoint that must
# still be armed, empty for none), PORTS, STOP_SECONDS and START_SECONDS; the kind's own file defines the functions named kind_….
#
# Exit codes of steps: 66 the workload is not there, 69 a tool is missing, 73 something that is not ours is in the way, 75 another change is under
# way, 77 the host has gone back by itself, 78 the workload cannot be moved like this, 124 the time limit.
#
# $STATE holds: fenced (it must not start here), policy-NAME (what starts it by itself when it is not fenced), stopping-NAME (told to stop, still up),
# seen-NAME (as the fence found it), sockets (where its connections are counted), made (what we made here, for the way back), created-NAME (hash of the
# arguments it was created with).

reversed() { sed '1!G;h;$!d'; }

# Whole seconds, at least one, until a time in milliseconds: what `timeout` of every system takes.
seconds_until() {
  left=$((($1 - $(now_ms) + 999) / 1000))
  if [ "$left" -ge 1 ]; then echo "$left"; else echo 1; fi
}

# Runs steps while no revert of this host can run, and only if none has run yet: otherwise a late command of the dashboard would undo the host's own rescue.
locked() {
  mkdir -p "$STATE" && chmod 0700 "$HOST" "$FOLDER" "$STATE"
  (
    exec 9>"$HOST/lock"
    flock -w 20 9 || step lock refuse 75 "another change of this host is under way"
    [ -z "$TOKEN" ] || [ "$(cat "$FOLDER/checkpoint" 2>/dev/null)" = "$TOKEN" ] || step checkpoint refuse 77 "the host has already gone back by itself"
    "$@"
  ) || exit 1
}

fence() { mkdir -p "$STATE" && : >"$STATE/fenced" && kind_fence; }

stop_workload() {
  fence || { code=$?; unfence; return $code; }
  kind_stop "$(($(now_ms) + STOP_SECONDS * 1000))"
}

start_workload() {
  rm -f "$STATE/fenced"
  kind_start && return 0
  code=$?
  fence >/dev/null
  kind_stop "$(($(now_ms) + STOP_SECONDS * 1000))" >/dev/null 2>&1
  return $code
}

unfence() { rm -f "$STATE/fenced" && kind_unfence; }

# What was made to be able to fence it goes again; where it is fenced, the fence rests on that.
unready() {
  [ -e "$STATE/fenced" ] || kind_unready || return
  rm -f "$STATE/sockets"
  rmdir "$STATE" "$FOLDER" 2>/dev/null
  return 0
}

print_running() {
  fenced=false
  [ ! -e "$STATE/fenced" ] || fenced=true
  running=false
  ! kind_is_running || running=true
  result running "\"running\":$running,\"fenced\":$fenced,\"parts\":[$(kind_parts)]"
}

# --- the way back, run by the host itself ----------------------------------------------------------------------------------------

# Where the workload ran before: only if it was fenced; the stop may not even have begun. Clients wait until its ports take connections, which is all
# that is asked: it served them before, and a check that never passes must not keep them waiting.
resume_here() {
  [ -e "$STATE/fenced" ] || return 0
  rm -f "$STATE/fenced"
  kind_resume
  HEALTH=tcp HEALTH_PORT='' HEALTH_COMMAND=''
  wait_healthy
}

# Where it was to run: it must be down before clients go to the other host again, whatever it takes.
stand_down_here() {
  fence
  kind_kill
}

# --- undo of the preparation ------------------------------------------------------------------------------------------------------

made() { grep -qxF -- "$1" "$STATE/made" 2>/dev/null || echo "$1" >>"$STATE/made"; }

was_made() { grep -qxF -- "$1" "$STATE/made" 2>/dev/null; }

stop_if_made() { [ ! -e "$STATE/made" ] || ! kind_is_running || stop_workload; }

remove_made() {
  [ -e "$STATE/made" ] || return 0
  [ -e "$STATE/fenced" ] || ! kind_is_running || refuse 73 "the workload is in service here" || return
  reversed <"$STATE/made" | while read -r kind name; do
    case $kind in
      folder) case $name in /?*/?*) rm -rf -- "$name" ;; esac ;;
      parent) rmdir -- "$name" 2>/dev/null || true ;;
      file) rm -f -- "$name" ;;
      *) kind_remove "$kind" "$name" || exit 1 ;;
    esac
  done || return 1
}

forget() {
  rm -rf "$STATE"
  rmdir "$FOLDER" 2>/dev/null
  return 0
}

# A folder that the workload sees under the same path as before. Data that others put there is never replaced without being told to.
make_folder() {
  if [ ! -e "$1" ]; then make_parents "$1" && mkdir -m 0755 -- "$1" && made "folder $1"; return; fi
  [ -d "$1" ] || refuse 73 "$1 is there and is no folder" || return
  [ "$REPLACE" = yes ] || was_made "folder $1" || was_made "used $1" || [ -z "$(ls -A -- "$1")" ] ||
    refuse 73 "$1 is there and holds data that the workload's own would replace: empty it, or allow that it is replaced" || return
  made "used $1"
}

# Those that end up empty are taken away again.
make_parents() {
  above=$(dirname -- "$1")
  [ ! -d "$above" ] || return 0
  (make_parents "$above") && mkdir -m 0755 -- "$above" && made "parent $above"
}

# The file itself comes with the data; a container cannot be created without it.
make_file() {
  if [ ! -e "$1" ]; then make_parents "$1" && : >"$1" && made "file $1"; return; fi
  [ -f "$1" ] || refuse 73 "$1 is there and is no file" || return
  [ "$REPLACE" = yes ] || was_made "file $1" || was_made "used $1" || [ ! -s "$1" ] ||
    refuse 73 "$1 is there and holds data that the workload's own would replace: empty it, or allow that it is replaced" || return
  made "used $1"
}

# --- quiet -------------------------------------------------------------------------------------------------------------------------

# Connections of the workload's own sockets that are open, are being opened by somebody far away, or still have data on the way: ESTABLISHED, SYN_RECV,
# FIN_WAIT1, CLOSE_WAIT, LAST_ACK, CLOSING (include/net/tcp_states.h).
# The kernel keeps these per network namespace, so a container's are asked for through one of its processes. It is asked for these states alone: a server
# that closes first keeps tens of thousands that have ended (TIME_WAIT) in the list under /proc.
open_connections() {
  open=0
  while read -r pid port; do
    [ -n "$pid" ] || continue
    within="nsenter -t $pid -n"
    [ "$pid" != self ] || within=
    # shellcheck disable=SC2086 # several words or none
    found=$($within ss -Htn state established state syn-recv state fin-wait-1 state close-wait state last-ack state closing "sport = :$port" 2>/dev/null) || { listed_connections; return; }
    [ -z "$found" ] || open=$((open + $(echo "$found" | wc -l)))
  done <<EOF
$sockets
EOF
  echo "$open"
}

# The same without ss and nsenter.
listed_connections() {
  files='' wanted=''
  while read -r pid port; do
    [ -n "$pid" ] || continue
    wanted="$wanted $pid $port"
    case " $files " in *" /proc/$pid/net/tcp "*) continue ;; esac
    for file in "/proc/$pid/net/tcp" "/proc/$pid/net/tcp6"; do [ ! -r "$file" ] || files="$files $file"; done
  done <<EOF
$sockets
EOF
  # shellcheck disable=SC2086 # several files; /dev/null where there is none
  awk -v sockets="$wanted" '
    BEGIN { n = split(sockets, word, " "); for (i = 1; i < n; i += 2) wanted[word[i] sprintf(":%04X", word[i + 1])] = 1 }
    FNR == 1 { split(FILENAME, part, "/") }
    (part[3] substr($2, length($2) - 4)) in wanted && $4 ~ /^0[13489B]$/ { open++ }
    END { print open + 0 }' ${files:-/dev/null} 2>/dev/null || echo 0
}

# Asked for a moment before a hold: where to look is kept, so that the hold need not find it out.
print_sessions() {
  sockets=$(kind_sockets)
  [ ! -d "$STATE" ] || echo "$sockets" >"$STATE/sockets"
  result sessions "\"open\":$(open_connections)"
}

# As long as every process is still there: one that was started anew has another number. Good for one look.
known_sockets() {
  [ -s "$STATE/sockets" ] || return
  sockets=
  while read -r pid port; do
    [ -d "/proc/$pid" ] || return
    sockets="$sockets$pid $port
"
  done <"$STATE/sockets"
  : >"$STATE/sockets"
}

# await_link ADDRESS MILLISECONDS: until the other host answers over the link. While it is cut nobody who is served over it could be told of the end, and
# no data copied: the workload is not stopped. Sets $waited.
await_link() {
  clock
  link_from=$ms
  step link see_link "$1" "$((ms + $2))"
  clock
  waited=$((ms - link_from))
}

see_link() {
  until link_answers "$1"; do
    [ "$(now_ms)" -lt "$2" ] || refuse 74 "nothing answers at $1 over the link; the workload was not stopped" || return
  done
}

link_answers() {
  case $1 in *:*) family=-6 ;; *) family=-4 ;; esac
  ! ping $family -n -q -c 1 -W 1 "$1" >/dev/null 2>&1 || return 0
  # A host that drops pings still answers when it is asked for its hardware address, as it is by the second packet.
  ip $family neigh flush to "$1" 2>/dev/null
  ping $family -n -q -c 1 -W 1 "$1" >/dev/null 2>&1 || ip $family neigh show to "$1" | grep -q ' lladdr '
}

# wait_quiet MILLISECONDS [MORE]: until the last connection has ended, or the time is over, which is no failure. Those whom a cut link kept waiting
# get as long again.
wait_quiet() {
  quiet_limit=$(($1 + ${2:-0}))
  from=$(now_ms)
  known_sockets || sockets=$(kind_sockets)
  at_first=$(open_connections)
  remained=$at_first
  while [ "$remained" -gt 0 ] && [ $(($(now_ms) - from)) -lt "$quiet_limit" ]; do
    sleep 0.05
    remained=$(open_connections)
  done
  result quiet "\"atFirst\":$at_first,\"remained\":$remained,\"ms\":$(($(now_ms) - from))"
}
