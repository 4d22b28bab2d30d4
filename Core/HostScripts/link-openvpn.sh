# Makes this host's end of an OpenVPN tap. The rendered part before it holds MAC and the texts openvpn_conf, openvpn_unit and link_removal.

link_create() {
  command -v openvpn >/dev/null 2>&1 || { echo "openvpn is not installed"; return 1; }
  openvpn_is_new_enough || { echo "OpenVPN 2.6 or newer is needed, here is: $(openvpn --version 2>/dev/null | head -n 1 | cut -d' ' -f1,2)"; return 1; }
  if [ ! -s "$FOLDER/link/key.pem" ] || [ ! -s "$FOLDER/link/certificate.pem" ]; then echo "the link's key is not there: it has to be made first"; return 1; fi
  link_claim || return 1
  # Persistent, so that its routes and settings outlive an OpenVPN that is started again. One that runs does not notice a new interface.
  made=no
  [ -e "/sys/class/net/$LINK" ] || { openvpn_tap || return 1; made=yes; }
  ip link set dev "$LINK" mtu 1500 up || return 1
  openvpn_conf >"$FOLDER/link/next"
  if [ "$made" = no ] && cmp -s "$FOLDER/link/next" "$FOLDER/link/openvpn.conf" && tunnel_runs; then
    rm -f "$FOLDER/link/next"
    return 0
  fi
  mv "$FOLDER/link/next" "$FOLDER/link/openvpn.conf"
  openvpn_start
}

# --peer-fingerprint without a certificate authority came with 2.6 (Changes.rst).
openvpn_is_new_enough() { openvpn --version 2>/dev/null | awk 'NR == 1 { split($2, v, "."); ok = v[1] > 2 || (v[1] == 2 && v[2] >= 6) } END { exit !ok }'; }

openvpn_tap() { ip tuntap add dev "$LINK" mode tap && ip link set dev "$LINK" address "$MAC"; }

openvpn_start() {
  if [ -d /run/systemd/system ]; then
    unit=migration-dashboard-openvpn-$KEY.service
    openvpn_unit >"$FOLDER/link/unit"
    if ! cmp -s "$FOLDER/link/unit" "/etc/systemd/system/$unit"; then
      install -m 0644 "$FOLDER/link/unit" "/etc/systemd/system/$unit"
      mkdir -p /etc/systemd/system/multi-user.target.wants
      ln -sf "/etc/systemd/system/$unit" "/etc/systemd/system/multi-user.target.wants/$unit"
      systemctl daemon-reload
    fi
    rm -f "$FOLDER/link/unit"
    systemctl restart "$unit"
  else
    openvpn_stop
    openvpn --cd "$FOLDER/link" --config "$FOLDER/link/openvpn.conf" --writepid "$FOLDER/link/pid" --log "$FOLDER/link/openvpn.log" --daemon
  fi
}

tunnel_runs() {
  if [ -d /run/systemd/system ]; then systemctl --quiet is-active "migration-dashboard-openvpn-$KEY.service"; else openvpn_process; fi
}
