# Run by the units after a reboot: $1 is early (before the network is up) or late (after Docker and the host's firewall have started).
if [ -e "$FOLDER/checkpoint" ]; then
  # A change that was never confirmed does not survive a reboot.
  [ "$1" = early ] || exec sh "$FOLDER/revert.sh" "$(cat "$FOLDER/checkpoint")" late
  exec sh "$FOLDER/previous.sh" early
fi
exec sh "$FOLDER/current.sh" "$1"
