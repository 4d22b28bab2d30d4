# How every script reports: one line of JSON a step. BEST_EFFORT=yes goes on after a failed step.

json_text() { tr -d '\000-\010\013-\037' | sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/	/\\t/g' | awk 'NR > 1 { printf "\\n" } { printf "%s", $0 }'; }

# Milliseconds since the system was started, in steps of ten: read by the shell itself, because inside a hold each process counts.
clock() {
  read -r uptime _ </proc/uptime
  ms=$((${uptime%.*} * 1000 + 1${uptime#*.} * 10 - 1000))
}

now_ms() { clock && echo "$ms"; }

# Runs one step and prints its outcome as a line of JSON; a failed step ends the script, except after a reboot, when as much as can be is set.
step() {
  step_name=$1
  shift
  clock
  step_from=$ms
  step_code=0
  step_text=$("$@" 2>&1) || step_code=$?
  [ -z "$step_text" ] || step_text=$(printf '%s' "$step_text" | json_text)
  # A path may hold what would end the text.
  case $step_name in *[\\\"]*) step_name=$(printf '%s' "$step_name" | json_text) ;; esac
  clock
  printf '{"step":"%s","exit":%d,"ms":%d,"output":"%s"}\n' "$step_name" "$step_code" "$((ms - step_from))" "$step_text"
  [ "$step_code" -eq 0 ] || [ "$BEST_EFFORT" = yes ] || exit 1
}
