# Makes a change stay: the checkpoint is taken away, unless the host has already gone back by itself.
[ -d "$FOLDER" ] || { printf '{"step":"confirm","exit":77,"ms":0,"output":"the host has already gone back by itself"}\n'; exit 77; }
exec 9>"$HOST/lock"
flock -w 20 9 || { printf '{"step":"confirm","exit":75,"ms":0,"output":"another change of this host is under way"}\n'; exit 75; }
if [ "$(cat "$FOLDER/checkpoint" 2>/dev/null)" != "$TOKEN" ]; then
  printf '{"step":"confirm","exit":77,"ms":0,"output":"the host has already gone back by itself"}\n'
  exit 77
fi
rm -f "$FOLDER/checkpoint" "$FOLDER/revert.sh" "$FOLDER/previous.sh"
[ ! -d /run/systemd/system ] || systemctl --no-block stop "migration-dashboard-checkpoint-$KEY-$TOKEN.timer" 2>/dev/null
if [ "$REMOVE" = yes ]; then
  remove_all
  state=none
else
  state=$(cat "$FOLDER/applied")
fi
printf '{"step":"confirm","exit":0,"ms":0,"output":""}\n{"state":"%s"}\n' "$state"
