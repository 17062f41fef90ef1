#!/usr/bin/env bash
# The speed of the built-in origin compared with nginx with one worker: the same bytes at
# the same paths, requested by wrk over loopback, alternately (A B A B). Prints for each
# kind of request the medians, their ratio and the CPU time of each server, then the memory
# of idle connections.
#
# nginx serves with sendfile and, for segments, a second time with large buffers and no
# sendfile, which is the faster of the two over loopback.
#
# usage: benches/origin.sh [ROUNDS [SECONDS [PROGRAM [CONNECTIONS]]]]
#
# Needs wrk, nginx, curl, openssl and python3. On a machine with other load the CPU time of
# a request is more meaningful than the rate, since wrk and both servers share the cores.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PATH:/usr/sbin:/sbin
export LC_ALL=C

rounds=${1:-5}
seconds=${2:-3}
program=${3:-target/release/ffmpeg-hls-swarm}
connections=${4:-5000}

# Connections of a measured load: many players for playlists; for segments only as many as
# keep both cores busy.
playlist_peers=64
segment_peers=16

scratch=$(mktemp -d)
pids=()
cleanup() {
  for pid in "${pids[@]}"; do
    kill -TERM "$pid" 2>/dev/null || continue
    wait "$pid" 2>/dev/null || true
  done
  rm -rf "$scratch"
}
trap cleanup EXIT

fail() {
  printf 'benches/origin.sh: %s\n' "$*" >&2
  exit 1
}

for tool in wrk nginx curl openssl python3; do
  command -v "$tool" >/dev/null || fail "$tool is missing; install it"
done
[ -x "$program" ] || fail "no $program; build it with cargo build --release"
ulimit -n "$(ulimit -Hn)"

# Sleeps without starting a process: a read that times out.
exec {silence}<> <(:)
nap() { read -rt "$1" -u "$silence" || true; }

# start_origin NAME [FLAG…]: sets NAME_url and NAME_pid.
origin_url='' origin_pid='' secure_url='' secure_pid=''
start_origin() {
  local name=$1 url=
  shift
  mkfifo "$scratch/$name"
  "$program" origin -listen 127.0.0.1:0 -variants 4M -segment-duration 2s -log-level warn "$@" \
    >"$scratch/$name" &
  pids+=($!)
  printf -v "${name}_pid" %s $!
  read -rt 10 url <"$scratch/$name" || fail "the origin printed no URL"
  printf -v "${name}_url" %s "${url%/stream.m3u8}"
}

# The listening sockets are created before nginx and passed in the variable with which
# nginx passes them to its own successor, so that the kernel chooses the ports.
start_nginx() {
  cat >"$scratch/start.py" <<'END'
import os, socket, sys
scratch = sys.argv[1]
ports = []
for fd in (0, 3, 4):
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(1024)
    ports.append(listener.getsockname()[1])
    os.dup2(listener.fileno(), fd)
    os.set_inheritable(fd, True)
    if listener.fileno() != fd:
        listener.close()
    else:
        listener.detach()
spools = "".join(
    f"{name}_temp_path {scratch}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
)
with open(f"{scratch}/nginx.conf", "w") as conf:
    conf.write(f"""
daemon off; user root; worker_processes 1; pid {scratch}/pid;
worker_rlimit_nofile 20000;
events {{ worker_connections 10000; }}
http {{
  {spools}
  access_log off; sendfile on; tcp_nopush on;
  open_file_cache max=100 inactive=10m; open_file_cache_valid 10m;
  keepalive_timeout 10m; keepalive_requests 1000000000;
  types {{ application/vnd.apple.mpegurl m3u8; video/mp2t ts; }}
  add_header Access-Control-Allow-Origin *;
  add_header Cache-Control max-age=1;
  server {{ listen 127.0.0.1:{ports[0]} backlog=1024; root {scratch}/files; }}
  server {{
    listen 127.0.0.1:{ports[2]} backlog=1024; root {scratch}/files;
    sendfile off; output_buffers 2 512k;
  }}
  server {{
    listen 127.0.0.1:{ports[1]} ssl backlog=1024; root {scratch}/files;
    sendfile off; output_buffers 2 512k;
    ssl_certificate {scratch}/cert.pem; ssl_certificate_key {scratch}/key.pem;
    ssl_protocols TLSv1.2 TLSv1.3;
  }}
}}
""")
with open(f"{scratch}/ports", "w") as file:
    print(*ports, file=file)
os.environ["NGINX"] = "0;3;4;"
os.execvp("nginx", ["nginx", "-e", "stderr", "-p", scratch, "-c", f"{scratch}/nginx.conf"])
END
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=localhost \
    -keyout "$scratch/key.pem" -out "$scratch/cert.pem" 2>/dev/null
  python3 "$scratch/start.py" "$scratch" 2>"$scratch/nginx.log" &
  local master=$!
  pids+=("$master")
  for _ in {1..100}; do
    read -r nginx_pid <"/proc/$master/task/$master/children" 2>/dev/null && break
    nap 0.1
  done
  [ -n "${nginx_pid:-}" ] || fail "nginx has no worker: $(tail -n 1 "$scratch/nginx.log")"
  nginx_pid=${nginx_pid%% *}
  read -r plain secure copying <"$scratch/ports"
  nginx_url=http://127.0.0.1:$plain
  nginx_copying_url=http://127.0.0.1:$copying
  nginx_tls_url=https://127.0.0.1:$secure
}

