# What apply, confirm, the revert on the host and the boot units have in common. The rendered part before it holds KEY, FOLDER and HOST.

# Takes everything of this migration off the host but what the configuration itself has undone: files, units, and the last one the host's folder.
remove_all() {
  if [ -d /run/systemd/system ]; then
    systemctl stop "migration-dashboard-watch@$KEY.service" 2>/dev/null
    for unit in migration-dashboard@ migration-dashboard-late@ migration-dashboard-watch@; do
      rm -f "/etc/systemd/system/multi-user.target.wants/$unit$KEY.service" "/etc/systemd/system/sysinit.target.wants/$unit$KEY.service"
    done
  fi
  rm -rf "$FOLDER"
  others=$(find "$HOST" -mindepth 1 -maxdepth 1 ! -name lock)
  if [ -z "$others" ]; then
    rm -f /etc/systemd/system/migration-dashboard@.service /etc/systemd/system/migration-dashboard-late@.service /etc/systemd/system/migration-dashboard-watch@.service
    rm -rf "$HOST"
  fi
  [ ! -d /run/systemd/system ] || systemctl daemon-reload
}
