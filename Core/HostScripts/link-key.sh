# Makes the key and the certificate of this host's end of the link, unless they are there, and prints the certificate's fingerprint. The key never
# leaves the host.
fail() {
  printf '{"step":"link-key","exit":%d,"ms":0,"output":"%s"}\n' "$1" "$2"
  exit "$1"
}

take_lock 20 || fail 75 "another change of this host is under way"
command -v openssl >/dev/null 2>&1 || { leave; fail 1 "openssl is not installed"; }
mkdir -p "$FOLDER/link"
cd "$FOLDER/link" || fail 1 "the folder could not be made"
if [ ! -s key.pem ] || [ ! -s certificate.pem ]; then
  # The words that old versions of openssl know as well; ten years, because with --peer-fingerprint nobody asks for the date.
  openssl ecparam -name prime256v1 -genkey -noout -out key.next 2>/dev/null || fail 1 "the key could not be made"
  openssl req -new -x509 -sha256 -key key.next -days 3650 -subj "/CN=migration-dashboard-$KEY" -out certificate.next 2>/dev/null || fail 1 "the certificate could not be made"
  mv key.next key.pem
  mv certificate.next certificate.pem
fi
printf '{"step":"link-key","exit":0,"ms":0,"output":"%s"}\n' "$(openssl x509 -in certificate.pem -noout -fingerprint -sha256 | cut -d= -f2)"
