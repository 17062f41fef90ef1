#!/usr/bin/env bash
# What it costs to supervise many clients: starts CLIENTS silent fakes at RATE a
# second, looks on for SECONDS while nothing happens, stops, and prints what that
# took of time, memory and CPU, as /proc tells it.
#
# usage: benches/scale.sh [CLIENTS [RATE [SECONDS [PROGRAM]]]]
#
# The fakes play nothing, so this is the cost of the swarm alone; what FFmpeg
# itself needs is measured by the preflight of a run. Needs a C compiler, and for
# 3,000 clients a hard limit of about 10,000 descriptors. Opens no connection.
set -euo pipefail
cd "$(dirname "$0")/.."

clients=${1:-1000}
rate=${2:-500}
seconds=${3:-20}
program=${4:-target/release/ffmpeg-hls-swarm}

# How long the clients may take beyond the time that the rate asks for.
grace_ms=30000

scratch=$(mktemp -d)
pid=
cleanup() {
  # Its clients end with it.
  [ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null || true
  rm -rf "$scratch"
}
trap cleanup EXIT

fail() {
  printf 'benches/scale.sh: %s\n' "$*" >&2
  exit 1
}

now_ms() { echo $((${EPOCHREALTIME/[.,]/} / 1000)); }

# Sleeps without a process of its own: a read that nobody answers.
exec {silence}<> <(:)
nap() { read -rt "$1" -u "$silence" || true; }

count_children() {
  local children=()
  { read -ra children <"/proc/$pid/task/$pid/children" || true; } 2>/dev/null
  count=${#children[@]}
}

# field NAME: a number of /proc/PID/status.
field() { awk -v name="$1:" '$1 == name { print $2 }' "/proc/$pid/status"; }

# CPU time of all threads since their start, in microseconds.
cpu_us() { cat /proc/"$pid"/task/*/schedstat | awk '{ ns += $1 } END { printf "%d", ns / 1000 }'; }

[ -x "$program" ] || fail "no $program; build it with cargo build --release"
cc -O2 -o "$scratch/ffmpeg" tests/fakes/fake_ffmpeg.c

start=$(now_ms)
"$program" -clients "$clients" -ramp-rate "$rate" -ramp-jitter 0 -metrics 127.0.0.1:0 \
  -ffmpeg "$scratch/ffmpeg" --skip-preflight http://127.0.0.1:9/wait \
  >"$scratch/out" 2>"$scratch/log" &
pid=$!
deadline=$((start + clients * 1000 / rate + grace_ms))
count=0
while [ "$count" -lt "$clients" ]; do
  [ -d "/proc/$pid/task/$pid" ] || fail "the run ended at once: $(tail -n 1 "$scratch/log")"
  [ "$(now_ms)" -lt "$deadline" ] || fail "only $count clients run: $(tail -n 1 "$scratch/log")"
  nap 0.01
  count_children
done
reached=$(now_ms)

# The last starts are still being logged.
nap 2
cpu=$(cpu_us)
wakeups=$(field voluntary_ctxt_switches)
nap "$seconds"
cpu=$(($(cpu_us) - cpu))
wakeups=$(($(field voluntary_ctxt_switches) - wakeups))
resident=$(field VmRSS)
threads=$(field Threads)

stop=$(now_ms)
kill -TERM "$pid"
code=0
wait "$pid" || code=$?
stopped=$(now_ms)
pid=
[ "$code" = 0 ] || fail "the run ended with exit code $code: $(tail -n 1 "$scratch/log")"

cat <<END
clients          $clients
reached after    $((reached - start)) ms, at $rate a second ideally $((clients * 1000 / rate)) ms
resident memory  $resident KiB
threads          $threads
CPU              $cpu µs in $seconds s
wake-ups         $wakeups in $seconds s
stopped after    $((stopped - stop)) ms
END
