# Tries the dead man's switch as every change of this host will use it, on something harmless: a file that is taken away again unless somebody confirms, which
# nobody does. The rendered part before it holds KEY.
place=/run/migration-dashboard-selftest-$KEY
rm -rf "$place"
trap 'rm -rf "$place"' EXIT
# Who listened may be gone by the end: what is here goes all the same.
trap : PIPE
trap 'exit 1' HUP TERM
mkdir -m 0700 "$place" || exit 1
: >"$place/changed"
# shellcheck disable=SC2016 # expanded by the script itself
echo 'rm -f "$1/changed"' >"$place/revert.sh"
clock
from=$ms
said=$(arm "migration-dashboard-selftest-$KEY" 1 "$place/revert.sh" "$place" 2>&1) || { printf '{"reverted":false,"ms":0,"problem":"it could not be armed: %s"}\n' "$(printf '%s' "$said" | json_text)"; exit 0; }
while [ -e "$place/changed" ] && clock && [ $((ms - from)) -lt 8000 ]; do sleep 0.05; done
clock
if [ -e "$place/changed" ]; then
  printf '{"reverted":false,"ms":%d,"problem":"armed for one second, it had not reverted after eight"}\n' "$((ms - from))"
else
  printf '{"reverted":true,"ms":%d,"problem":""}\n' "$((ms - from))"
fi
