# Docker containers: one (CONTAINER) or all of a Compose project (PROJECT), whose order of creation is the order in which they start.

names() {
  if [ -n "$PROJECT" ]; then
    timeout 20 docker ps -a --filter "label=com.docker.compose.project=$PROJECT" --filter label=com.docker.compose.oneoff=False --format '{{.Names}}' | reversed
  else
    echo "$CONTAINER"
  fi
}

some_are_there() { [ -n "$(names)" ] || refuse 66 "there is no container of project $PROJECT, or Docker does not answer"; }

# Status, process, restart policy, stop signal, whether it removes itself.
facts() {
  timeout 20 docker inspect --type container --format \
    '{{.State.Status}} {{.State.Pid}} {{with .HostConfig.RestartPolicy.Name}}{{.}}{{else}}no{{end}}:{{.HostConfig.RestartPolicy.MaximumRetryCount}} {{with .Config.StopSignal}}{{.}}{{else}}SIGTERM{{end}} {{.HostConfig.AutoRemove}}' "$1" 2>/dev/null
}

# Only on-failure may carry a number, and none of ours is refused by an older Docker.
policy_word() { case $1 in on-failure:0) echo on-failure ;; on-failure:*) echo "$1" ;; *) echo "${1%%:*}" ;; esac; }

# Docker itself must not start it again: not after a crash, not after a reboot.
kind_fence() {
  some_are_there || return
  for name in $(names); do
    said=$(facts "$name") || refuse 66 "there is no container $name, or Docker does not answer" || return
    echo "$said" >"$STATE/seen-$name"
    read -r _ _ policy _ auto_remove <"$STATE/seen-$name"
    [ "$auto_remove" = false ] || refuse 78 "container $name removes itself when it stops (--rm): it could not be put back" || return
    [ -e "$STATE/policy-$name" ] || echo "$policy" >"$STATE/policy-$name"
    case $policy in no:*) ;; *) timeout 20 docker update --restart=no "$name" >/dev/null || return ;; esac
  done
}

kind_unfence() {
  for name in $(names); do
    [ -e "$STATE/policy-$name" ] || continue
    policy=$(policy_word "$(cat "$STATE/policy-$name")")
    [ "$policy" = no ] || timeout 20 docker update "--restart=$policy" "$name" >/dev/null || return
    rm -f "$STATE/policy-$name"
  done
}

# Its own stop signal and time to end, as `docker stop` does but without the kill at the end: a stop that is not graceful counts as failed.
kind_stop() {
  stop_deadline=$1
  for name in $(names | reversed); do
    # As the fence saw it a moment ago.
    read -r status pid _ signal _ <"$STATE/seen-$name" || return
    case $status in
      exited | created | dead) rm -f "$STATE/stopping-$name" "$STATE/seen-$name"; continue ;;
      paused) timeout 20 docker unpause "$name" >/dev/null || return ;;
    esac
    : >"$STATE/stopping-$name"
    timeout 20 docker kill --signal="$signal" "$name" >/dev/null || [ ! -d "/proc/$pid" ] || return
    timeout "$(seconds_until "$stop_deadline")" docker wait "$name" >/dev/null ||
      refuse 124 "container $name was told to stop ($signal) and has not ended within $STOP_SECONDS s" || return
    [ ! -d "/proc/$pid" ] || refuse 1 "process $pid of container $name is still there" || return
    rm -f "$STATE/stopping-$name" "$STATE/seen-$name"
  done
}

kind_start() {
  some_are_there || return
  for name in $(names); do
    timeout "$START_SECONDS" docker start "$name" >/dev/null || return
  done
}

# The policy is put back once it is up: before, a restart of Docker could start it on its own.
kind_after_start() { kind_unfence; }

kind_answers() { :; }

# Before the hold: that it can be stopped and put back.
kind_ready() {
  some_are_there || return
  for name in $(names); do
    said=$(facts "$name") || refuse 66 "there is no container $name, or Docker does not answer" || return
    case $said in *" true") refuse 78 "container $name removes itself when it stops (--rm): it could not be put back" || return ;; esac
  done
}

kind_unready() { :; }

