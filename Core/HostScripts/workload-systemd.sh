# A systemd unit (UNIT). The fence is a condition in a drop-in of ours: as long as the file of the fence is there, nothing starts the unit, neither a
# boot nor a socket nor another unit, and putting up or taking down the fence needs no reload of systemd inside the hold.

drop_in() { echo "/etc/systemd/system/$UNIT.d/migration-dashboard-$KEY.conf"; }

# Before the hold, because a reload takes time.
kind_ready() {
  [ "$(systemctl show -p LoadState --value "$UNIT")" = loaded ] || refuse 66 "there is no unit $UNIT" || return
  [ ! -e "$(drop_in)" ] || return 0
  (umask 022 && mkdir -p "$(dirname "$(drop_in)")" && printf '[Unit]\nConditionPathExists=!%s/fenced\n' "$STATE" >"$(drop_in)") || return
  systemctl daemon-reload
}

kind_unready() { remove_drop_in; }

kind_fence() { kind_ready; }

kind_unfence() { :; }

# Sockets, timers and paths that would start it; those that are active are remembered, to be put back with it.
triggers() { systemctl show -p TriggeredBy --value "$UNIT" 2>/dev/null; }

kind_stop() {
  for trigger in $(triggers); do
    if systemctl is-active --quiet "$trigger"; then
      grep -qxF "$trigger" "$STATE/triggers" 2>/dev/null || echo "$trigger" >>"$STATE/triggers"
      systemctl stop "$trigger" || return
    fi
  done
  timeout "$(seconds_until "$1")" systemctl stop "$UNIT" || refuse 124 "unit $UNIT was told to stop and has not ended within $STOP_SECONDS s" || return
  case $(systemctl show -p ActiveState --value "$UNIT") in inactive | failed) ;; *) refuse 1 "unit $UNIT is not stopped" || return ;; esac
}

kind_start() {
  systemctl reset-failed "$UNIT" 2>/dev/null
  timeout "$START_SECONDS" systemctl start "$UNIT" || { kind_last_words; return 1; }
  # A condition that does not hold is no failure to systemctl.
  case $(systemctl show -p ActiveState --value "$UNIT") in active | activating | reloading) ;; *) kind_last_words; return 1 ;; esac
  start_triggers
}

start_triggers() {
  [ ! -e "$STATE/triggers" ] || while read -r trigger; do systemctl start "$trigger"; done <"$STATE/triggers"
  rm -f "$STATE/triggers"
}

kind_after_start() { :; }

# A stop that is still under way would be followed by nothing: start waits for it (systemctl start queues behind a stop job and replaces it).
kind_resume() {
  for _ in 1 2 3 4 5; do
    timeout 60 systemctl start "$UNIT" && break
    sleep 1
  done
  start_triggers
  systemctl is-active --quiet "$UNIT"
}

kind_kill() {
  for trigger in $(triggers); do systemctl stop "$trigger"; done
  timeout $((STOP_SECONDS + 20)) systemctl stop "$UNIT" || systemctl kill -s KILL "$UNIT"
}

kind_is_running() { systemctl is-active --quiet "$UNIT"; }

kind_parts() {
  printf '{"name":%s,"status":%s,"pid":%d,"enabled":%s}' "$(quoted "$UNIT")" "$(quoted "$(systemctl show -p ActiveState --value "$UNIT")")" \
    "$(systemctl show -p MainPID --value "$UNIT")" "$(quoted "$(systemctl is-enabled "$UNIT" 2>/dev/null)")"
}

kind_targets() { host_targets; }

kind_answers() { :; }

kind_is_alive() { case $(systemctl show -p ActiveState --value "$UNIT") in active | activating | reloading) ;; *) return 1 ;; esac; }

kind_last_words() { journalctl -q -n 5 -o cat -u "$UNIT" 2>/dev/null; }

kind_sockets() { host_sockets; }

# --- the preparation on the other host --------------------------------------------------------------------------------------------

# Nothing of that name may be in service there: it would be taken for the workload. The operator may have said that it may be replaced.
unit_is_idle() {
  kind_is_running || return 0
  [ ! -e "$STATE/fenced" ] && [ "$REPLACE" = no ] && refuse 73 "unit $UNIT already runs on this host, and would be stopped: stop it, or allow that it is replaced" && return 1
  kind_stop "$(($(now_ms) + STOP_SECONDS * 1000))"
}

# put_unit_file PATH: the text comes on the input; one that is there already is the host's own and stays.
put_unit_file() {
  [ ! -e "$1" ] || return 0
  (umask 022 && mkdir -p "$(dirname "$1")" && cat >"$1") && made "unit-file $1" && systemctl daemon-reload
}

# What it needs of the host and what no copy of the unit brings along.
unit_fits() {
  [ "$(systemctl show -p LoadState --value "$UNIT")" = loaded ] || refuse 66 "there is no unit $UNIT on this host: install what it belongs to first" || return
  program=$(systemctl show -p ExecStart --value "$UNIT" | sed -n 's/.*path=\([^ ;]*\).*/\1/p' | head -n 1)
  [ -z "$program" ] || [ -x "$program" ] || refuse 66 "$program, which $UNIT runs, is not on this host" || return
  user=$(systemctl show -p User --value "$UNIT")
  [ -z "$user" ] || id "$user" >/dev/null 2>&1 || refuse 66 "user $user, as which $UNIT runs, is not known on this host"
}

fence_unit() { fence && made "fence $UNIT"; }

# Starts with the host as on the first one; the fence keeps it down until it has moved.
enable_unit() {
  ! systemctl is-enabled --quiet "$UNIT" 2>/dev/null || return 0
  made "enabled $UNIT"
  systemctl enable --quiet "$UNIT"
}

kind_remove() {
  case $1 in
    enabled) systemctl disable --quiet "$2" ;;
    fence) remove_drop_in ;;
    unit-file) rm -f -- "$2" && systemctl daemon-reload ;;
  esac
}

# Our folder leaves the host, and the fence's file with it: where the unit was fenced it is simply not enabled from here on.
kind_retire() {
  if [ -e "$STATE/fenced" ]; then
    for unit in "$UNIT" $(triggers); do systemctl disable --quiet "$unit" 2>/dev/null; done
  fi
  remove_drop_in
}

remove_drop_in() {
  [ -e "$(drop_in)" ] || return 0
  rm -f "$(drop_in)"
  rmdir "$(dirname "$(drop_in)")" 2>/dev/null
  systemctl daemon-reload
}

# --- inspection ----------------------------------------------------------------------------------------------------------------------

inspect_unit() {
  command -v systemctl >/dev/null 2>&1 || step systemd refuse 69 "there is no systemd"
  result unit "\"load\":$(quoted "$(systemctl show -p LoadState --value "$UNIT")"),\"active\":$(quoted "$(systemctl show -p ActiveState --value "$UNIT")"),\"enabled\":$(quoted "$(systemctl is-enabled "$UNIT" 2>/dev/null)"),\"environmentFiles\":$(quoted "$(systemctl show -p EnvironmentFiles --value "$UNIT" | sed 's/ (.*//')"),\"triggeredBy\":$(quoted "$(triggers)")"
  for path in $(systemctl show -p FragmentPath -p DropInPaths --value "$UNIT"); do
    # Files of packages come with the package.
    case $path in
      "$(drop_in)") ;;
      /etc/systemd/system/*) result file "\"path\":$(quoted "$path"),\"text\":$(quoted "$(cat "$path")")" ;;
    esac
  done
  inspect_folders
}
