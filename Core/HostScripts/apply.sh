# Changes a host from one configuration to the next with a way back. The rendered part before it holds KEY, FOLDER, HOST, EXPECTED (hash of
# the stored configuration the plan was made against, or "none"), CHECKPOINT (seconds, 0 for none, "keep" to leave an armed one), COMMIT (yes: this
# change is made to stay in the same go), PACE (set; hold and release within a cutover), TOKEN, and the texts new_config,
# empty_config, revert_text, boot_text, watch_text and unit_…. See ApplyScript.cs.

# What has begun is done to the end, also when nobody is left to hear of it: half a change is neither the one configuration nor the other.
trap '' PIPE HUP

fail() {
  printf '{"step":"%s","exit":%d,"ms":0,"output":"%s"}\n' "$1" "$2" "$3"
  exit "$2"
}

[ -d "$HOST" ] || mkdir -p "$HOST" || fail folder 1 "$HOST could not be made: is the disk full?"
take_lock 20 || fail lock 75 "another change of this host is under way"
[ -d "$FOLDER" ] || mkdir -p "$FOLDER"

# The host must still be what the plan was made against.
found=none
[ ! -e "$FOLDER/current.sh" ] || { hash_of "$FOLDER/current.sh" && found=$hash; }
new_config >"$FOLDER/next.sh" || { rm -f "$FOLDER/next.sh"; leave; fail store 1 "the configuration could not be stored in $FOLDER: is the disk full?"; }
hash_of "$FOLDER/next.sh" && wanted=$hash

# Applied already, and nothing has changed since: nothing to do.
if [ "$found" = "$wanted" ] && [ "$FORCE" = no ] && [ "$CHECKPOINT" != keep ] && [ ! -e "$FOLDER/checkpoint" ] && [ "$(cat "$FOLDER/applied" 2>/dev/null)" = "$(sh "$FOLDER/current.sh" hash)" ]; then
  rm -f "$FOLDER/next.sh"
  printf '{"step":"unchanged","exit":0,"ms":0,"output":""}\n'
  printf '{"config":"%s","state":"%s"}\n' "$wanted" "$(cat "$FOLDER/applied")"
  exit 0
fi
if [ "$EXPECTED" != any ] && [ "$found" != "$EXPECTED" ] && [ "$found" != "$wanted" ]; then
  rm -f "$FOLDER/next.sh"
  leave
  fail expected 76 "the host no longer has the configuration that the plan was made against"
fi

# What a revert goes back to: the configuration of now, or none at all. While another checkpoint waits, the configuration of now is one that
# nobody has confirmed: then it is the one before that.
if [ "$CHECKPOINT" != keep ]; then
  previous_empty=no
  if [ -e "$FOLDER/checkpoint" ] && [ -e "$FOLDER/previous.sh" ]; then
    previous_empty=$(cat "$FOLDER/previous-empty")
  elif [ -e "$FOLDER/current.sh" ]; then
    cp "$FOLDER/current.sh" "$FOLDER/previous.sh"
  else
    empty_config >"$FOLDER/previous.sh"
    previous_empty=yes
  fi
  echo "$previous_empty" >"$FOLDER/previous-empty"
  { echo "KEY=$KEY FOLDER=$FOLDER HOST=$HOST PREVIOUS_EMPTY=$previous_empty"; revert_text; } >"$FOLDER/revert.next"
  # A new file: a host that was handed over may be in the midst of the one that is there.
  mv "$FOLDER/revert.next" "$FOLDER/revert.sh"
  rm -f "$FOLDER/outcome"
fi

