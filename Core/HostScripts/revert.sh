# The way back, run on the host itself when a change was not confirmed in time. $1 is the token of the checkpoint it belongs to.
armed() { [ "$(cat "$FOLDER/checkpoint" 2>/dev/null)" = "$1" ]; }

armed "$1" || exit 0
exec 8>"$HOST/lock"
flock 8
armed "$1" || exit 0
revert_first >"$FOLDER/revert.log" 2>&1 8>&-
sh "$FOLDER/previous.sh" "${2:-set}" >>"$FOLDER/revert.log" 2>&1 8>&- || sh "$FOLDER/previous.sh" late >>"$FOLDER/revert.log" 2>&1 8>&-
revert_last >>"$FOLDER/revert.log" 2>&1 8>&-
rm -f "$FOLDER/checkpoint" "$FOLDER/next.sh"
echo "reverted $1" >"$FOLDER/outcome"
if [ "$PREVIOUS_EMPTY" = yes ]; then remove_all; else mv "$FOLDER/previous.sh" "$FOLDER/current.sh"; fi
