# Writes down how the end is taken away, before it is made. An interface of that name that is not ours is left alone; an end made for another
# configuration goes first.
link_claim() {
  mkdir -p "$FOLDER/link"
  if [ -e "$FOLDER/link/remove.sh" ]; then
    link_removal | cmp -s - "$FOLDER/link/remove.sh" || sh "$FOLDER/link/remove.sh" || return 1
  elif [ -e "/sys/class/net/$LINK" ]; then
    echo "there is an interface $LINK already, and it is not ours"
    return 1
  fi
  link_removal >"$FOLDER/link/remove.sh"
}
