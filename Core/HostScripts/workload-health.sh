# Is the workload up, asked on the host itself. HEALTH names the check, HEALTH_PORT the one port it is made at (empty: every TCP port), EXPECT and
# HEALTH_PATH its values. No tool is needed beyond sh but for the check that asks for one; connections are made by bash's /dev/tcp where bash is there.

if command -v bash >/dev/null 2>&1; then
  # shellcheck disable=SC2016 # expanded by bash
  tcp_open() { timeout 1 bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$1" "$2" 2>/dev/null; }
  # shellcheck disable=SC2016
  first_line() { timeout 2 bash -c 'exec 3<>"/dev/tcp/$0/$1" && IFS= read -r line <&3; printf "%s" "$line"' "$1" "$2" 2>/dev/null | tr -d '\r'; }
  # shellcheck disable=SC2016
  http_status() { timeout 3 bash -c 'exec 3<>"/dev/tcp/$0/$1" && printf "GET %s HTTP/1.0\r\nHost: localhost\r\nConnection: close\r\n\r\n" "$2" >&3 && read -r version status rest <&3; printf "%s" "$status"' "$1" "$2" "$3" 2>/dev/null | tr -d '\r'; }
else
  tcp_open() { nc -z -w 1 "$1" "$2" >/dev/null 2>&1 || timeout 1 nc "$1" "$2" </dev/null >/dev/null 2>&1; }
  first_line() { (sleep 2 | timeout 2 nc "$1" "$2" 2>/dev/null) | head -n 1 | tr -d '\r'; }
  http_status() { curl -s -o /dev/null -w '%{http_code}' --max-time 3 "http://$(bracketed "$1"):$2$3" 2>/dev/null; }
fi

bracketed() { case $1 in *:*) echo "[$1]" ;; *) echo "$1" ;; esac; }

https_status() { curl -sk -o /dev/null -w '%{http_code}' --max-time 3 "https://$(bracketed "$1"):$2$3" 2>/dev/null; }

tls_works() {
  if command -v openssl >/dev/null 2>&1; then
    timeout 3 openssl s_client -connect "$(bracketed "$1"):$2" </dev/null >/dev/null 2>&1
  else
    # 35 is curl's code for a failed handshake, 7 and 28 for no connection; whatever it says after the handshake does not matter.
    curl -sk -o /dev/null --max-time 3 "https://$(bracketed "$1"):$2/" >/dev/null 2>&1
    case $? in 35 | 7 | 28) return 1 ;; esac
  fi
}

# check_port ADDRESS PORT CLIENT-PORT: one port by its check; prints what is wrong.
check_port() {
  tcp_open "$1" "$2" || { echo "port $3: $1 port $2 takes no connection"; return 1; }
  [ -z "$HEALTH_PORT" ] || [ "$HEALTH_PORT" = "$3" ] || return 0
  case $HEALTH in
    banner)
      found=$(first_line "$1" "$2")
      case $found in "$EXPECT"*) ;; *) echo "port $3: the first line is '$found', '$EXPECT…' was expected"; return 1 ;; esac
      ;;
    http | https)
      found=$("${HEALTH}_status" "$1" "$2" "$HEALTH_PATH")
      [ "$found" = "$EXPECT" ] || { echo "port $3: the HTTP status is '$found', $EXPECT was expected"; return 1; }
      ;;
    tls) tls_works "$1" "$2" || { echo "port $3: no TLS handshake"; return 1; } ;;
  esac
}

# check_any CLIENT-PORT ADDRESS PORT [ADDRESS PORT]…: the port answers in one of these ways.
check_any() {
  client=$1
  shift
  said=
  while [ $# -ge 2 ]; do
    said=$(check_port "$1" "$2" "$client") && return 0
    shift 2
  done
  echo "$said"
  return 1
}

# Everything that must answer, until all of it does or the time is over.
wait_healthy() {
  from=$(now_ms)
  deadline=$((from + START_SECONDS * 1000))
  tries=0
  targets=$(kind_targets) || { echo "$targets"; return 1; }
  while :; do
    tries=$((tries + 1))
    if [ "$HEALTH" = command ]; then
      said=$(timeout "$(seconds_until "$deadline")" sh -c "$EXPECT" 2>&1) && break
      [ -n "$said" ] || said="the command fails"
    else
      said=$(kind_answers) && said=$(echo "$targets" | while read -r target; do
        # shellcheck disable=SC2086 # a target is several words
        [ -z "$target" ] || check_any $target || exit 1
      done) && break
    fi
    kind_is_alive || { echo "it has ended: $(kind_last_words)"; return 1; }
    [ "$(now_ms)" -lt "$deadline" ] || { echo "not healthy after $START_SECONDS s: $said"; return 124; }
    sleep 0.05
  done
  echo "healthy after $(($(now_ms) - from)) ms, $tries tries"
}
