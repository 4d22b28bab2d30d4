# Without systemd: the process whose number was written down, if it is still ours.
openvpn_process() {
  process=$(cat "$FOLDER/link/pid" 2>/dev/null) && [ -n "$process" ] && tr '\0' ' ' <"/proc/$process/cmdline" 2>/dev/null | grep -qF "$FOLDER/link/openvpn.conf"
}

openvpn_stop() {
  openvpn_process || return 0
  kill "$process" 2>/dev/null
  tries=0
  while openvpn_process && [ "$tries" -lt 50 ]; do sleep 0.1; tries=$((tries + 1)); done
  ! openvpn_process || kill -9 "$process" 2>/dev/null
  rm -f "$FOLDER/link/pid"
}
