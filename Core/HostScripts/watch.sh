# Puts back what the kernel drops when the link's interface goes down or away and returns: its routes, addresses and sysctls.
ip -o monitor link | while read -r line; do
  case $line in
    *" $LINK:"* | *" $LINK@"*) ;;
    *) continue ;;
  esac
  [ ! -e "/sys/class/net/$LINK" ] || (flock 9 && sh "$FOLDER/current.sh" link 9>&-) 9>"$HOST/lock" || true
done