kind_resume() {
  outcome=0
  for name in $(names); do
    running=$(facts "$name" | cut -d' ' -f1)
    # Docker may still be starting after a reboot; the network it needs may come a moment later.
    for _ in 1 2 3 4 5; do
      timeout 30 docker start "$name" && break
      sleep 1
    done || outcome=1
    # Told to stop and not ended yet: whenever it ends, it is started again.
    if [ "$running" = running ] && [ -e "$STATE/stopping-$name" ]; then detached start_when_it_ends "$name"; fi
    rm -f "$STATE/stopping-$name"
  done
  kind_unfence || outcome=1
  return $outcome
}

# A revert runs in a unit of its own, and systemd ends what a unit leaves behind: this outlives it.
detached() {
  # shellcheck disable=SC2016 # expanded by the inner shell
  text='timeout 600 docker wait "$1"; [ -e "$2/fenced" ] || docker start "$1"'
  if [ -d /run/systemd/system ]; then
    systemd-run --quiet --collect /bin/sh -c "$text" sh "$2" "$STATE"
  else
    setsid sh -c "$text" sh "$2" "$STATE" >/dev/null 2>&1 </dev/null 8>&- 9>&- &
  fi
}

kind_kill() {
  for name in $(names | reversed); do
    timeout $((STOP_SECONDS + 20)) docker stop -t "$STOP_SECONDS" "$name" || timeout 20 docker kill "$name"
  done
}

kind_is_running() {
  some=no
  for name in $(names); do
    some=yes
    [ "$(facts "$name" | cut -d' ' -f1)" = running ] || return 1
  done
  [ "$some" = yes ]
}

kind_parts() {
  comma=
  for name in $(names); do
    timeout 20 docker inspect --type container --format \
      '{"name":{{json .Name}},"id":{{json .Id}},"image":{{json .Image}},"status":{{json .State.Status}},"startedAt":{{json .State.StartedAt}},"exitCode":{{.State.ExitCode}},"restarts":{{.RestartCount}},"policy":{{json .HostConfig.RestartPolicy.Name}}}' "$name" 2>/dev/null |
      { read -r line && printf '%s%s' "$comma" "$line"; } && comma=,
  done
}

# For each TCP port how it is reached: at the container itself, then as published; both must answer, because Docker's proxy takes connections
# before the application does. Remembers the processes, so that the wait sees it end without asking Docker.
kind_targets() {
  : >"$STATE/pids"
  for name in $(names); do
    # shellcheck disable=SC2016 # Docker's own variables
    timeout 20 docker inspect --type container --format \
      '{{.State.Pid}} {{.HostConfig.NetworkMode}} {{with .NetworkSettings.Networks}}{{range .}}{{with .IPAddress}}{{.}}{{else}}-{{end}},{{end}}{{else}}-{{end}}{{range $port, $bindings := .NetworkSettings.Ports}}{{range $bindings}} {{$port}}={{.HostPort}}={{.HostIp}}{{end}}{{end}}' "$name" || return
  done >"$STATE/places"
  cut -d' ' -f1 "$STATE/places" >"$STATE/pids"
  for port in $PORTS; do
    case $port in */udp) continue ;; esac
    found=$(awk -v port="${port%/tcp}" '
      $2 == "host" { print port, "127.0.0.1", port; exit }
      {
        split($3, addresses, ",")
        for (i = 4; i <= NF; i++) {
          split($i, part, "=")
          if (part[1] !~ /\/tcp$/ || part[2] != port) continue
          inside = part[1]; sub(/\/tcp$/, "", inside)
          outside = part[3]
          if (outside == "" || outside == "0.0.0.0") outside = "127.0.0.1"
          if (outside == "::") continue
          if (addresses[1] != "-" && addresses[1] != "") print port, addresses[1], inside
          print port, outside, port
        }
      }' "$STATE/places")
    [ -n "$found" ] || refuse 78 "no container publishes port $port" || return
    echo "$found"
  done
}

kind_is_alive() {
  while read -r pid; do [ "$pid" != 0 ] && [ -d "/proc/$pid" ] || return 1; done <"$STATE/pids"
}

kind_last_words() {
  for name in $(names); do
    [ "$(facts "$name" | cut -d' ' -f1)" = running ] || { echo "$name"; timeout 5 docker logs --tail 5 "$name" 2>&1; }
  done
}

