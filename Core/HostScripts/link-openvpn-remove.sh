# Takes this host's end of the OpenVPN tap away. The rendered part before it holds KEY, FOLDER and LINK.
if [ -d /run/systemd/system ]; then
  unit=migration-dashboard-openvpn-$KEY.service
  systemctl stop "$unit" 2>/dev/null
  rm -f "/etc/systemd/system/$unit" "/etc/systemd/system/multi-user.target.wants/$unit"
  systemctl daemon-reload
  systemctl reset-failed "$unit" 2>/dev/null
else
  openvpn_stop
fi
rm -f "$FOLDER/link/openvpn.conf" "$FOLDER/link/openvpn.log"
[ ! -e "/sys/class/net/$LINK" ] || ip link del dev "$LINK"
