# The receiving end of the data's way: an sshd of our own, on the link's address only, with one key that may do two things. The host's own sshd, its
# configuration and everybody's authorized_keys stay as they are. The rendered part before it holds SYNC, KEY, LIFE, SOURCE_ADDRESS, TARGET_ADDRESS,
# PORT, PUBLIC_KEY, sync_paths (the path for each number, one a line) and gate_text.

listen() {
  command -v rsync >/dev/null 2>&1 || refuse 69 "rsync is not installed" || return
  sshd=$(command -v sshd) || refuse 69 "sshd is not installed" || return
  close_target
  mkdir -p "$(dirname "$SYNC")" && mkdir -m 0700 "$SYNC" || return
  for kind in ed25519 ecdsa rsa; do
    ! ssh-keygen -q -t $kind -N '' -C migration-dashboard -f "$SYNC/host_key" </dev/null 2>"$SYNC/err" || break
  done
  sync_paths >"$SYNC/paths"
  gate_text >"$SYNC/gate.sh"
  printf 'from="%s",no-pty,no-port-forwarding,no-agent-forwarding,no-X11-forwarding,no-user-rc,command="/bin/sh %s/gate.sh" %s\n' "$SOURCE_ADDRESS" "$SYNC" "$PUBLIC_KEY" >"$SYNC/authorized_keys"
  # An sshd without PAM refuses an account whose password is locked with an exclamation mark (sshd(8)); with PAM it does not ask.
  pam=no
  case $(awk -F: '$1 == "root" { print $2 }' /etc/shadow 2>/dev/null) in !*) pam=yes ;; esac
  cat >"$SYNC/sshd_config" <<EOF
Port $PORT
ListenAddress $TARGET_ADDRESS
HostKey $SYNC/host_key
PidFile none
AuthorizedKeysFile $SYNC/authorized_keys
UsePAM $pam
PermitRootLogin forced-commands-only
AllowUsers root
PubkeyAuthentication yes
PasswordAuthentication no
ChallengeResponseAuthentication no
X11Forwarding no
AllowTcpForwarding no
AllowAgentForwarding no
PermitTunnel no
PermitUserEnvironment no
PrintMotd no
UseDNS no
ClientAliveInterval 15
ClientAliveCountMax 4
EOF
  said=$("$sshd" -t -f "$SYNC/sshd_config" 2>&1)
  case $said in *"privilege separation directory: "*) mkdir -m 0755 /run/sshd ;; esac
  said=$("$sshd" -t -f "$SYNC/sshd_config" 2>&1) || refuse 1 "$said" || return
  ! port_is_taken || refuse 74 "port $PORT at $TARGET_ADDRESS is taken" || return
  if [ -d /run/systemd/system ]; then
    systemd-run --quiet --collect --unit="migration-dashboard-sync-$KEY" --property="RuntimeMaxSec=$LIFE" --property="ExecStopPost=/bin/sh -c 'rm -rf $SYNC; rmdir $(dirname "$SYNC")'" \
      /bin/sh -c "exec $sshd -D -e -f $SYNC/sshd_config" || return
  else
    # shellcheck disable=SC2016 # expanded by the inner shell
    setsid sh -c 'timeout "$1" "$2" -D -e -f "$3/sshd_config" & echo $! >"$3/pid"; wait; rm -rf "$3"; rmdir "${3%/*}"' sh "$LIFE" "$sshd" "$SYNC" >/dev/null 2>&1 </dev/null &
  fi
  tries=0
  until port_is_taken; do
    tries=$((tries + 1))
    [ $tries -lt 100 ] || refuse 1 "sshd did not come up: $(journalctl -q -n 5 -o cat -u "migration-dashboard-sync-$KEY" 2>/dev/null)" || return
    sleep 0.05
  done
}

port_is_taken() { ssh-keyscan -T 1 -p "$PORT" "$TARGET_ADDRESS" 2>/dev/null | grep -q .; }

print_host_key() { result listening "\"hostKey\":$(quoted "$(cut -d' ' -f1,2 "$SYNC/host_key.pub")"),\"port\":$PORT"; }

close_target() {
  if [ -d /run/systemd/system ]; then
    systemctl stop "migration-dashboard-sync-$KEY.service" 2>/dev/null
  elif [ -e "$SYNC/pid" ]; then
    kill "$(cat "$SYNC/pid")" 2>/dev/null
  fi
  rm -rf "$SYNC"
  rmdir "$(dirname "$SYNC")" 2>/dev/null || true
}
