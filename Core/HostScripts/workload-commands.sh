# The operator's own commands: START_COMMAND, STOP_COMMAND, HEALTH_COMMAND, each run by `sh -c`. What they start may start by itself again after a reboot:
# only they know how to prevent it.

# A process that a command leaves behind must not keep this session's output open, nor end with the unit that a revert runs in.
run_command() {
  if [ -d /run/systemd/system ]; then
    timeout "$1" systemd-run --quiet --collect --scope /bin/sh -c "$2" >"$STATE/said" 2>&1 </dev/null 9>&-
  else
    timeout "$1" setsid /bin/sh -c "$2" >"$STATE/said" 2>&1 </dev/null 9>&-
  fi
  code=$?
  head -c 4000 "$STATE/said"
  return $code
}

kind_ready() { :; }

kind_unready() { :; }

kind_fence() { :; }

kind_unfence() { :; }

kind_stop() {
  run_command "$(seconds_until "$1")" "$STOP_COMMAND" || return
  ! kind_is_running || refuse 1 "it still answers after the command to stop it" || return
}

kind_start() { run_command "$START_SECONDS" "$START_COMMAND"; }

kind_after_start() { :; }

kind_resume() { kind_start; }

kind_kill() { run_command "$((STOP_SECONDS + 20))" "$STOP_COMMAND"; }

kind_is_running() {
  if [ -n "$HEALTH_COMMAND" ]; then
    timeout 10 sh -c "$HEALTH_COMMAND" >/dev/null 2>&1
  else
    host_targets | while read -r target; do
      # shellcheck disable=SC2086 # several words
      any_open $target || exit 1
    done
  fi
}

# any_open CLIENT-PORT ADDRESS PORT…: a listener, by the kernel's own list; no connection is made.
any_open() {
  awk -v port="$(printf ':%04X' "$1")" '$4 == "0A" && substr($2, length($2) - 4) == port { found = 1 } END { exit !found }' /proc/net/tcp /proc/net/tcp6 2>/dev/null
}

kind_parts() { printf '{"name":"commands"}'; }

kind_targets() { host_targets; }

kind_answers() { [ -z "$HEALTH_COMMAND" ] || timeout 10 sh -c "$HEALTH_COMMAND" 2>&1 || refuse 1 "the health command fails"; }

kind_is_alive() { :; }

kind_last_words() { :; }

kind_sockets() { host_sockets; }

kind_remove() { :; }

kind_retire() { :; }
