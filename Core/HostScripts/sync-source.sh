# The data's way to the other host, on the host where the workload runs. The rendered part before it holds SYNC (a folder of this run in memory),
# KEY, LIFE (seconds until everything of this run is gone by itself), SOURCE_ADDRESS, TARGET_ADDRESS, PORT, HOST_KEY (of the other end's
# temporary sshd) and sync_folders (number, file or folder,
# owners by name or number, path; tabs between).

tab=$(printf '\t')

# --- the key of this run, which never leaves this host -----------------------------------------------------------------------------

# The cleaner is a timer of the system's, so that a crash of anything else leaves no key behind.
arm_cleaner() {
  if [ -d /run/systemd/system ]; then
    systemctl stop "migration-dashboard-clean-$1-$KEY.timer" 2>/dev/null
    systemd-run --quiet --collect --unit="migration-dashboard-clean-$1-$KEY" --on-active="$LIFE" --timer-property=AccuracySec=1s \
      /bin/sh -c "ssh -F '$SYNC/ssh_config' -O exit target; rm -rf '$SYNC'; rmdir '$(dirname "$SYNC")'"
  else
    # shellcheck disable=SC2016 # expanded by the inner shell
    setsid sh -c 'sleep "$1"; rm -rf "$2"; rmdir "${2%/*}"' sh "$LIFE" "$SYNC" >/dev/null 2>&1 </dev/null &
  fi
}

make_key() {
  command -v rsync >/dev/null 2>&1 || refuse 69 "rsync is not installed" || return
  end_master
  rm -rf "$SYNC"
  mkdir -p "$(dirname "$SYNC")" && mkdir -m 0700 "$SYNC" || return
  for kind in ed25519 ecdsa rsa; do
    ! ssh-keygen -q -t $kind -N '' -C "migration-dashboard-sync-$KEY" -f "$SYNC/key" </dev/null 2>"$SYNC/err" || break
  done
  [ -e "$SYNC/key.pub" ] || { cat "$SYNC/err"; return 1; }
  arm_cleaner source
}

print_key() { result key "\"publicKey\":$(quoted "$(cut -d' ' -f1,2 "$SYNC/key.pub")")"; }

close_source() {
  end_master
  [ ! -d /run/systemd/system ] || systemctl stop "migration-dashboard-clean-source-$KEY.timer" 2>/dev/null
  rm -rf "$SYNC"
  rmdir "$(dirname "$SYNC")" 2>/dev/null || true
}

end_master() { [ ! -S "$SYNC/master" ] || ssh -F "$SYNC/ssh_config" -O exit target 2>/dev/null || true; }

# --- one connection for everything, because each new one costs a tenth of a second --------------------------------------------------

