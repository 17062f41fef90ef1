#!/usr/bin/env bash
# A thousand real FFmpeg clients on one host: the built-in origin produces a live stream, a
# caching nginx serves it, and the swarm plays it for SECONDS after the ramp. Prints a table
# of required and measured values, and exits with 1 if a check failed.
#
# usage: benches/real.sh [FLAG…] [CLIENTS [RATE [SECONDS [PROGRAM]]]]     (1000 25 300)
#
#   -csv FILE        append the figures of the table to this file
#   -seconds FILE    write the figures of each second to this file
#
#   FFMPEG=~/.cache/ffmpeg-hls-swarm/lean/ffmpeg   that of docs/lean-ffmpeg.sh, else the installed one
#   VARIANTS=200k,600k   variants of the master playlist; each client plays the highest
#   SEGMENT=4            duration of a segment in seconds
#
# Needs nginx, curl and a C compiler, about 5 MB per client with a lean FFmpeg and 18 MB with
# Debian's, which also needs a RATE of 10 on two cores. The traffic goes over loopback only.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PATH:/usr/sbin:/sbin
. benches/measure.sh

csv="" each_second=""
while [ $# -gt 0 ]; do
  case $1 in
    -csv) csv=$2 && shift 2 ;;
    -seconds) each_second=$2 && shift 2 ;;
    *) break ;;
  esac
done
clients=${1:-1000}
rate=${2:-25}
seconds=${3:-300}
program=${4:-target/release/ffmpeg-hls-swarm}
variants=${VARIANTS:-200k,600k}
lean=$HOME/.cache/ffmpeg-hls-swarm/lean/ffmpeg
[ -x "$lean" ] || lean=ffmpeg
ffmpeg=${FFMPEG:-$lean}

# Limits of the swarm: percent of one core, and resident memory in KiB.
cpu_percent_max=3
resident_kib_max=25000
# Permitted time to start the clients beyond the ramp, in seconds.
grace_seconds=60
segment_seconds=${SEGMENT:-4}
# Time from the last start until every client has played the three segments that it reads at
# once at its start, and then one window of at most two segments.
settle_seconds=$((segment_seconds * 5 + 5))

scratch=$(mktemp -d)
agent=real-$$
swarm="" pids=()
cleanup() {
  # The clients end with the program.
  for pid in $swarm "${pids[@]}"; do kill -TERM "$pid" 2>/dev/null || true; done
  wait
  rm -rf "$scratch"
}
trap cleanup EXIT

fail() {
  printf 'benches/real.sh: %s\n' "$*" >&2
  exit 1
}

for tool in nginx curl cc "$ffmpeg"; do
  command -v "$tool" >/dev/null || fail "$tool is missing; install it"
done
[ -x "$program" ] || fail "no $program; build it with cargo build --release"
ulimit -n "$(ulimit -Hn)"

