# All that the key of a run may do on the receiving host: write into the folders of this migration by rsync, load one image, ask what became of the
# run's change, and end all this. The rendered part before it holds SYNC, STATE and FOLDER. What the other end asks for is taken word by word and never given to a shell;
# it names folders by number only.
set -fu
export LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

deny() {
  echo "not allowed: $1" >&2
  exit 126
}

image_id() {
  case $1 in sha256:*) ;; *) deny "$1" ;; esac
  case ${1#sha256:} in '' | *[!0-9a-f]*) deny "$1" ;; esac
}

# shellcheck disable=SC2086 # its words
set -- ${SSH_ORIGINAL_COMMAND:-}
case "${1:-} ${2:-}" in
  "rsync --version") exec rsync --version ;;
  "rsync --server") ;;
  "image "*)
    image_id "$2"
    exec docker image inspect --format '{{.Id}}' "$2"
    ;;
  "load "*)
    image_id "$2"
    timeout 3600 docker load -q || exit
    grep -qxF "image $2" "$STATE/made" 2>/dev/null || { mkdir -p "$STATE" && echo "image $2" >>"$STATE/made"; }
    exit
    ;;
  "state "*)
    case $2 in '' | *[!0-9A-Za-z]*) deny "$2" ;; esac
    if [ -e "$FOLDER/checkpoint" ]; then
      echo waits
    elif [ "$(cat "$FOLDER/confirmed" 2>/dev/null)" = "$2" ]; then
      echo stays
    elif [ "$(cat "$FOLDER/outcome" 2>/dev/null)" = "reverted $2" ]; then
      echo back
    fi
    exit
    ;;
  "end ")
    # Not waited for: this very connection ends with it.
    if [ -d /run/systemd/system ]; then
      systemctl --no-block stop "migration-dashboard-sync-${FOLDER##*/}.service"
    else
      kill "$(cat "$SYNC/pid")"
    fi
    exit
    ;;
  *) deny "${1:-a shell}" ;;
esac

shift 2
words=
while [ $# -gt 2 ]; do
  case $1 in
    --delete | --delete-during | --delete-before | --delete-after | --delete-delay | --numeric-ids | --inplace | --from0 | --files-from=- | --modify-window=-1 | --stats) ;;
    --timeout=* | --log-format=* | --info=* | --debug=* | --checksum-choice=* | --out-format=*)
      case $1 in *[!A-Za-z0-9=%,.-]*) deny "$1" ;; esac
      ;;
    --*) deny "$1" ;;
    -*)
      # Letters of archive mode, checksums and dry runs; after the e come those that only say what the client can do. Not among them: -K, which follows
      # links out of the folder, and -s, which would hide the rest of the words.
      letters=${1#-}
      letters=${letters%%e.*}
      case $letters in *[!vnlogDtprHAXScWRxi@1-]*) deny "$1" ;; esac
      case $1 in *[!A-Za-z0-9.@-]*) deny "$1" ;; esac
      ;;
    *) deny "$1" ;;
  esac
  words="$words $1"
  shift
done
[ $# -eq 2 ] || deny "$*"
[ "$1" = . ] || deny "$1"
case $2 in '' | *[!0-9]*) deny "$2" ;; esac
path=$(sed -n "${2}p" "$SYNC/paths")
[ -n "$path" ] || deny "folder $2"
# shellcheck disable=SC2086 # checked words
exec rsync --server $words . "$path"
