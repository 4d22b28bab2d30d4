# Counts connections for ever, one line of JSON at a time. The rendered part before it holds the function "sampled", which prints
#   m KEY old|new nft|iptables NFT_TABLE CHAINS MARK   a migration; MARK is what forwarded connections are given, as iptables-save prints it
#   a KEY 4|6 PUBLIC PUBLIC_FULL PEER PEER_FULL        its addresses of one family; the second spelling is the one of /proc (IPv6 with all zeros)
#   p KEY tcp|udp PORT
# and LONGEST, TOP and MORE; READER, if set, is how connections are listed: proc, conntrack or ss. It ends when nobody reads it any more (a write fails) and after LONGEST seconds. It writes nothing on the host.

set -u
export LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

# /proc/net/nf_conntrack is read in one go since Linux 6.15; before, every page of it is searched for from the start, which only small tables bear.
PROC=no TOOL=no SS=no LINEAR=no
[ ! -r /proc/net/nf_conntrack ] || PROC=yes
! command -v conntrack >/dev/null 2>&1 || TOOL=yes
! command -v ss >/dev/null 2>&1 || SS=yes
[ "$(printf '%s\n' 6.15 "$(uname -r)" | sort -V 2>/dev/null | head -n 1)" != 6.15 ] || LINEAR=yes

# Plain POSIX awk: mawk, busybox and gawk must all run it. Low priority: the application comes first.
# shellcheck disable=SC2016 # the dollars are awk fields
sampled | nice -n 5 awk -v longest="$LONGEST" -v top="$TOP" -v more="$MORE" \
  -v proc="$PROC" -v tool="$TOOL" -v ss="$SS" -v linear="$LINEAR" -v only="${READER:-}" '
$1 == "m" { migrations++; number[$2] = migrations; key[migrations] = $2; role[migrations] = $3; backend[migrations] = $4; table[migrations] = $5; chains[migrations] = $6; mark[migrations] = $7 }
$1 == "a" {
  i = number[$2]
  has[i, $3] = 1; wants[$3] = 1
  spell($4, $4, $3); spell($5, $4, $3)
  publics[i, $3] = $4 " " $5
  peer[i, $6] = 1; peer[i, $7] = 1
}
$1 == "p" {
  i = number[$2]
  ports = ports (ports == "" ? "" : "|") $4
  sports = sports (sports == "" ? "" : " or ") "sport = :" $4
  for (f = 4; f <= 6; f += 2) {
    count = split(publics[i, f], spelled, " ")
    for (s = 1; s <= count; s++) if (s == 1 || spelled[s] != spelled[1]) want[$3 " " $4 " " spelled[s]] = want[$3 " " $4 " " spelled[s]] " " i
  }
}
END { run() }

function spell(text, address, f) {
  if (text in family) return
  family[text] = f
  one[f] = (one[f] == "" || one[f] == address) ? address : "several"
  gsub(/[.]/, "[.]", text)
  addresses = addresses (addresses == "" ? "" : "|") text
}

function run(    began, begun, now, cpu, before, cost, light, full, next_full, next_line, line) {
  candidate = "dst=(" addresses ") sport=[0-9]+ dport=(" ports ") "
  getline boot < "/proc/sys/kernel/random/boot_id"
  boot = substr(boot, 1, 8)
  began = uptime()
  before = ticks()
  clock = command_line("date +%s")
  next_full = began
  light = 10
  for (;;) {
    begun = uptime()
    full = begun >= next_full
    counters()
    failed = ""
    if (full) connections()
    line = report(full)
    # 100 ticks a second, whatever the kernel uses itself (USER_HZ, proc(5)).
    cpu = ticks(); cost = (cpu - before) * 10; before = cpu
    if (!full) light = light * 0.8 + cost * 0.2
    # Below 5 % of a core: while every line is whole it may cost 4.8 %, else whole ones 3.7 % and those in between 1 %.
    if (full) next_full = begun + (cost * 21 <= 1000 ? 1 : cost * 27 / 1000)
    next_line = begun + (light * 100 <= 1000 ? 1 : light / 10)
    if (next_full < next_line) next_line = next_full
    now = uptime()
    printf "{\"v\":1,\"clock\":%s,\"cost_ms\":%d,\"pass_ms\":%d,\"next_ms\":%d,%s\n", clock, cost, (now - begun) * 1000, (next_full - begun) * 1000, line
    # Without a reader this ends awk, by signal or by its result.
    if (fflush() != 0) exit 0
    if (now - began > longest) exit 0
    now = next_line - now
    if (now < 0.05) now = 0.05
    # Where sleep knows no fractions it takes the next whole second.
    clock = command_line(sprintf("sleep %.2f 2>/dev/null || sleep %d; date +%%s", now, now + 1))
  }
}

