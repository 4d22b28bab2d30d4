# The way back, run on the host itself when a change was not confirmed in time. $1 is the token of the checkpoint it belongs to.
armed() { [ "$(cat "$FOLDER/checkpoint" 2>/dev/null)" = "$1" ]; }

armed "$1" || exit 0
take_lock 600 || exit 75
armed "$1" || exit 0
revert_first >"$FOLDER/revert.log" 2>&1 9>&-
code=0
# Should a step fail, everything that can be put back is.
sh "$FOLDER/previous.sh" "${2:-set}" >>"$FOLDER/revert.log" 2>&1 9>&- || { code=1; sh "$FOLDER/previous.sh" late >>"$FOLDER/revert.log" 2>&1 9>&-; }
revert_last >>"$FOLDER/revert.log" 2>&1 9>&-
rm -f "$FOLDER/checkpoint" "$FOLDER/next.sh" "$FOLDER/previous-empty" "$FOLDER/checkpoint-boot"
echo "reverted $1" >"$FOLDER/outcome"
# After a failure the files stay, so that it can be seen and tried again.
if [ "$PREVIOUS_EMPTY" = yes ] && [ "$code" = 0 ]; then remove_all; else mv "$FOLDER/previous.sh" "$FOLDER/current.sh" && sh "$FOLDER/current.sh" remember; fi
exit "$code"
