#!/usr/bin/env bash
# The cost of a client with several builds of FFmpeg: starts the built-in origin, plays its
# live stream with each FFmpeg, and prints a table from /proc and getrusage(2): libraries,
# their size with that of the file, CPU time of a start, memory, CPU time per second, and
# the resulting number of clients.
#
# usage: benches/density.sh FFMPEG…
#
#   CLIENTS=10 RUNS=21 SECONDS_EACH=15 VARIANTS=600k FLAGS='-variant first'
#   PROGRAM=target/release/ffmpeg-hls-swarm
#
# VARIANTS are those of the origin's master playlist, all of which FFmpeg probes; FLAGS are
# passed to the swarm. CPU is the process's own user and system time, the median of RUNS, so
# that other load has little effect. A start is measured until the first packet of media is
# written. Traffic goes to loopback only.
set -euo pipefail
export LC_ALL=C

clients=${CLIENTS:-10}
runs=${RUNS:-21}
seconds=${SECONDS_EACH:-15}
program=${PROGRAM:-$(dirname "$0")/../target/release/ffmpeg-hls-swarm}
variants=${VARIANTS:-600k}
read -ra flags <<<"${FLAGS--variant first}"

# Media to play in a start, in seconds: less than a frame.
first_media=0.02

# Time until all clients play.
settle_seconds=5

# Memory and cores to which the last columns refer.
gibibyte_kib=1048576
host_cores=2

scratch=$(mktemp -d)
origin=
swarm=
cleanup() {
  # The clients end with the swarm.
  for pid in $swarm $origin; do kill -TERM "$pid" 2>/dev/null || true; done
  wait
  rm -rf "$scratch"
}
trap cleanup EXIT

fail() {
  printf 'benches/density.sh: %s\n' "$*" >&2
  exit 1
}

# Sleeps without starting a process: a read that times out.
exec {silence}<> <(:)
nap() { read -rt "$1" -u "$silence" || true; }

# Prints the median of the numbers on stdin.
median() { sort -n | awk '{ all[NR] = $1 } END { print all[int((NR + 1) / 2)] }'; }

# start_cpu_ms FFMPEG: prints the CPU time until the first media.
start_cpu_ms() {
  local line run user system
  line=$("$program" --print-cmd "${flags[@]}" -ffmpeg "$1" "$url" 2>/dev/null)
  # The command ends with `-f null -`; options of the output precede that.
  line="${line% -f null -} -t $first_media -f null -"
  TIMEFORMAT='%3U %3S'
  for ((run = 0; run < runs; run++)); do
    read -r user system < <({ time eval "$line" >/dev/null 2>&1; } 2>&1)
    awk -v in_user="$user" -v in_kernel="$system" 'BEGIN { print (in_user + in_kernel) * 1000 }'
  done | median
}

# cpu_ns PID: CPU time of all its threads.
cpu_ns() { cat /proc/"$1"/task/*/schedstat | awk '{ ns += $1 } END { printf "%.0f\n", ns }'; }

# Private memory, PSS and page tables of a process, in KiB.
memory_kib() {
  awk '/^Private_(Clean|Dirty):/ { private += $2 } /^Pss:/ { pss = $2 } /^VmPTE:/ { tables = $2 }
    END { print private, pss, tables }' "/proc/$1/smaps_rollup" "/proc/$1/status"
}

# running FFMPEG: prints medians over the clients of a swarm: private memory, PSS, page
# tables, and CPU time per second in µs.
running() {
  local -a children before
  local at
  "$program" "${flags[@]}" -ffmpeg "$1" -clients "$clients" -ramp-rate 20 -metrics '' \
    "$url" >"$scratch/out" 2>"$scratch/log" &
  swarm=$!
  nap "$settle_seconds"
  read -ra children <"/proc/$swarm/task/$swarm/children" || true
  [ "${#children[@]}" = "$clients" ] || fail "$1: $(tail -n 1 "$scratch/log")"
  for at in "${!children[@]}"; do before[at]=$(cpu_ns "${children[at]}"); done
  nap "$seconds"
  for at in "${!children[@]}"; do
    echo $((($(cpu_ns "${children[at]}") - before[at]) / 1000 / seconds))
  done | median >"$scratch/cpu"
  for at in "${!children[@]}"; do memory_kib "${children[at]}"; done >"$scratch/memory"
  kill -TERM "$swarm"
  wait "$swarm" || true
  swarm=
  for at in 1 2 3; do awk -v at="$at" '{ print $at }' "$scratch/memory" | median; done
  cat "$scratch/cpu"
}

[ $# -gt 0 ] || fail "name at least one FFmpeg"
[ -x "$program" ] || fail "no $program; build it with cargo build --release"
"$program" origin -listen 127.0.0.1:0 -variants "$variants" >"$scratch/url" 2>/dev/null &
origin=$!
url=
while [ -z "$url" ]; do
  [ -d "/proc/$origin" ] || fail "the origin ended at once"
  nap 0.05
  url=$(head -n 1 "$scratch/url")
done

printf '| FFmpeg | libraries | with them | CPU to start | private | PSS | page tables | CPU a second | clients a GiB | starts a second on %d cores |\n' "$host_cores"
printf '|---|---|---|---|---|---|---|---|---|---|\n'
for ffmpeg in "$@"; do
  file=$(command -v "$ffmpeg") || fail "no $ffmpeg"
  mapfile -t libraries < <({ ldd "$file" 2>/dev/null || true; } | awk '$2 == "=>" { print $3 }')
  bytes=$(stat -Lc %s "$file" "${libraries[@]}" | awk '{ sum += $1 } END { print sum }')
  version=$("$file" -version | awk 'NR == 1 { print $3 }')
  [ ${#libraries[@]} -gt 0 ] || version="$version, static"
  start=$(start_cpu_ms "$file")
  mapfile -t run < <(running "$file")
  awk -v version="$version" -v bytes="$bytes" -v libraries="${#libraries[@]}" -v start="$start" \
    -v private="${run[0]}" -v pss="${run[1]}" -v tables="${run[2]}" -v cpu="${run[3]}" \
    -v gib="$gibibyte_kib" -v cores="$host_cores" 'BEGIN {
      printf "| %s | %d | %.1f MB | %.1f ms | %.1f MiB | %.1f MiB | %d KiB | %.2f ms | %d | %d |\n",
        version, libraries, bytes / 1e6, start, private / 1024, pss / 1024, tables, cpu / 1000,
        gib / (pss + tables), cores * 1000 / start
    }'
done
