# shellcheck shell=sh
# shellcheck disable=SC2034,SC2154  # the parts share names; script/lab reads them all
# What each command says about itself.

# lab_help COMMAND: the lines of that command, or of all.
lab_help() {
    _all=$(help_lines)
    if [ -n "$1" ] && printf '%s\n' "$_all" | grep -q "^  $1 "; then
        # A command's text runs to the next line that begins with a command.
        printf '%s\n' "$_all" | awk -v c="$1" '/^  [a-z]/ { on = ($1 == c) } on'
        return 0
    fi
    cat <<'TEXT'
usage: script/lab COMMAND

The lab is two Debian servers (old, new), a network of clients, an operator's computer (ops) and a DNS server, all on
this computer and in network namespaces of their own. It needs root. LAB_ID names it (default: lab); labs with other
names live beside it. LAB_STATE and LAB_CACHE say where disks and the base system are kept.

TEXT
    printf '%s\n' "$_all"
}

help_lines() {
    cat <<'TEXT'
  up [--old=V[,V]] [--new=V[,V]]
        Starts everything; the first time it builds the base system (about two minutes), later it takes seconds.
        V is iptables (no nft on that machine), ufw (its firewall enabled) or nodocker (Docker not installed).
  down
        Stops everything and deletes the disks; keys stay, so that a lab comes back as the same servers.
  status
        Machines, addresses, and what each port answers. Exit code 3 when the lab is down.
  env
        The same facts as NAME=value lines; as JSON they are in lab.json in the state folder.
  reboot HOST
        Switches HOST off and on: all that is not on its disk is lost, its network namespace included.
  shell HOST [COMMAND…]
        Root's shell, or one command, on old or new; needs no network.
  exec -- COMMAND…
        Runs a command of this computer on ops (192.0.2.10).
  client -- COMMAND…
        Runs it where the clients' addresses are (198.51.100.2 to .251, 2001:db8:100::2 to ::51).
  load ARGUMENTS…
        Runs the load generator there; `script/lab load -- --help` shows its arguments.
  publish PORT [LOCAL]
        Makes a port of ops reachable at 127.0.0.1:LOCAL on this computer until the lab goes down.
  cut LINK
        Pulls a cable: lan (between old and new), public (both servers'), old, new (the public one of that server).
  mend LINK
        Plugs it in again.
  far MS
        Moves half of the clients (198.51.100.128 to .251, 2001:db8:100::40 to ::51) far away: MS there and MS back.
  near
        Brings them back.
  drop-ssh HOST
        Drops SSH between ops and HOST on the way, open sessions included.
  allow-ssh HOST
        Lets it pass again.
  fill-disk HOST
        Fills HOST's disk to the last block.
  free-disk HOST
        Takes that away again.

There is no command to skew a clock: all machines share this computer's.
TEXT
}
