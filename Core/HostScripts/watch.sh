# Puts back what the kernel drops when the link's interface goes down or away and returns: its routes, addresses and sysctls.
started=
ip -ts -o monitor link | while read -r line; do
  case $line in
    *" $LINK:"* | *" $LINK@"*) ;;
    *) continue ;;
  esac
  # One coming brings several events: those from before the last time we looked have been seen to.
  event=${line%%]*}
  # shellcheck disable=SC2003 # POSIX test cannot compare texts
  [ -z "$started" ] || expr "$event" \> "$started" >/dev/null || continue
  started="[$(date +%Y-%m-%dT%H:%M:%S.%6N)"
  # The subshell holds the lock, and what is started in it must not keep it.
  (flock 9 && sh "$FOLDER/current.sh" link 9>&-; exit $?) 9>"$HOST/lock" || true
done
