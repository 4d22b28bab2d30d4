# Makes this host's end of a VXLAN. The rendered part before it holds MAC, VXLAN (what follows `ip link add …`) and the text link_removal.

link_create() {
  link_claim || return 1
  if [ -e "/sys/class/net/$LINK" ] && [ "$(cat "$FOLDER/link/vxlan" 2>/dev/null)" != "$VXLAN" ]; then ip link del dev "$LINK" || return 1; fi
  # shellcheck disable=SC2086 # several words, rendered from validated values
  [ -e "/sys/class/net/$LINK" ] || ip link add "$LINK" address "$MAC" type vxlan $VXLAN || return 1
  echo "$VXLAN" >"$FOLDER/link/vxlan"
  ip link set dev "$LINK" up
}

tunnel_runs() { [ "$(cat "$FOLDER/link/vxlan" 2>/dev/null)" = "$VXLAN" ]; }
