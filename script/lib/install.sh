# Installs what is missing on this computer: Debian packages by apt-get, and nothing twice. Sourced by the scripts beside this folder.

# install PACKAGE…: installs those that are not there.
install_packages() {
  missing=
  for package in "$@"; do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing="$missing $package"
  done
  [ -n "$missing" ] || return 0
  echo "Installing:$missing"
  if [ "$(id -u)" -eq 0 ]; then as_root=; else as_root=sudo; fi
  # The package lists may be too old, or not there at all on a fresh machine: one update, then another try.
  # shellcheck disable=SC2086 # words on purpose
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing >/dev/null 2>&1 || {
    $as_root apt-get update -q >/dev/null
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing
  }
}

# need_dotnet: the .NET SDK is not a Debian package, so it can only be asked for.
need_dotnet() {
  command -v dotnet >/dev/null 2>&1 || { echo "The .NET 10 SDK is needed: https://dotnet.microsoft.com/download" >&2; exit 1; }
}

# What the dashboard itself uses: ssh and its agent, its own PostgreSQL, dig.
# shellcheck disable=SC2034 # used by those who source this
SERVER_PACKAGES="openssh-client postgresql bind9-dnsutils util-linux"