function uptime(    line, part) { getline line < "/proc/uptime"; close("/proc/uptime"); split(line, part, " "); return part[1] + 0 }

# Own CPU time and that of all commands that ended.
function ticks(    line, part) { getline line < "/proc/self/stat"; close("/proc/self/stat"); sub(/^.*[)] /, "", line); split(line, part, " "); return part[12] + part[13] + part[14] + part[15] }

function command_line(command,    line) { line = ""; command | getline line; close(command); return line + 0 }

function first_line(file,    line) { line = ""; getline line < file; close(file); return line + 0 }

# --- new connections: counters in the rules ------------------------------------------------------------------------------------

function counters(    i, nft, iptables) {
  split("", packets); split("", epoch); split("", forwards_now)
  for (i = 1; i <= migrations; i++) if (backend[i] == "nft") nft = 1; else iptables = 1
  if (nft) nft_counters()
  if (iptables) { iptables_counters(4); if (6 in wants) iptables_counters(6) }
}

# A table that was replaced has a new handle; with the chain to_peer the host sends new connections on.
function nft_counters(    i, f, t) {
  if (!json_fails) nft_json()
  if (json_fails) nft_text()
  for (i = 1; i <= migrations; i++) if (backend[i] == "nft")
    for (f = 4; f <= 6; f += 2) {
      t = nft_name(i, f)
      if (!((i, f) in has) || !((t, "outside") in packets)) continue
      if (known[t] != handle[t]) { known[t] = handle[t]; if (!json_fails) nft_table(t) }
      epoch[i, f] = boot "." handle[t] "." forwards[t]
      forwards_now[i, f] = forwards[t]
      packets[i, f, "outside"] = packets[t, "outside"]; packets[i, f, "link"] = packets[t, "link"]; packets[i, f, "held"] = packets[t, "held"]
    }
}

function nft_name(i, f) { return (f == 4 ? "ip " : "ip6 ") table[i] }

# One call for all migrations: {"table": {"family": "ip", "name": "md_…", "handle": 1}}, {"counter": {"family": …, "name": …, "table": …, "packets": 0}}
function nft_json(    line, part, count, n, answered) {
  while (("nft -j \"list tables; list counters\" 2>/dev/null" | getline line) > 0) {
    if (line ~ /"nftables"/) answered = 1
    count = split(line, part, "{")
    for (n = 1; n <= count; n++) {
      if (part[n] ~ /"packets"/) packets[field(part[n], "family") " " field(part[n], "table"), field(part[n], "name")] = field(part[n], "packets")
      else if (part[n] ~ /"handle"/) handle[field(part[n], "family") " " field(part[n], "name")] = field(part[n], "handle")
    }
  }
  close("nft -j \"list tables; list counters\" 2>/dev/null")
  # An nft of before 0.9, or one that was built without JSON.
  if (!answered) json_fails = 1
}

