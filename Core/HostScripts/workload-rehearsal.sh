# A rehearsal: the workload is started on the host it will move to, from a copy of its data and without any network, to see that it starts and how long it
# takes. The rendered part before it holds TRIAL (the name it goes by), ROOM (a folder for the copies), the functions copies_wanted (number, kind and path of
# each piece of data, one a line), create_trial, and health_text, which is run inside the trial's own network and so sees nothing but itself.

# What is written in the trial goes to a layer that is thrown away; the copy of the data stays as the last pass left it.
make_copies() {
  mkdir -p "$ROOM" || return
  copies_wanted | while IFS='	' read -r number kind path; do
    if [ "$kind" = file ]; then cp -a -- "$path" "$ROOM/$number" || exit 1; continue; fi
    mkdir -p "$ROOM/$number" "$ROOM/$number.upper" "$ROOM/$number.work" || exit 1
    chown --reference="$path" "$ROOM/$number.upper" && chmod --reference="$path" "$ROOM/$number.upper" || exit 1
    # A kernel without overlay, or a file system that cannot carry one: a whole copy then.
    mount -t overlay overlay -o "lowerdir=$path,upperdir=$ROOM/$number.upper,workdir=$ROOM/$number.work" "$ROOM/$number" 2>/dev/null || cp -a -- "$path/." "$ROOM/$number/" || exit 1
  done
}

tidy_up() {
  timeout 60 docker rm -f "$TRIAL" >/dev/null 2>&1
  copies_wanted | while IFS='	' read -r number _ _; do umount "$ROOM/$number" 2>/dev/null || true; done
  # Never into a layer that is still mounted: what is below it is the data.
  ! grep -qF " $ROOM/" /proc/mounts || { echo "a copy is still mounted below $ROOM"; return 1; }
  rm -rf "$ROOM"
}

trial_pid() { timeout 20 docker inspect --type container --format '{{.State.Pid}}' "$TRIAL"; }

try_start() { timeout "$START_SECONDS" docker start "$TRIAL" >/dev/null; }

try_health() {
  pid=$(trial_pid) || return
  [ "$pid" != 0 ] || { echo "it has ended: $(timeout 5 docker logs --tail 5 "$TRIAL" 2>&1)"; return 1; }
  health_text >"$ROOM/health.sh"
  # Its step says how long the check itself took; the start of a shell in another network is not the workload's.
  said=$(nsenter --target "$pid" --net sh "$ROOM/health.sh") || { echo "$said"; return 1; }
}

try_stop() {
  signal=$(timeout 20 docker inspect --type container --format '{{with .Config.StopSignal}}{{.}}{{else}}SIGTERM{{end}}' "$TRIAL")
  timeout 20 docker kill --signal="$signal" "$TRIAL" >/dev/null || return
  timeout "$STOP_SECONDS" docker wait "$TRIAL" >/dev/null || refuse 124 "it was told to stop ($signal) and has not ended within $STOP_SECONDS s"
}

measured() {
  clock
  measure_from=$ms
  step "$@"
  clock
  result took "\"what\":\"$1\",\"ms\":$((ms - measure_from))"
}

rehearse() {
  # Whoever listened may be gone by the end; what was begun is tidied up all the same.
  trap '' PIPE
  trap 'tidy_up >/dev/null 2>&1' EXIT
  tidy_up
  step copy make_copies
  step create create_trial
  measured start try_start
  measured health try_health
  measured stop try_stop
}
