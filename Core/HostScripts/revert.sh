# The way back, run on the host itself when a change was not confirmed in time. $1 is the token of the checkpoint it belongs to.
armed() { [ "$(cat "$FOLDER/checkpoint" 2>/dev/null)" = "$1" ]; }
handed() { [ "$(cat "$FOLDER/handed" 2>/dev/null)" = "$1" ]; }

# The workload was handed over to the other host, and nobody has told this one since to let clients through: what the other host says decides ($word is
# stays or back). As long as it says nothing this one holds: the other might serve clients by now.
await_word() {
  tries=0
  while handed "$1" && [ "$tries" -lt 36000 ]; do
    tries=$((tries + 1))
    word=$(sh "$FOLDER/ask.sh" </dev/null 2>/dev/null)
    case $word in stays | back) return 0 ;; esac
    sleep 1
  done
  exit 0
}

armed "$1" || handed "$1" || exit 0
take_lock 600 || exit 75
if handed "$1"; then
  # Not while it waits for the answer: the dashboard that comes back must not wait for that.
  exec 9>&-
  await_word "$1"
  take_lock 600 || exit 75
  handed "$1" || exit 0
  if [ "$word" = stays ]; then
    mv "$FOLDER/onward.sh" "$FOLDER/current.sh"
    end_hand_over
    sh "$FOLDER/current.sh" set >"$FOLDER/settle.log" 2>&1 9>&- || exit 1
    start_late
    rm -f "$FOLDER/revert.sh" "$FOLDER/previous.sh" "$FOLDER/previous-empty" "$FOLDER/settle.log"
    exit 0
  fi
  end_hand_over
  rm -f "$FOLDER/confirmed"
else
  armed "$1" || exit 0
fi
revert_first >"$FOLDER/revert.log" 2>&1 9>&-
code=0
# Should a step fail, everything that can be put back is.
sh "$FOLDER/previous.sh" "${2:-set}" >>"$FOLDER/revert.log" 2>&1 9>&- || { code=1; sh "$FOLDER/previous.sh" late >>"$FOLDER/revert.log" 2>&1 9>&-; }
rm -f "$FOLDER/checkpoint" "$FOLDER/next.sh" "$FOLDER/previous-empty" "$FOLDER/checkpoint-boot"
echo "reverted $1" >"$FOLDER/outcome"
# After a failure the files stay, so that it can be seen and tried again.
if [ "$PREVIOUS_EMPTY" = yes ] && [ "$code" = 0 ]; then remove_all; else mv "$FOLDER/previous.sh" "$FOLDER/current.sh" && sh "$FOLDER/current.sh" remember; fi
# The end that has the key is the one that may have to ask the other what became of it: that is over now, or it still waits for the answer.
exec 9>&-
[ ! -e "/run/migration-dashboard-$KEY/source/key" ] || [ -e "$FOLDER/handed" ] || end_copy
exit "$code"