# Prints the CPU time of a process in ticks of 10 ms (proc_pid_stat(5)): in user mode and in
# the kernel.
ticks() {
  local stat
  read -r stat <"/proc/$1/stat"
  # shellcheck disable=SC2086
  set -- ${stat##*) }
  echo "${12} ${13}"
}

# measure PID URL PEERS [FLAG…]: prints requests/s, MB/s, CPU µs per request in user mode
# and in the kernel.
measure() {
  local pid=$1 url=$2 peers=$3 before after said
  shift 3
  before=$(ticks "$pid")
  said=$(wrk -t1 -c"$peers" -d"${seconds}s" --timeout 10s "$@" "$url")
  after=$(ticks "$pid")
  ! grep -E 'Non-2xx|Socket errors' <<<"$said" >&2 || fail "some requests failed: $url"
  awk -v before="$before" -v after="$after" '
    / requests in / {
      requests = $1
      size = $5; sub(/,/, "", size)
      unit = size; sub(/[0-9.]+/, "", unit)
      bytes = size * (unit ~ /^K/ ? 2^10 : unit ~ /^M/ ? 2^20 : unit ~ /^G/ ? 2^30 : 1)
      took = $4; minutes = took ~ /m,?$/
      sub(/[ms]+,?$/, "", took); if (minutes) took *= 60
    }
    END {
      split(before, b, " "); split(after, a, " ")
      printf "%.0f %.0f %.2f %.2f\n", requests / took, bytes / took / 1e6,
        (a[1] - b[1]) * 1e4 / requests, (a[2] - b[2]) * 1e4 / requests
    }' <<<"$said"
}

# median COLUMN FILE
median() { sort -n -k"$1,$1" "$2" | awk -v c="$1" '{ v[NR] = $c } END { print v[int((NR + 1) / 2)] }'; }

# compare NAME PATH PEERS OURS_PID OURS_URL NGINX_URL [FLAG…]
compare() {
  local name=$1 path=$2 peers=$3 our_pid=$4 our_url=$5 their_url=$6
  shift 6
  : >"$scratch/ours"
  : >"$scratch/theirs"
  for ((round = 0; round < rounds; round++)); do
    measure "$our_pid" "$our_url$path" "$peers" "$@" >>"$scratch/ours"
    measure "$nginx_pid" "$their_url$path" "$peers" "$@" >>"$scratch/theirs"
  done
  local who file
  for who in origin nginx; do
    file=$scratch/ours
    [ $who = origin ] || file=$scratch/theirs
    printf '%-24s %-7s %10s %8s %10s %10s\n' "$name" $who "$(median 1 "$file")" \
      "$(median 2 "$file")" "$(median 3 "$file")" "$(median 4 "$file")"
  done
  awk -v a="$(median 1 "$scratch/ours")" -v b="$(median 1 "$scratch/theirs")" \
    'BEGIN { printf "%-24s ratio   %10.2f\n", "", a / b }'
}

# Prints the descriptors of a process: its connections, listeners and a few more.
sockets() {
  local descriptors=("/proc/$1/fd"/*)
  echo "${#descriptors[@]}"
}

resident() { awk '$1 == "VmRSS:" { print $2 }' "/proc/$1/status"; }

# idle NAME PID URL: each connection sends one request and then stays silent.
idle() {
  local name=$1 pid=$2 url=$3 before open=0 after cpu_before cpu_after wrk_pid
  cat >"$scratch/idle.lua" <<END
local asked = 0
function delay()
  asked = asked + 1
  return asked <= $connections and 0 or 3600000
end
END
  before=$(resident "$pid")
  wrk -t1 -c"$connections" -d60s --timeout 60s -s "$scratch/idle.lua" "$url" >/dev/null &
  wrk_pid=$!
  pids+=("$wrk_pid")
  for _ in {1..300}; do
    open=$(sockets "$pid")
    [ "$open" -lt "$connections" ] || break
    nap 0.1
  done
  nap 1
  after=$(resident "$pid")
  cpu_before=$(ticks "$pid")
  nap 3
  cpu_after=$(ticks "$pid")
  printf '%-24s %-10s %s descriptors, %s KiB resident, %s before; ticks of CPU in 3 s: %s\n' \
    "idle connections" "$name" "$open" "$after" "$before" \
    "$(awk -v b="$cpu_before" -v a="$cpu_after" 'BEGIN { split(b, x, " "); split(a, y, " "); print y[1] + y[2] - x[1] - x[2] }')"
  kill -TERM "$wrk_pid" 2>/dev/null || true
  wait "$wrk_pid" 2>/dev/null || true
  for _ in {1..100}; do
    [ "$(sockets "$pid")" -gt 50 ] || break
    nap 0.1
  done
}

start_origin origin
start_origin secure -tls
mkdir -p "$scratch/files/v0" "$scratch/files/vod/v0"
for path in v0/index.m3u8 vod/v0/0.ts; do
  curl -sSf -o "$scratch/files/$path" "$origin_url/$path"
done
start_nginx

# Comparisons with nginx: NAME PATH PEERS [FLAG…].
plainly() { compare "$1" "$2" "$3" "$origin_pid" "$origin_url" "$nginx_url" "${@:4}"; }
copying() { compare "$1" "$2" "$3" "$origin_pid" "$origin_url" "$nginx_copying_url" "${@:4}"; }
securely() { compare "$1" "$2" "$3" "$secure_pid" "$secure_url" "$nginx_tls_url" "${@:4}"; }

playlist=/v0/index.m3u8
segment=/vod/v0/0.ts
closing=(-H 'Connection: close')
printf '%s rounds of %s s; playlist of %s bytes, %s connections; segment of %s bytes, %s connections\n' \
  "$rounds" "$seconds" "$(stat -c %s "$scratch/files$playlist")" "$playlist_peers" \
  "$(stat -c %s "$scratch/files$segment")" "$segment_peers"
printf '%-24s %-7s %10s %8s %10s %10s\n' request server requests/s MB/s 'user µs' 'kernel µs'
plainly playlist "$playlist" "$playlist_peers"
plainly "playlist, closing" "$playlist" "$playlist_peers" "${closing[@]}"
plainly "playlist, $connections peers" "$playlist" "$connections"
plainly segment "$segment" "$segment_peers"
copying "segment, no sendfile" "$segment" "$segment_peers"
copying "segment, bytes=0-" "$segment" "$segment_peers" -H 'Range: bytes=0-'
securely "TLS playlist" "$playlist" "$playlist_peers"
securely "TLS playlist, closing" "$playlist" "$playlist_peers" "${closing[@]}"
securely "TLS segment" "$segment" "$segment_peers"
idle origin "$origin_pid" "$origin_url$playlist"
idle nginx "$nginx_pid" "$nginx_url$playlist"
idle "over TLS" "$secure_pid" "$secure_url$playlist"
idle "nginx, TLS" "$nginx_pid" "$nginx_tls_url$playlist"