# The dead man's switch: without a confirmation the host goes back by itself.
case $CHECKPOINT in
  0) rm -f "$FOLDER/checkpoint" ;;
  keep) [ "$(cat "$FOLDER/checkpoint" 2>/dev/null)" = "$TOKEN" ] || { rm -f "$FOLDER/next.sh"; fail checkpoint 77 "the host has already gone back by itself"; } ;;
  *)
    echo "$TOKEN" >"$FOLDER/checkpoint"
    cat /proc/sys/kernel/random/boot_id >"$FOLDER/checkpoint-boot"
    arm "migration-dashboard-checkpoint-$KEY-$TOKEN" "$CHECKPOINT" "$FOLDER/revert.sh" "$TOKEN" || { rm -f "$FOLDER/checkpoint" "$FOLDER/next.sh"; fail checkpoint 1 "the checkpoint could not be armed"; }
    printf '{"step":"checkpoint","exit":0,"ms":0,"output":"reverts in %s s unless confirmed"}\n' "$CHECKPOINT"
    ;;
esac

# What puts the configuration back after a reboot, and when the link returns. The later steps of a cutover find it there.
if [ -d /run/systemd/system ] && [ "$KEEP_FILES" = yes ] && [ "$CHECKPOINT" != keep ]; then
  boot_text >"$FOLDER/boot.sh"
  watching=start
  watch_text >"$FOLDER/watch.next"
  cmp -s "$FOLDER/watch.next" "$FOLDER/watch.sh" || watching=restart
  mv "$FOLDER/watch.next" "$FOLDER/watch.sh"
  changed=no
  for unit in migration-dashboard migration-dashboard-late migration-dashboard-watch; do
    "unit_$(echo "$unit" | tr - _)" >"$FOLDER/unit"
    cmp -s "$FOLDER/unit" "/etc/systemd/system/$unit@.service" || { install -m 0644 "$FOLDER/unit" "/etc/systemd/system/$unit@.service"; changed=yes; }
    wants="/etc/systemd/system/$([ "$unit" = migration-dashboard ] && echo sysinit || echo multi-user).target.wants"
    # The same link that `systemctl enable` makes, without its half second.
    mkdir -p "$wants"
    [ -L "$wants/$unit@$KEY.service" ] || { ln -s "/etc/systemd/system/$unit@.service" "$wants/$unit@$KEY.service"; changed=yes; }
  done
  rm -f "$FOLDER/unit"
  [ "$changed" = no ] || systemctl daemon-reload 9>&-
fi

was=
[ "$PACE" = set ] || was=$(sed -n "s/^PARTS='\(.*\)'$/\1/p" "$FOLDER/current.sh")
mv "$FOLDER/next.sh" "$FOLDER/current.sh"
[ "$COMMIT" = no ] || export STAYS="$TOKEN"
if ! sh "$FOLDER/current.sh" "$PACE" "$was" 9>&-; then
  [ "$CHECKPOINT" != keep ] || exit 1
  echo "$TOKEN" >"$FOLDER/checkpoint"
  exec 9>&-
  sh "$FOLDER/revert.sh" "$TOKEN" >/dev/null 2>&1 || fail reverted 1 "the revert failed as well: look at the host"
  fail reverted 1 "the step before failed; the host was put back as it was"
fi

# A hold finds it running.
if [ "$KEEP_FILES" = yes ] && [ "$WATCH" = yes ] && [ "$CHECKPOINT" != keep ] && [ "$PACE ${watching:-}" != "hold start" ] && [ -d /run/systemd/system ]; then
  systemctl --no-block "$watching" "migration-dashboard-watch@$KEY.service" 9>&- || true
fi

[ "$CHECKPOINT" != 0 ] || { end_hand_over; rm -f "$FOLDER/revert.sh" "$FOLDER/previous.sh" "$FOLDER/previous-empty"; }
[ "$COMMIT" = no ] || { make_it_stay; start_late; }
if [ "$KEEP_FILES" = no ] && [ "$CHECKPOINT" = 0 ]; then
  remove_all
  printf '{"config":"none","state":"none"}\n'
else
  printf '{"config":"%s","state":"%s"}\n' "$wanted" "$(cat "$FOLDER/applied")"
fi