function field(text, name) {
  if (!match(text, "\"" name "\": *\"?[^\",}]*")) return ""
  text = substr(text, RSTART, RLENGTH)
  sub(/^[^:]*: *"?/, "", text)
  return text
}

# The same for an nft without JSON: a call for each table that is there.
function nft_text(    i, f, t, ours) {
  for (i = 1; i <= migrations; i++) for (f = 4; f <= 6; f += 2) if (backend[i] == "nft" && (i, f) in has) ours[nft_name(i, f)] = 1
  while (("nft list tables 2>/dev/null" | getline) > 0) if (($2 " " $3) in ours) nft_table($2 " " $3)
  close("nft list tables 2>/dev/null")
}

function nft_table(t,    command, name) {
  command = "nft -a list table " t " 2>/dev/null"
  forwards[t] = 0
  while ((command | getline) > 0) {
    if ($1 == "table") handle[t] = $NF
    else if ($1 == "counter" && $3 == "{") name = $2
    else if ($1 == "packets" && name != "") { packets[t, name] = $2; name = "" }
    else if (/ dnat to /) forwards[t] = 1
  }
  close(command)
}

# One call for each table that may hold chains of ours; asking legacy iptables for a table that is not there would make it.
function iptables_counters(f,    command, save, i, names, seen, pair, kind) {
  save = f == 4 ? "iptables-save" : "ip6tables-save"
  names = f == 4 ? "/proc/net/ip_tables_names" : "/proc/net/ip6_tables_names"
  if (saving[f] == "") {
    command = (f == 4 ? "iptables" : "ip6tables") " --version 2>/dev/null"
    command | getline kind
    close(command)
    saving[f] = "for t in raw mangle; do " (kind ~ /nf_tables/ ? "" : "! grep -qx $t " names " || ") save " -c -t $t; done 2>/dev/null"
  }
  command = saving[f]
  while ((command | getline) > 0) {
    if ($2 != "-A") continue
    for (i = 1; i <= migrations; i++) {
      if (backend[i] == "nft" || index($3, chains[i] "-") != 1) continue
      # [packets:bytes]
      split(substr($1, 2), pair, ":")
      if ($3 == chains[i] "-HOLD") packets[i, f, "held"] += pair[1]
      if ($3 != chains[i] "-PRE") continue
      if ($0 ~ /--comment "?outside"?/) { seen[i] = 1; packets[i, f, "outside"] += pair[1] }
      if ($0 ~ /--comment "?link"?/) packets[i, f, "link"] += pair[1]
      if (index($0, "--set-xmark " mark[i])) forwards_now[i, f] = 1
    }
  }
  close(command)
  for (i in seen) if ((i, f) in has) { forwards_now[i, f] += 0; epoch[i, f] = boot ".0." forwards_now[i, f] }
}

# --- established connections ---------------------------------------------------------------------------------------------------

function connections(    count, f, done) {
  split("", established); split("", other); split("", client); split("", client_other)
  clients = 0; capped = 0
  count = first_line("/proc/sys/net/netfilter/nf_conntrack_count")
  reader = only != "" ? only : proc == "yes" && (linear == "yes" || count <= 20000 || tool != "yes") ? "proc" : tool == "yes" ? "conntrack" : ss == "yes" ? "ss" : "none"
  if (reader == "proc") {
    while ((done = (getline < "/proc/net/nf_conntrack")) > 0) if ($0 ~ candidate) entry()
    close("/proc/net/nf_conntrack")
    if (done < 0) failed = "/proc/net/nf_conntrack cannot be read"
  } else if (reader == "conntrack") {
    for (f = 4; f <= 6; f += 2) if (f in wants)
      listed("conntrack -L -f ipv" f " -o extended" (one[f] == "several" ? "" : " -d " one[f]) " 2>/dev/null; echo ended $?", 0)
  } else if (reader == "ss") listed("ss -tan \"( " sports " )\" 2>/dev/null; echo ended $?", 1)
  else failed = "there is neither conntrack nor ss"
}

function listed(command, sockets,    ended) {
  ended = ""
  while ((command | getline) > 0) {
    if ($1 == "ended") ended = $2
    else if (sockets) socket()
    else if ($0 ~ candidate) entry()
  }
  close(command)
  if (ended != "0") failed = reader " ended with " (ended == "" ? "nothing" : ended)
}

# ipv4 2 tcp 6 431999 ESTABLISHED src= dst= sport= dport= [packets= bytes=] [UNREPLIED] src= dst= sport= dport= [ASSURED] mark= use=
function entry(    i, j, open) {
  i = substr($7, 1, 4) == "src=" ? 7 : substr($6, 1, 4) == "src=" ? 6 : 5
  if (!(($3 " " substr($(i + 3), 7) " " substr($(i + 1), 5)) in want)) return
  j = i + 4
  while (j < NF && substr($j, 1, 4) != "src=") j++
  if ($3 == "tcp") open = $6 == "ESTABLISHED" || i == 5 ? 1 : index($0, "[UNREPLIED]") ? -1 : 0
  else open = index($0, "[ASSURED]") || i == 5 ? 1 : index($0, "[UNREPLIED]") ? -1 : 0
  tally($3, substr($(i + 3), 7), substr($(i + 1), 5), substr($i, 5), substr($j, 5), open)
}

# State Recv-Q Send-Q Local:Port Peer:Port, for processes of the host itself only
function socket(    port, to, from, open) {
  if ($1 == "State" || $1 == "LISTEN" || $1 == "UNCONN") return
  port = $4; sub(/^.*:/, "", port)
  to = plain($4); from = plain($5)
  if (!(("tcp " port " " to) in want)) return
  tally("tcp", port, to, from, to, $1 == "ESTAB" ? 1 : $1 == "SYN-SENT" || $1 == "SYN-RECV" ? -1 : 0)
}

function plain(text) { sub(/:[^:]*$/, "", text); gsub(/^\[|\]$/, "", text); sub(/%.*$/, "", text); sub(/^::ffff:/, "", text); return text }

# The same as ClassifyPath: what arrived by the link is counted where it came in, so only this host public address leads here.
function tally(protocol, port, to, from, answered, open,    list, count, n, i, path, group, who) {
  if (from in family) return
  count = split(want[protocol " " port " " to], list, " ")
  for (n = 1; n <= count; n++) {
    i = list[n]
    path = (i, answered) in peer ? (role[i] == "old" ? "tail" : "forwarded") : (role[i] == "old" ? "direct" : "local")
    group = i " " path " " family[to] " " protocol " " port
    if (open > 0) established[group]++; else other[group]++
    if (open < 0) continue
    who = i " " path " " protocol " " port " " from
    if (!(who in client)) {
      # What the host is asked to remember has an end: 50,000 clients are some ten megabytes.
      if (clients >= 50000) { capped = 1; continue }
      clients++; client[who] = 0; client_other[who] = 0
    }
    if (open > 0) client[who]++; else client_other[who]++
  }
}

# --- one line ------------------------------------------------------------------------------------------------------------------

function report(full,    i, f, text, out, group, part, comma) {
  if (full && failed == "") choose()
  text = sprintf("\"conntrack\":[%d,%d],\"full\":%s", first_line("/proc/sys/net/netfilter/nf_conntrack_count"), first_line("/proc/sys/net/netfilter/nf_conntrack_max"), full && failed == "" ? "true" : "false")
  if (full) text = text ",\"reader\":\"" reader "\""
  if (failed != "") text = text ",\"error\":\"" failed "\""
  text = text ",\"migrations\":["
  for (i = 1; i <= migrations; i++) {
    out = "{\"key\":\"" key[i] "\",\"new\":["
    comma = ""
    for (f = 4; f <= 6; f += 2) if ((i, f) in epoch) {
      out = out comma "[" f ",\"" epoch[i, f] "\",\"" (forwards_now[i, f] ? (role[i] == "old" ? "tail" : "forwarded") : (role[i] == "old" ? "direct" : "local")) "\"," (packets[i, f, "outside"] + 0) "," (packets[i, f, "link"] + 0) "," (packets[i, f, "held"] + 0) "]"
      comma = ","
    }
    out = out "]"
    if (full && failed == "") {
      for (group in other) if (!(group in established)) established[group] = 0
      out = out ",\"counts\":["
      comma = ""
      for (group in established) {
        split(group, part, " ")
        if (part[1] != i) continue
        out = out comma "[\"" part[2] "\"," part[3] ",\"" part[4] "\"," part[5] "," (established[group] + 0) "," (other[group] + 0) "]"
        comma = ","
      }
      out = out "],\"distinct\":{" distinct_text[i] "},\"capped\":" (capped ? "true" : "false") ",\"clients\":[" chosen[i] "]"
    }
    text = text (i > 1 ? "," : "") out "}"
  }
  return text "]}"
}

# The clients to name: the ones with most connections, and of stragglers besides those not named yet or not for half a minute.
function choose(    who, part, group, position, n, now, text, i) {
  split("", ranked); split("", rank); split("", amount); split("", chosen); split("", distinct); split("", met); split("", people); split("", distinct_text); split("", fresh); split("", stale); split("", stale_who)
  now = uptime()
  for (who in client) {
    split(who, part, " ")
    group = part[1] " " part[2]
    distinct[group]++
    if (!((group, part[5]) in met)) { met[group, part[5]] = 1; people[group]++ }
    offer(group, who, client[who] + client_other[who] / 100000)
    if (part[2] != "direct" && part[2] != "tail") continue
    if (!(who in named)) { if (fresh[group] < more) { fresh[group]++; tell(part[1], who, now) } }
    else if (now - named[who] > 30 && stale[group] < more) { stale[group]++; stale_who[group, stale[group]] = who }
  }
  for (group in distinct) {
    split(group, part, " ")
    i = part[1]
    distinct_text[i] = distinct_text[i] (distinct_text[i] == "" ? "" : ",") "\"" part[2] "\":[" people[group] "," distinct[group] "]"
    for (position = 1; position <= ranked[group]; position++) if (named[rank[group, position]] != now) tell(i, rank[group, position], now)
    for (n = 1; n <= stale[group] && fresh[group] + n <= more; n++) if (named[stale_who[group, n]] != now) tell(i, stale_who[group, n], now)
  }
  for (who in named) if (!(who in client)) delete named[who]
}

function tell(i, who, now,    part) {
  split(who, part, " ")
  chosen[i] = chosen[i] (chosen[i] == "" ? "" : ",") "[\"" part[2] "\",\"" part[5] "\",\"" part[3] "\"," part[4] "," client[who] "," client_other[who] "]"
  named[who] = now
}

function offer(group, who, value,    position) {
  if (ranked[group] >= top && value <= amount[group, ranked[group]]) return
  position = ranked[group] < top ? ++ranked[group] : ranked[group]
  while (position > 1 && amount[group, position - 1] < value) {
    amount[group, position] = amount[group, position - 1]; rank[group, position] = rank[group, position - 1]
    position--
  }
  amount[group, position] = value; rank[group, position] = who
}
'
