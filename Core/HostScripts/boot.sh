# Run by the units after a reboot: $1 is early (before the network is up) or late (after Docker and the host's firewall have started, and again
# whenever Docker is restarted).
# The subshell holds the lock, and what is started in it must not keep it.
run() { (flock -w 60 9 && sh "$@" 9>&-; exit $?) 9>"$HOST/lock"; }

if [ -e "$FOLDER/checkpoint" ] && [ "$(cat "$FOLDER/checkpoint-boot" 2>/dev/null)" != "$(cat /proc/sys/kernel/random/boot_id)" ]; then
  # A change that was never confirmed does not survive a reboot.
  [ "$1" = early ] || exec sh "$FOLDER/revert.sh" "$(cat "$FOLDER/checkpoint")" late
  run "$FOLDER/previous.sh" early
else
  run "$FOLDER/current.sh" "$1"
fi
