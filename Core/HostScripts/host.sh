# What apply, confirm, the revert on the host and the boot units have in common. The rendered part before it holds KEY, FOLDER and HOST.

# The SHA-256 of a file, in $hash. Inside a hold each process counts.
hash_of() {
  hash=$(sha256sum <"$1")
  hash=${hash%% *}
}

# One change of this host at a time. The last migration to leave takes the lock's file with it: whoever waited on that one asks again.
take_lock() {
  while :; do
    [ -d "$HOST" ] || { mkdir -p "$HOST" && chmod 0700 "$HOST"; } || return 1
    exec 9>"$HOST/lock"
    flock -w "$1" 9 || return 1
    # shellcheck disable=SC3013 # dash, bash and busybox have it
    [ ! "$HOST/lock" -ef /proc/self/fd/9 ] || return 0
  done
}

# arm NAME SECONDS SCRIPT ARGUMENT: has this host run a script by itself after so long, whatever becomes of whoever asked for it.
arm() {
  if [ -d /run/systemd/system ]; then
    systemd-run --quiet --collect --unit="$1" --on-active="$2" --timer-property=AccuracySec=100ms /bin/sh "$3" "$4" 9>&-
  else
    # shellcheck disable=SC2016
    setsid sh -c 'sleep "$1"; exec /bin/sh "$2" "$3"' sh "$2" "$3" "$4" >/dev/null 2>&1 9>&- </dev/null &
  fi
}

# Ends the checkpoint TOKEN: from here on this host does not go back by itself.
make_it_stay() {
  echo "$TOKEN" >"$FOLDER/confirmed"
  rm -f "$FOLDER/checkpoint" "$FOLDER/revert.sh" "$FOLDER/previous.sh" "$FOLDER/previous-empty" "$FOLDER/checkpoint-boot"
  disarm "$TOKEN"
}

# What becomes of a workload that this host has handed over is decided: it need not find out by itself any more.
end_hand_over() {
  [ -e "$FOLDER/handed" ] || return 0
  token=$(cat "$FOLDER/handed")
  rm -f "$FOLDER/handed" "$FOLDER/onward.sh" "$FOLDER/ask.sh"
  disarm "$token"
}

# The timer of a checkpoint is not needed any more; whatever it would start finds nothing to do.
disarm() {
  [ ! -d /run/systemd/system ] || systemctl --no-block stop "migration-dashboard-checkpoint-$KEY-$1.timer" 9>&- 2>/dev/null
  return 0
}

# From now on it is started again whenever Docker is (PartOf=), which puts back what Docker may have thrown out.
start_late() { [ ! -d /run/systemd/system ] || systemctl --no-block start "migration-dashboard-late@$KEY.service" 9>&- 2>/dev/null; }

# The last to leave takes away what migrations have in common.
leave() {
  rmdir "$FOLDER" 2>/dev/null
  [ -z "$(find "$HOST" -mindepth 1 -maxdepth 1 ! -name lock 2>/dev/null)" ] || return 0
  rm -f /etc/systemd/system/migration-dashboard@.service /etc/systemd/system/migration-dashboard-late@.service /etc/systemd/system/migration-dashboard-watch@.service
  # Whoever asks for the lock at this moment makes its file anew, and the folder is not empty.
  for try in 1 2 3 4 5; do rm -rf "$HOST" 2>/dev/null && break; done
}

# Ends whatever is still open here of a copy to or from the other host; where this is the end that holds the key, over there as well. Nobody else may be
# left to do it.
end_copy() {
  copy=/run/migration-dashboard-$KEY
  [ -d "$copy" ] || return 0
  if [ -e "$copy/source/key" ]; then
    timeout 10 ssh -F "$copy/source/ssh_config" target end </dev/null
    ssh -F "$copy/source/ssh_config" -O exit target
  fi
  if [ -d /run/systemd/system ]; then
    systemctl --no-block stop "migration-dashboard-sync-$KEY.service" "migration-dashboard-clean-source-$KEY.timer"
  elif [ -e "$copy/target/pid" ]; then
    kill "$(cat "$copy/target/pid")"
  fi
  rm -rf "$copy"
} 2>/dev/null

# Takes everything of this migration off the host but what the configuration itself has undone: files, units, and the last one the host's folder.
remove_all() {
  end_copy
  if [ -d /run/systemd/system ]; then
    # Not waited for: without the folder it does nothing, and systemd of a host with cgroup v1 may wait for it until the time limit.
    systemctl --no-block stop "migration-dashboard-watch@$KEY.service" "migration-dashboard-checkpoint-$KEY-*.timer" 2>/dev/null
    for unit in migration-dashboard@ migration-dashboard-late@ migration-dashboard-watch@; do
      rm -f "/etc/systemd/system/multi-user.target.wants/$unit$KEY.service" "/etc/systemd/system/sysinit.target.wants/$unit$KEY.service"
    done
  fi
  rm -rf "$FOLDER"
  leave
  if [ -d /run/systemd/system ]; then
    systemctl daemon-reload
    # Not waited for: after a reboot it is the late unit that runs this.
    systemctl reset-failed "migration-dashboard*@$KEY.service" 2>/dev/null
    systemctl --no-block stop "migration-dashboard@$KEY.service" "migration-dashboard-late@$KEY.service" 2>/dev/null
  fi
  return 0
}