# connect [held]: while clients wait it is as it was at the pass before; without a master each command makes its own connection.
connect() {
  [ "${1:-}" != held ] || ! [ -S "$SYNC/master" ] || ! [ -e "$SYNC/features" ] || return 0
  [ -e "$SYNC/key" ] || refuse 66 "there is no key of this run: open the way first" || return
  echo "migration-dashboard-sync $HOST_KEY" >"$SYNC/known_hosts.new"
  if ! cmp -s "$SYNC/known_hosts.new" "$SYNC/known_hosts"; then end_master; mv "$SYNC/known_hosts.new" "$SYNC/known_hosts"; fi
  # AES-GCM is several times faster than the default where the processor has AES.
  ciphers=
  ! ssh -Q cipher 2>/dev/null | grep -q '^aes128-gcm@openssh.com' || ciphers="Ciphers aes128-gcm@openssh.com,aes256-gcm@openssh.com,chacha20-poly1305@openssh.com,aes128-ctr"
  cat >"$SYNC/ssh_config" <<EOF
Host target
  HostName $TARGET_ADDRESS
  BindAddress $SOURCE_ADDRESS
  Port $PORT
  User root
  IdentityFile $SYNC/key
  IdentitiesOnly yes
  HostKeyAlias migration-dashboard-sync
  UserKnownHostsFile $SYNC/known_hosts
  GlobalKnownHostsFile /dev/null
  StrictHostKeyChecking yes
  PreferredAuthentications publickey
  BatchMode yes
  Compression no
  ConnectTimeout 5
  ServerAliveInterval 5
  ServerAliveCountMax 3
  ControlPath $SYNC/master
  $ciphers
EOF
  ssh -F "$SYNC/ssh_config" -O check target 2>/dev/null && [ -e "$SYNC/features" ] && return 0
  # The master must not keep this session's output open.
  ssh -F "$SYNC/ssh_config" -fNM target </dev/null >/dev/null 2>"$SYNC/err" || { cat "$SYNC/err"; return 1; }
  theirs=$(ssh -F "$SYNC/ssh_config" target rsync --version) || refuse 69 "rsync is not installed on the other host" || return
  : >"$SYNC/features"
  newer_rsync() { awk -v version="$1" 'NR == 1 { for (i = 1; i < NF; i++) if ($i == "version") v = $(i + 1); split(v, p, "."); exit !(p[1] * 10000 + p[2] * 100 + p[3] >= version) }'; }
  # From 3.1.3 on times are compared to the nanosecond, which finds a change in the second of the last pass, and holes are kept in place.
  if rsync --version | newer_rsync 30103 && echo "$theirs" | newer_rsync 30103; then echo "--modify-window=-1 --inplace --sparse" >"$SYNC/features"; fi
  if rsync --version | newer_rsync 30100; then echo yes >"$SYNC/progress"; else echo no >"$SYNC/progress"; fi
}

# --- images ----------------------------------------------------------------------------------------------------------------------

# send_image ID NAME: the image with its layers, unless the other host has it. Not compressed: the link is faster than gzip.
send_image() {
  from=$(now_ms)
  if ssh -F "$SYNC/ssh_config" target image "$1" >/dev/null 2>&1 </dev/null; then
    result image "\"id\":\"$1\",\"sent\":false,\"bytes\":0,\"ms\":$(($(now_ms) - from))"
    return
  fi
  bytes=$(docker image inspect --format '{{.Size}}' "$1" 2>/dev/null || echo 0)
  rm -f "$SYNC/saved"
  { docker save "$2" 2>"$SYNC/err" || echo failed >"$SYNC/saved"; } | ssh -F "$SYNC/ssh_config" -o ControlPath=none target load "$1" >"$SYNC/out" 2>&1 &
  sender=$!
  watch_sender "$sender" "$bytes" "$1" &
  watcher=$!
  code=0
  wait "$sender" || code=$?
  kill "$watcher" 2>/dev/null
  [ ! -e "$SYNC/saved" ] || code=1
  if [ "$code" -ne 0 ]; then step "image $2" refuse "$code" "$(cat "$SYNC/err" "$SYNC/out")"; fi
  result image "\"id\":\"$1\",\"sent\":true,\"bytes\":$bytes,\"ms\":$(($(now_ms) - from))"
}

# How far it is, twice a second, from what the kernel says the sender has read; so it has a connection of its own.
watch_sender() {
  while sleep 0.5 >/dev/null 2>&1; do
    read -r _ done_bytes <"/proc/$1/io" 2>/dev/null || return
    result progress "\"what\":\"image $3\",\"bytes\":$done_bytes,\"of\":$2"
  done
}

# --- folders ---------------------------------------------------------------------------------------------------------------------

# The folder must still be the one that was copied before: a file system that is no longer mounted looks like an empty folder, and would empty the other.
same_folder() {
  [ -e "$3" ] || refuse 66 "$3 is not there" || return
  [ "$2" = folder ] || return 0
  [ -d "$3" ] || refuse 66 "$3 is no folder" || return
  found=$(stat -c %d:%i "$3")
  [ -e "$SYNC/place-$1" ] || echo "$found" >"$SYNC/place-$1"
  [ "$(cat "$SYNC/place-$1")" = "$found" ] || refuse 66 "$3 is not the folder it was at the pass before: is a file system no longer mounted?"
}