start_origin() {
  local url=
  mkfifo "$scratch/url"
  "$program" origin -listen 127.0.0.1:0 -variants "$variants" -segment-duration "${segment_seconds}s" \
    -log-level warn >"$scratch/url" &
  pids+=($!)
  read -rt 10 url <"$scratch/url" || fail "the origin printed no URL"
  url=${url#http://}
  origin=${url%%/*}
}

# One worker that requests each file once from the origin: playlists are cached for a
# second, segments as long as they are needed. Its log is that of a CDN.
start_nginx() {
  local spool
  cc -O2 -o "$scratch/listen" benches/listen.c
  cat >"$scratch/nginx.conf" <<END
daemon off; worker_processes 1; worker_rlimit_nofile 20000; pid $scratch/nginx.pid;
$([ "$(id -u)" != 0 ] || echo "user root;")
events { worker_connections 16000; }
http {
  $(for spool in client_body fastcgi uwsgi scgi; do echo "${spool}_temp_path $scratch/$spool;"; done)
  proxy_temp_path $scratch/proxy;
  proxy_cache_path $scratch/cache keys_zone=hls:8m max_size=1g inactive=60s use_temp_path=off;
  proxy_cache hls; proxy_cache_lock on; proxy_cache_use_stale updating;
  proxy_http_version 1.1; proxy_set_header Connection "";
  log_format short '\$status \$body_bytes_sent';
  access_log $scratch/access.log short buffer=64k flush=1s;
  sendfile on; tcp_nopush on; keepalive_timeout 60s; keepalive_requests 1000000;
  types { application/vnd.apple.mpegurl m3u8; video/mp2t ts; }
  upstream origin { server $origin; keepalive 8; }
  server {
    include $scratch/listen.conf;
    location / { proxy_pass http://origin; proxy_ignore_headers Cache-Control; proxy_cache_valid 200 1s; }
    location ~ \.ts\$ { proxy_pass http://origin; proxy_ignore_headers Cache-Control; proxy_cache_valid 200 60s; }
  }
}
END
  # The port is known once the socket exists; nginx reads its configuration only then.
  # shellcheck disable=SC2016
  "$scratch/listen" "$scratch/port" sh -c 'echo "listen 127.0.0.1:$(cat "$1/port") backlog=4096;" >"$1/listen.conf"
    exec nginx -e "$1/nginx.log" -p "$1" -c "$1/nginx.conf"' sh "$scratch" 2>/dev/null &
  nginx=$!
  pids+=("$nginx")
  for _ in {1..100}; do
    [ ! -s "$scratch/port" ] || edge=127.0.0.1:$(<"$scratch/port")
    [ -n "${edge:-}" ] && curl -sf -o "$scratch/master" "http://$edge/stream.m3u8" && return
    nap 0.1
  done
  fail "nginx does not respond: $(tail -n 1 "$scratch/nginx.log")"
}

start_swarm() {
  : >"$scratch/log"
  began=$(now_ms)
  "$program" -clients "$clients" -ramp-rate "$rate" -variant highest -target-duration "${segment_seconds}s" \
    -ffmpeg "$ffmpeg" -user-agent "$agent" -metrics 127.0.0.1:0 -log-format json \
    -summary-json "$scratch/summary.json" "http://$edge/stream.m3u8" \
    >"$scratch/summary" 2>"$scratch/log" &
  swarm=$!
  address=$(address_in "$scratch/log") || fail "the swarm did not start: $(tail -n 1 "$scratch/log")"
}

names=(hlsswarm_clients_active hlsswarm_ramp_progress hlsswarm_clients_restarted_total
  'hlsswarm_process_exits_total*' hlsswarm_clients_stalled hlsswarm_clients_below_realtime
  hlsswarm_clients_above_realtime hlsswarm_bytes_downloaded_total 'hlsswarm_requests_total*'
  'hlsswarm_request_errors_total*' 'hlsswarm_log_lines_total*' 'hlsswarm_segments_skipped_total*'
  hlsswarm_start_lateness_seconds_count 'hlsswarm_start_lateness_seconds_bucket{le="0.1"}')

# Writes the line of a second: time since the start, counters, CPU time and memory.
sample() {
  curl -sSf "http://$address/metrics" >"$scratch/scrape" || fail "no scrape: $(tail -n 1 "$scratch/log")"
  read -ra now < <(counters "$scratch/scrape" "${names[@]}")
  active=${now[0]} ramped=${now[1]} restarted=${now[2]} exited=${now[3]} stalled=${now[4]} below=${now[5]}
  above=${now[6]} bytes=${now[7]} requests=${now[8]} failed=${now[9]} log_lines=${now[10]} skipped=${now[11]}
  late=$(awk -v all="${now[12]}" -v in_time="${now[13]}" 'BEGIN { print all - in_time }')
  cpu=$(cpu_us "$swarm") resident=$(field "$swarm" VmRSS)
  printf '%s,%s,%s,%s,%s,%s,%s,%s,%s\n' "$((($(now_ms) - began) / 1000))" "$active" "$restarted" \
    "$stalled" "$below" "$above" "$bytes" "$cpu" "$resident" >>"$scratch/seconds"
}

# Prints the CPU time of all clients, in microseconds.
clients_cpu_us() {
  local all=() files=() client
  read -ra all <"/proc/$swarm/task/$swarm/children" || true
  for client in "${all[@]}"; do files+=("/proc/$client/task/"*/schedstat); done
  { cat "${files[@]}" 2>/dev/null || true; } | awk '{ ns += $1 } END { printf "%.0f\n", ns / 1000 }'
}

# Prints the means of the clients' sockets and private memory, from /proc.
holdings() {
  local all=() open
  read -ra all <"/proc/$swarm/task/$swarm/children" || true
  open=$(find "${all[@]/#//proc/}" -maxdepth 2 -path '*/fd/*' -lname 'socket:*' 2>/dev/null | wc -l)
  { find "${all[@]/#//proc/}" -maxdepth 1 -name smaps_rollup -exec cat {} + 2>/dev/null || true; } |
    awk -v open="$open" -v n="${#all[@]}" '/^Private_(Clean|Dirty):/ { kib += $2 } END { printf "%.1f %.0f\n", open / n, kib / n }'
}

# Prints the available memory of the host, in KiB.
available_kib() { awk '$1 == "MemAvailable:" { print $2 }' /proc/meminfo; }

edge_cpu_us() {
  local worker
  read -r worker _ <"/proc/$nginx/task/$nginx/children" || true
  cpu_us "$worker"
}

ramp() {
  local deadline=$((SECONDS + clients / rate + grace_seconds))
  ramped=0
  until [ "$ramped" = 1 ] && [ "$active" = "$clients" ]; do
    [ "$SECONDS" -lt "$deadline" ] || fail "$active of $clients clients run: $(tail -n 1 "$scratch/log")"
    nap 1
    sample
  done
  reached_ms=$(($(now_ms) - began))
  echo "$clients clients are running after $((reached_ms / 1000)) s; measuring for $seconds s" >&2
  nap "$settle_seconds"
}

watch_them() {
  local from from_cpu from_clients from_edge until=$((SECONDS + seconds))
  sample
  from=$(now_us) from_cpu=$cpu from_bytes=$bytes from_requests=$requests from_lines=$log_lines
  from_clients=$(clients_cpu_us) from_edge=$(edge_cpu_us)
  least=$clients resident_max=0 below_max=0 stalled_max=0
  while [ "$SECONDS" -lt "$until" ]; do
    nap 1
    sample
    least=$((active < least ? active : least))
    resident_max=$((resident > resident_max ? resident : resident_max))
    below_max=$((below > below_max ? below : below_max))
    stalled_max=$((stalled > stalled_max ? stalled : stalled_max))
  done
  window_us=$(($(now_us) - from))
  percent=$(percent_of $((cpu - from_cpu)))
  clients_percent=$(percent_of $(($(clients_cpu_us) - from_clients)))
  edge_percent=$(percent_of $(($(edge_cpu_us) - from_edge)))
  host_kib=$(((available_before - $(available_kib)) / clients))
  read -r sockets private_kib < <(holdings)
}

percent_of() { awk -v cpu="$1" -v window="$window_us" 'BEGIN { printf "%.2f", 100 * cpu / window }'; }
a_second() { awk -v n="$1" -v window="$window_us" -v unit="${2:-1}" 'BEGIN { printf "%.0f", n * 1e6 / window / unit }'; }

stop() {
  local from
  from=$(now_ms) code=0
  kill -TERM "$swarm"
  wait "$swarm" || code=$?
  swarm=""
  stopped_ms=$(($(now_ms) - from))
  # Only clients of this run have this name.
  left=$(cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\0' '\n' | grep -c "^$agent/client-" || true)
  # nginx flushes its log each second.
  nap 1.5
}

failures=0
# check NAME REQUIRED FOUND AWK_CONDITION: in the condition v is the value found.
check() {
  local verdict=ok
  awk -v v="$3" "BEGIN { exit !($4) }" || { verdict=FAILED && failures=$((failures + 1)); }
  printf '| %-45s | %-10s | %-10s | %-6s |\n' "$1" "$2" "$3" "$verdict"
}
row() { printf '| %-45s | %-10s | %-10s | %-6s |\n' "$1" '' "$2" ''; }

start_origin
start_nginx
available_before=$(available_kib)
start_swarm
ramp
watch_them
stop
read -r responses refused < <(awk '{ n++; bad += $1 !~ /^20[06]$/ } END { print n + 0, bad + 0 }' "$scratch/access.log")

row "$("$ffmpeg" -version | awk 'NR == 1 { print "FFmpeg " $3 }')" ''
row 'clients' "$clients"
row 'seconds with all clients' "$seconds"
printf '|%s|%s|%s|%s|\n' "$(printf -- '-%.0s' {1..47})" ------------ ------------ --------
check "all run, s (ideally $((clients / rate)))" "<= $((clients / rate + 5))" "$((reached_ms / 1000))" "v <= $((clients / rate + 5))"
check 'late starts, by over 100 ms' 0 "$late" 'v == 0'
check 'restarts' 0 "$restarted" 'v == 0'
check 'FFmpegs that ended' 0 "$exited" 'v == 0'
check 'fewest active, sampled each second' "$clients" "$least" "v == $clients"
check 'at the end: at or above real time' "$clients" "$above" "v == $clients"
check 'at the end: below real time' 0 "$below" 'v == 0'
check 'at the end: stalled' 0 "$stalled" 'v == 0'
check 'failed requests, by the swarm' 0 "$failed" 'v == 0'
check 'responses other than 200 and 206, by nginx' 0 "$refused" 'v == 0'
check 'CPU of the swarm, % of one core' "< $cpu_percent_max" "$percent" "v < $cpu_percent_max"
check 'resident memory of the swarm, KiB' "< $resident_kib_max" "$resident_max" "v < $resident_kib_max"
check 'exit code of the swarm' 0 "$code" 'v == 0'
check 'stopped after, ms' '< 10000' "$stopped_ms" 'v < 10000'
check 'FFmpegs left behind' 0 "$left" 'v == 0'
row 'most below real time in any second' "$below_max"
row 'most stalled in any second' "$stalled_max"
row 'segments skipped' "$skipped"
row 'requests a second, by the swarm' "$(a_second $((requests - from_requests)))"
row 'responses in all, by nginx' "$responses"
row 'Mbit/s' "$(a_second $(((bytes - from_bytes) * 8)) 1000000)"
row 'lines a second' "$(a_second $((log_lines - from_lines)))"
row 'CPU of all FFmpegs, % of one core' "$clients_percent"
row 'CPU of nginx, % of one core' "$edge_percent"
row 'sockets of a client' "$sockets"
row 'private memory of a client, KiB' "$private_kib"
row 'decrease of free host memory, KiB per client' "$host_kib"

append_csv "$csv" \
  ffmpeg,clients,rate,window_ms,reached_ms,late,restarts,exits,active_min,above_realtime,below_realtime,below_realtime_max,stalled_max,failed_requests,refused_answers,cpu_percent,resident_kib_max,requests_per_s,mbit_per_s,lines_per_s,clients_cpu_percent,nginx_cpu_percent,sockets_each,private_kib_each,host_kib_each,stopped_ms,left,failures \
  "$("$ffmpeg" -version | awk 'NR == 1 { print $3 }'),$clients,$rate,$((window_us / 1000)),$reached_ms,$late,$restarted,$exited,$least,$above,$below,$below_max,$stalled_max,$failed,$refused,$percent,$resident_max,$(a_second $((requests - from_requests))),$(a_second $(((bytes - from_bytes) * 8)) 1000000),$(a_second $((log_lines - from_lines))),$clients_percent,$edge_percent,$sockets,$private_kib,$host_kib,$stopped_ms,$left,$failures"
if [ -n "$each_second" ]; then
  { echo second,active,restarts,stalled,below_realtime,above_realtime,bytes,cpu_us,resident_kib && cat "$scratch/seconds"; } >"$each_second"
fi
[ "$failures" = 0 ] || fail "$failures of the checks failed"