# A process of each container and the port the application listens on there.
kind_sockets() {
  for name in $(names); do
    # shellcheck disable=SC2016
    timeout 20 docker inspect --type container --format \
      '{{.State.Pid}} {{.HostConfig.NetworkMode}}{{range $port, $bindings := .HostConfig.PortBindings}}{{range $bindings}} {{$port}}={{.HostPort}}{{end}}{{end}}' "$name" 2>/dev/null
  done | awk -v ports="$PORTS" '
    BEGIN { n = split(ports, wanted, " "); for (i = 1; i <= n; i++) if (wanted[i] ~ /\/tcp$/) { sub(/\/tcp$/, "", wanted[i]); want[wanted[i]] = 1 } }
    $1 == 0 { next }
    $2 == "host" { for (port in want) print $1, port; next }
    { for (i = 3; i <= NF; i++) { split($i, part, "="); if (part[1] ~ /\/tcp$/ && part[2] in want) { sub(/\/tcp$/, "", part[1]); print $1, part[1] } } }'
}

# --- the preparation on the other host --------------------------------------------------------------------------------------------

# make KIND NAME docker …: makes a network or volume that is not there yet.
make() {
  ! timeout 20 docker "$1" inspect "$2" >/dev/null 2>&1 || return 0
  made "$1 $2"
  shift 2
  timeout 60 "$@" >/dev/null
}

# A volume that others filled is never replaced without being told to.
make_volume() {
  name=$1
  if mount=$(timeout 20 docker volume inspect --format '{{.Mountpoint}}' "$name" 2>/dev/null); then
    [ "$REPLACE" = yes ] || was_made "volume $name" || was_made "used $name" || [ -z "$(ls -A -- "$mount" 2>/dev/null)" ] ||
      refuse 73 "volume $name is there and holds data that the workload's own would replace: empty it, or allow that it is replaced" || return
    made "used $name"
  else
    shift
    made "volume $name"
    timeout 60 "$@" >/dev/null
  fi
}

image_is_there() { timeout 20 docker image inspect --format '{{.Id}}' "$1" 2>/dev/null || refuse 66 "image $1 is not there"; }

# make_container NAME POLICY HASH docker create …: created, not started, and fenced until it is. Another's container of that name is never removed: if the
# operator allows it, it is put aside under another name, and gets its own back when ours goes.
make_container() {
  name=$1 policy=$2 hash=$3
  shift 3
  if said=$(timeout 20 docker inspect --type container --format '{{.State.Status}}' "$name" 2>/dev/null); then
    if was_made "container $name"; then
      [ "$(cat "$STATE/created-$name" 2>/dev/null)" != "$hash" ] || return 0
    elif [ "$REPLACE" = yes ]; then
      case $said in
        created | exited | dead) ;;
        *) refuse 73 "container $name, which is not ours, is $said: stop it first" || return ;;
      esac
      made "aside $name"
      timeout 20 docker rename "$name" "$name.before-$KEY" || return
      said=
    else
      refuse 73 "a container $name is there that is not ours: remove it, or allow that it is replaced" || return
    fi
    case $said in
      '') ;;
      created | exited | dead) timeout 60 docker rm "$name" >/dev/null || return ;;
      *) refuse 73 "container $name is $said" || return ;;
    esac
  fi
  made "container $name"
  "$@" || return
  echo "$policy" >"$STATE/policy-$name"
  echo "$hash" >"$STATE/created-$name"
  : >"$STATE/fenced"
}

# Networks beyond the first: older Dockers take only one at creation.
connect_container() {
  name=$1 network=$2
  shift 2
  # shellcheck disable=SC2016
  ! timeout 20 docker inspect --type container --format '{{range $name, $_ := .NetworkSettings.Networks}}{{$name}}{{"\n"}}{{end}}' "$name" | grep -qxF -- "$network" || return 0
  timeout 60 docker network connect "$@" "$network" "$name"
}

kind_remove() {
  case $1 in
    aside) ! timeout 20 docker inspect --type container "$2.before-$KEY" >/dev/null 2>&1 || timeout 20 docker rename "$2.before-$KEY" "$2" ;;
    container) ! timeout 20 docker inspect --type container "$2" >/dev/null 2>&1 || timeout 60 docker rm -f "$2" >/dev/null ;;
    volume | network) ! timeout 20 docker "$1" inspect "$2" >/dev/null 2>&1 || timeout 60 docker "$1" rm "$2" >/dev/null ;;
    # Another container may use it by now.
    image) timeout 60 docker image rm "$2" >/dev/null 2>&1 || true ;;
  esac
}

# Nothing to take back: a stopped container without a restart policy stays stopped.
kind_retire() { :; }
