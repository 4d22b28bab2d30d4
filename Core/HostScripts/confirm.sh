# Makes a change stay: the checkpoint is taken away, unless the host has already gone back by itself.
result() { printf '{"step":"confirm","exit":%d,"ms":0,"output":"%s"}\n' "$1" "$2"; }

[ -d "$FOLDER" ] || { result 77 "the host has already gone back by itself"; exit 77; }
take_lock 20 || { result 75 "another change of this host is under way"; exit 75; }
if [ "$(cat "$FOLDER/checkpoint" 2>/dev/null)" != "$TOKEN" ]; then
  result 77 "the host has already gone back by itself"
  leave
  exit 77
fi
rm -f "$FOLDER/checkpoint" "$FOLDER/revert.sh" "$FOLDER/previous.sh" "$FOLDER/previous-empty"
[ ! -d /run/systemd/system ] || systemctl --no-block stop "migration-dashboard-checkpoint-$KEY-$TOKEN.timer" 2>/dev/null
if [ "$REMOVE" = yes ]; then
  remove_all
  state=none
else
  state=$(cat "$FOLDER/applied")
fi
result 0 ""
printf '{"state":"%s"}\n' "$state"
