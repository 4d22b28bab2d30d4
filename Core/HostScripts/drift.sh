# Tells whether what is ours on this host is still as it was applied. The rendered part before it holds HOST, KEYS (of the migrations on it), EVERY and
# LIFE (seconds). Prints a line when that changes, and an empty object each round, which ends it when nobody listens any more.
# It takes no lock: a hold must never wait for somebody who only looks.

look() {
  [ -e "$FOLDER/current.sh" ] || { echo missing; return; }
  # A change is under way or waits for its confirmation: its own run sees to it.
  if [ -e "$FOLDER/checkpoint" ] || [ -e "$FOLDER/handed" ] || [ ! -e "$FOLDER/applied-state" ] || ! (flock -n 9) 9<"$HOST/lock"; then echo busy; return; fi
  is=$(sh "$FOLDER/current.sh" state)
  if [ "$is" = "$(cat "$FOLDER/applied-state" 2>/dev/null)" ]; then echo same; else printf 'differs\n%s\n' "$is"; fi
}

clock
end=$((ms + LIFE * 1000))
while clock && [ "$ms" -lt "$end" ]; do
  for key in $KEYS; do
    FOLDER=$HOST/$key
    found=$(look)
    eval "before=\${seen_$key-} told=\${told_$key-}"
    [ "$found" != busy ] || continue
    eval "seen_$key=\$found"
    # Said of what two looks agree on: one may fall into a change.
    # shellcheck disable=SC2154
    if [ "$found" != "$before" ] || [ "$found" = "$told" ]; then continue; fi
    eval "told_$key=\$found"
    case $found in
      differs*) printf '{"key":"%s","found":"differs","was":"%s","is":"%s"}\n' "$key" "$(json_text <"$FOLDER/applied-state")" "$(printf '%s\n' "$found" | sed 1d | json_text)" ;;
      *) printf '{"key":"%s","found":"%s"}\n' "$key" "$found" ;;
    esac
  done
  echo '{}'
  sleep "$EVERY"
done