# The options that a pass and its proof have in common.
rsync_to_target() {
  ids=
  [ "$owners" = name ] || ids=--numeric-ids
  # shellcheck disable=SC2086 # one word or none
  RSYNC_PROTECT_ARGS=0 rsync -e "ssh -F $SYNC/ssh_config" -aHAX $ids --timeout=60 "$@" </dev/null
}

# Up to this much is read and compared as a whole at each pass after the first, the last one included: that is its own proof, and what it takes is known
# beforehand, from a memory that holds the data by then.
SMALL_BYTES=16777216
SMALL_FILES=1000

# mirror NUMBER KIND PATH OPTIONS…: one pass over one folder; prints what it did. Sets $compared: how many files it read on both hosts, none if it went by
# size and time.
mirror() {
  number=$1 kind=$2 path=$3
  shift 3
  from=$(now_ms)
  said=$(same_folder "$number" "$kind" "$path") || step "$path" refuse $? "$said"
  slash=
  [ "$kind" = file ] || slash=/
  read -r features <"$SYNC/features" || features=
  whole=
  [ ! -e "$SYNC/small-$number" ] || whole=-c
  # What changes from two seconds before this pass on is compared byte by byte in the final one.
  [ "$FINAL" = yes ] || touch -d "@$(($(date +%s) - 2))" "$SYNC/marker-$number.new"
  # shellcheck disable=SC2086 # features are several words
  rsync_to_target --delete --stats $whole $features "$@" "$path$slash" "target:$number" >"$SYNC/out-$number" 2>"$SYNC/err-$number" &
  sender=$!
  watcher=
  if [ "$FINAL" = no ]; then watch_mirror "$sender" "$number" "$path" & watcher=$!; fi
  code=0
  wait "$sender" || code=$?
  [ -z "$watcher" ] || kill "$watcher" 2>/dev/null
  # 24: files went while they were read, which a workload that runs may do.
  [ "$code" -ne 24 ] || [ "$FINAL" = yes ] || code=0
  [ "$code" -eq 0 ] || step "$path" refuse "$code" "$(tail -n 5 "$SYNC/err-$number")"
  [ "$FINAL" = yes ] || mv "$SYNC/marker-$number.new" "$SYNC/marker-$number"
  did=$(tr '\r' '\n' <"$SYNC/out-$number" | awk '
    function number(text) { gsub(/[^0-9]/, "", text); return text + 0 }
    /^Number of files:/ { split($0, part, "[:(]"); files = number(part[2]) }
    /^Number of (regular )?files transferred:/ { split($0, part, ":"); transferred = number(part[2]) }
    /^Number of deleted files:/ { split($0, part, "[:(]"); deleted = number(part[2]) }
    /^Total file size:/ { size = number($4) }
    /^Literal data:/ { literal = number($3) }
    /^Total bytes sent:/ { sent = number($4) }
    END { printf "\"files\":%.0f,\"transferred\":%.0f,\"deleted\":%.0f,\"size\":%.0f,\"changed\":%.0f,\"sent\":%.0f", files, transferred, deleted, size, literal, sent }')
  result pass "\"path\":$(quoted "$path"),$did,\"ms\":$(($(now_ms) - from))"
  files=${did#*\"files\":} size=${did#*\"size\":}
  files=${files%%,*} size=${size%%,*}
  compared=
  [ -z "$whole" ] || compared=$files
  if [ "$size" -le $SMALL_BYTES ] && [ "$files" -le $SMALL_FILES ]; then : >"$SYNC/small-$number"; else rm -f "$SYNC/small-$number"; fi
}

watch_mirror() {
  while sleep 0.5 >/dev/null 2>&1; do
    [ -d "/proc/$1" ] || return
    tail -c 200 "$SYNC/out-$2" | tr '\r' '\n' | awk -v path="$(quoted "$3")" '
      $2 ~ /%$/ {
        bytes = $1; gsub(/,/, "", bytes); percent = $2; sub(/%/, "", percent); rate = $3; left = $4; files = ""
        # Where it says how many are still to be looked at: to-chk=17/2000.
        if (match($0, /to-chk=[0-9]+\/[0-9]+/)) { split(substr($0, RSTART + 7, RLENGTH - 7), part, "/"); files = sprintf(",\"files\":%d,\"ofFiles\":%d", part[2] - part[1], part[2]) }
      }
      END { if (percent != "") printf "{\"result\":\"progress\",\"what\":%s,\"bytes\":%.0f,\"percent\":%d,\"rate\":\"%s\",\"left\":\"%s\"%s}\n", path, bytes, percent, rate, left, files }'
  done
}

# The whole list first, so that the rest of the way is known.
progress_option() { if [ "$(cat "$SYNC/progress")" = yes ]; then echo "--info=progress2 --no-h --no-i-r"; fi; }

# Passes while the workload runs, as often as wanted.
mirror_all() {
  FINAL=no
  # shellcheck disable=SC2046 # several words or none
  sync_folders | while IFS="$tab" read -r number kind owners path; do mirror "$number" "$kind" "$path" $(progress_option) || exit 1; done || exit 1
}

# The pass after the workload has stopped, and the proof: whatever was written since the pass before is read again on both hosts and compared.
mirror_finally() {
  [ -e "$STATE/fenced" ] || step final refuse 73 "the workload is still in service here"
  FINAL=yes
  sync_folders | while IFS="$tab" read -r number kind owners path; do
    mirror "$number" "$kind" "$path" || exit 1
    if [ -n "$compared" ]; then
      result proof "\"path\":$(quoted "$path"),\"compared\":$compared,\"repaired\":0,\"ms\":0"
    else
      prove "$number" "$kind" "$path" || exit 1
    fi
  done || exit 1
}

prove() {
  from=$(now_ms)
  if [ "$2" = file ]; then
    folder=$(dirname "$3")
    (cd "$folder" && printf '%s\0' "$(basename "$3")") >"$SYNC/written-$1"
  elif [ -e "$SYNC/marker-$1" ]; then
    (cd "$3" && find . -cnewer "$SYNC/marker-$1" -type f -print0) >"$SYNC/written-$1"
    folder=$3
  else
    (cd "$3" && find . -type f -print0) >"$SYNC/written-$1"
    folder=$3
  fi
  count=$(tr -cd '\000' <"$SYNC/written-$1" | wc -c)
  repaired=0
  if [ "$count" -gt 0 ]; then
    different=$(compare "$1" "$2" "$3" "$folder" -n) || step "proof of $3" refuse $? "$different"
    if [ -n "$different" ]; then
      repaired=$(printf '%s\n' "$different" | wc -l)
      compare "$1" "$2" "$3" "$folder" --stats >/dev/null || step "repair of $3" refuse 1 "$(tail -n 5 "$SYNC/err-$1")"
      different=$(compare "$1" "$2" "$3" "$folder" -n) || step "proof of $3" refuse $? "$different"
      [ -z "$different" ] || step "proof of $3" refuse 65 "still different on the other host: $(printf '%s' "$different" | head -n 5)"
    fi
  fi
  result proof "\"path\":$(quoted "$3"),\"compared\":$count,\"repaired\":$repaired,\"ms\":$(($(now_ms) - from))"
}

# compare NUMBER KIND PATH FOLDER OPTION: what differs in content or attributes among the files written since, one line each.
compare() {
  if [ "$2" = file ]; then
    rsync_to_target -c -i "$5" "$3" "target:$1" 2>"$SYNC/err-$1"
  else
    (cd "$4" && rsync_to_target -c -i "$5" --from0 --files-from="$SYNC/written-$1" . "target:$1" 2>"$SYNC/err-$1")
  fi
}
