# Prints what is stored and what is found of this migration on the host: for drift, and for a node that takes a run over.
config=none
state=none
checkpoint=
confirmed=$(cat "$FOLDER/confirmed" 2>/dev/null)
[ ! -e "$FOLDER/checkpoint" ] || checkpoint=$(cat "$FOLDER/checkpoint")
if [ -e "$FOLDER/current.sh" ]; then
  config=$(sha256sum "$FOLDER/current.sh" | cut -d' ' -f1)
  state=$(sh "$FOLDER/current.sh" hash)
fi
printf '{"config":"%s","state":"%s","applied":"%s","checkpoint":"%s","confirmed":"%s"}\n' "$config" "$state" "$(cat "$FOLDER/applied" 2>/dev/null || echo none)" "$checkpoint" "$confirmed"
