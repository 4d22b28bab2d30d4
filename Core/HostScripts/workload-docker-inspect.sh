# Everything of a host that is needed to make a container again on another one, and all that could be in its way there. Only reads.

# What was written outside of volumes stays behind; what every container writes at its start, and where something is mounted, is of no interest.
changed_files() {
  timeout 20 docker inspect --type container --format '{{range .Mounts}}{{println .Destination}}{{end}}' "$1" >"$2"
  timeout 30 docker diff "$1" 2>/dev/null |
    grep -Ev '^. /(dev|proc|run|sys|tmp|var/run|var/tmp|etc/mtab|etc/hosts|etc/hostname|etc/resolv.conf|root/\.[a-z_]*history)(/|$)' |
    awk -v mounts="$2" '
      BEGIN { while ((getline path < mounts) > 0) if (path != "") mounted[path] = 1 }
      { kind[NR] = $1; name[NR] = substr($0, 3) }
      END {
        for (i = 1; i <= NR; i++) {
          # A folder that is listed only for what is in it.
          parent = 0
          for (j = i + 1; j <= NR && !parent; j++) if (index(name[j], name[i] "/") == 1) parent = 1
          if (!(name[i] in mounted) && !(kind[i] == "C" && parent)) print kind[i], name[i]
        }
      }' | head -n 200
}


inspect_docker() {
  command -v docker >/dev/null 2>&1 || { step docker refuse 69 "Docker is not installed"; }
  said=$(timeout 20 docker info --format '{"root":{{json .DockerRootDir}},"version":{{json .ServerVersion}},"cgroup":{{json .CgroupVersion}},"runtime":{{json .DefaultRuntime}},"logging":{{json .LoggingDriver}},"security":{{json .SecurityOptions}},"driver":{{json .Driver}}}' 2>&1) ||
    step docker refuse 69 "$said"
  printf '%s' "$said" | data docker
  for name in $(names); do
    said=$(timeout 20 docker inspect --type container --format '{{json .}}' "$name" 2>/dev/null) || continue
    printf '%s' "$said" | data container
    image=$(timeout 20 docker inspect --type container --format '{{.Image}}' "$name")
    timeout 20 docker image inspect --format '{{json .}}' "$image" 2>/dev/null | data image
    list=$(mktemp)
    { echo "$name"; changed_files "$name" "$list"; } | text_data changed
    rm -f "$list"
    timeout 20 docker inspect --type container --format '{{range .Mounts}}{{if eq .Type "bind"}}{{println .Source}}{{end}}{{end}}' "$name" | while read -r path; do
      [ -z "$path" ] || print_path "$path"
    done
  done
  for name in $(timeout 20 docker network ls -q); do timeout 20 docker network inspect --format '{{json .}}' "$name" 2>/dev/null | data network; done
  for name in $(timeout 20 docker volume ls -q); do timeout 20 docker volume inspect --format '{{json .}}' "$name" 2>/dev/null | data volume; done
  timeout 20 docker image ls --no-trunc --format '{{.ID}} {{.Repository}}:{{.Tag}}' | text_data images
  timeout 20 docker ps -a --format '{{.Names}}' | text_data containers
  { ip -4 -o route show table main; ip -6 -o route show table main; } 2>/dev/null | awk '{ print $1 }' | text_data routes
  { ss -Hltn; ss -Hlun; } 2>/dev/null | awk '{ n = split($4, part, ":"); print (NR > 0 && $1 == "UNCONN" ? "udp" : "tcp"), part[n], substr($4, 1, length($4) - length(part[n]) - 1) }' | sort -u | text_data listening
}
