# The commit of a cutover on the host the workload leaves: it never goes back by its own clock again, and goes on holding until it is told to let clients
# through. Should nobody tell it, it asks the other host what became of the change there when the hold's time is over (settle in revert.sh). The rendered
# part before it holds TOKEN and the texts onward_config (what it is to become) and ask_text (a script that prints what the other host says).
result() { printf '{"step":"hand over","exit":%d,"ms":0,"output":"%s"}\n' "$1" "$2"; }

take_lock 20 || { result 75 "another change of this host is under way"; exit 75; }
if [ "$(cat "$FOLDER/confirmed" 2>/dev/null)" = "$TOKEN" ] && [ ! -e "$FOLDER/checkpoint" ]; then
  result 0 ""
  exit 0
fi
if [ "$(cat "$FOLDER/checkpoint" 2>/dev/null)" != "$TOKEN" ]; then
  result 77 "the host has already gone back by itself"
  exit 77
fi
{ onward_config >"$FOLDER/onward.sh" && ask_text >"$FOLDER/ask.sh" && echo "$TOKEN" >"$FOLDER/handed"; } || { rm -f "$FOLDER/handed"; result 1 "it could not be stored in $FOLDER: is the disk full?"; exit 1; }
echo "$TOKEN" >"$FOLDER/confirmed"
rm -f "$FOLDER/checkpoint" "$FOLDER/checkpoint-boot"
result 0 ""
