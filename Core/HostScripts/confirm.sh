# Makes a change stay: the checkpoint is taken away, unless the host has already gone back by itself.
result() { printf '{"step":"confirm","exit":%d,"ms":0,"output":"%s"}\n' "$1" "$2"; }

# Asked twice (the first answer got lost), it answers the same: nothing is left, or the token of the change that stays is written down.
gone() {
  [ "$REMOVE" = yes ] || { result 77 "the host has already gone back by itself"; exit 77; }
  result 0 ""
  echo '{"state":"none"}'
  exit 0
}

[ -d "$FOLDER" ] || gone
take_lock 20 || { result 75 "another change of this host is under way"; exit 75; }
# Whoever held the lock until now may have taken everything away.
[ -d "$FOLDER" ] || { leave; gone; }
if [ "$(cat "$FOLDER/confirmed" 2>/dev/null)" = "$TOKEN" ] && [ ! -e "$FOLDER/checkpoint" ]; then
  result 0 ""
  printf '{"state":"%s"}\n' "$(cat "$FOLDER/applied")"
  exit 0
fi
if [ "$(cat "$FOLDER/checkpoint" 2>/dev/null)" != "$TOKEN" ]; then
  result 77 "the host has already gone back by itself"
  leave
  exit 77
fi
make_it_stay
if [ "$REMOVE" = yes ]; then
  remove_all
  state=none
else
  state=$(cat "$FOLDER/applied")
  start_late
fi
result 0 ""
printf '{"state":"%s"}\n' "$state"
