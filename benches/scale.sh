#!/usr/bin/env bash
# The cost of supervising many clients: starts CLIENTS fakes at RATE a second, waits for
# SECONDS, scrapes, stops, and prints the time, memory and CPU used, from /proc.
#
# usage: benches/scale.sh [FLAG…] [CLIENTS [RATE [SECONDS [PROGRAM]]]]
#
#   -scenario silent    clients that write nothing (the default)
#   -scenario chatty    clients that write log and progress as a real FFmpeg does
#   -scenario flap      clients that live for 0.5 to 2 s, exit, and restart
#   -lines N            lines per second of each chatty client (10, as in a live
#                       stream of one-second segments at verbose)
#   -backoff MS         time from an exit to the next start (5000, ±20 % in the swarm)
#   -floor              also measure the floor: benches/floor.c, which discards the
#                       output of the same fakes, at once and every 10 ms
#   -csv FILE           append the raw figures to this file
#
# The fakes play nothing, so only the cost of the swarm is measured. The cost of FFmpeg is
# measured by the preflight of a run, and by benches/real.sh. Needs a C compiler and curl,
# and for 3,000 clients a hard limit of about 10,000 descriptors. Scrapes over loopback and
# opens no other connection.
set -euo pipefail
cd "$(dirname "$0")/.."
. benches/measure.sh

scenario=silent lines=10 backoff_ms=5000 floor="" csv=""
while [ $# -gt 0 ]; do
  case $1 in
    -scenario) scenario=$2 && shift 2 ;;
    -lines) lines=$2 && shift 2 ;;
    -backoff) backoff_ms=$2 && shift 2 ;;
    -floor) floor=yes && shift ;;
    -csv) csv=$2 && shift 2 ;;
    *) break ;;
  esac
done
clients=${1:-1000}
rate=${2:-500}
seconds=${3:-20}
program=${4:-target/release/ffmpeg-hls-swarm}

# Permitted time to start the clients beyond the ramp.
grace_ms=30000
# Number of scrapes on one connection, for the percentiles.
scrapes=200
# Longest lifetime of a flapping fake.
life_ms=2000
# Sleep of the floor between two reads, if it does not read at once.
coalesce_ms=10

header=scenario,program,clients,rate,lines_each,backoff_ms,window_ms,reached_ms,resident_kib,cpu_us,wakeups,lines,starts,late,scrape_p50_us,scrape_p99_us,scrape_max_us,scrape_cpu_us,scrape_bytes,stopped_ms

scratch=$(mktemp -d)
pid=
cleanup() {
  # The clients end with the program.
  [ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null || true
  rm -rf "$scratch"
}
trap cleanup EXIT

fail() {
  printf 'benches/scale.sh: %s\n' "$*" >&2
  exit 1
}

case $scenario in
  silent) lines=0 backoff_ms=0 url=http://127.0.0.1:9/wait ;;
  chatty) backoff_ms=0 url=http://127.0.0.1:9/chat-$lines ;;
  flap) lines=0 url=http://127.0.0.1:9/brief-$life_ms/exit-1 ;;
  *) fail "no scenario $scenario; give silent, chatty or flap" ;;
esac

[ -x "$program" ] || fail "no $program; build it with cargo build --release"
# A static fake starts in half the time and leaves more CPU for the measurement.
cc -O2 -static -DLONGEST_LIFE=600 -o "$scratch/ffmpeg" tests/fakes/fake_ffmpeg.c 2>/dev/null ||
  cc -O2 -DLONGEST_LIFE=600 -o "$scratch/ffmpeg" tests/fakes/fake_ffmpeg.c
cc -O2 -o "$scratch/floor" benches/floor.c
ulimit -n "$(ulimit -Hn)"

# launch PROGRAM: swarm, floor, or floor-MS for one that reads every MS milliseconds.
launch() {
  local backoff=()
  [ "$backoff_ms" = 0 ] || backoff=(-backoff-initial "${backoff_ms}ms" -backoff-max "${backoff_ms}ms")
  : >"$scratch/log"
  start=$(now_ms)
  case $1 in
    swarm)
      "$program" -clients "$clients" -ramp-rate "$rate" -ramp-jitter 0 -metrics 127.0.0.1:0 \
        -log-format json "${backoff[@]}" -ffmpeg "$scratch/ffmpeg" --skip-preflight "$url" \
        >"$scratch/out" 2>"$scratch/log" &
      ;;
    floor | floor-*)
      local coalesce=0
      [ "$1" = floor ] || coalesce=${1#floor-}
      "$scratch/floor" "$clients" "$rate" "$coalesce" "$backoff_ms" "$scratch/ffmpeg" "$url" \
        >"$scratch/out" 2>"$scratch/log" &
      ;;
  esac
  pid=$!
}

# Waits until all clients run, or, if they do not live that long, until all have started
# and exits and restarts are balanced.
await_clients() {
  local deadline=$((start + clients * 1000 / rate + grace_ms))
  reached_ms=
  if [ "$scenario" = flap ]; then
    local ramp_ms=$((clients * 1000 / rate)) cycle_ms=$((life_ms * 5 / 8 + backoff_ms))
    # A ramp of one cycle spreads the exits evenly; in a shorter one chance does.
    [ $ramp_ms -ge $((cycle_ms * 9 / 10)) ] || ramp_ms=$((ramp_ms + cycle_ms * 3 / 2))
    nap $((ramp_ms / 1000 + 3))
    return
  fi
  while [ "$(children "$pid")" -lt "$clients" ]; do
    [ -d "/proc/$pid/task/$pid" ] || fail "the run ended at once: $(tail -n 1 "$scratch/log")"
    [ "$(now_ms)" -lt "$deadline" ] || fail "only $(children "$pid") clients run: $(tail -n 1 "$scratch/log")"
    nap 0.01
  done
  reached_ms=$(($(now_ms) - start))
  # The last starts may not be logged yet.
  nap 2
}

scrape() { curl -sSf "http://$address/metrics" >"$1"; }

# Measures the window: CPU, wake-ups, and the swarm's counters.
look_on() {
  local who=$1 from cpu_before wakeups_before before after
  if [ "$who" = swarm ]; then
    scrape "$scratch/before"
    # The connection of the scrape ends before the window begins.
    nap 0.2
  fi
  from=$(now_us)
  cpu_before=$(cpu_us "$pid")
  wakeups_before=$(field "$pid" voluntary_ctxt_switches)
  nap "$seconds"
  cpu=$(($(cpu_us "$pid") - cpu_before))
  wakeups=$(($(field "$pid" voluntary_ctxt_switches) - wakeups_before))
  window_us=$(($(now_us) - from))
  resident=$(field "$pid" VmRSS)
  lines_read="" starts="" late=""
  if [ "$who" = swarm ]; then
    scrape "$scratch/after"
    read -ra before < <(counters "$scratch/before" 'hlsswarm_log_lines_total*' hlsswarm_clients_started_total)
    read -ra after < <(counters "$scratch/after" 'hlsswarm_log_lines_total*' hlsswarm_clients_started_total \
      hlsswarm_start_lateness_seconds_count 'hlsswarm_start_lateness_seconds_bucket{le="0.1"}')
    lines_read=$((after[0] - before[0]))
    starts=$((after[1] - before[1]))
    late=$((after[2] - after[3]))
  fi
}

# Scrapes repeatedly on one connection; the CPU of a scrape is that beyond the window's rate.
scrape_often() {
  local from cpu_before took_us
  from=$(now_us)
  cpu_before=$(cpu_us "$pid")
  curl -sSf -o "$scratch/scraped" -w '%{time_total}\n' "http://$address/metrics?[1-$scrapes]" |
    awk '{ printf "%.0f\n", $1 * 1e6 }' >"$scratch/walls"
  scrape_cpu=$(($(cpu_us "$pid") - cpu_before))
  took_us=$(($(now_us) - from))
  scrape_cpu=$(((scrape_cpu - cpu * took_us / window_us) / scrapes))
  scrape_bytes=$(stat -c %s "$scratch/after")
  read -r scrape_p50 scrape_p99 scrape_max < <(spread "$scratch/walls")
}

stop() {
  local from code=0
  from=$(now_ms)
  kill -TERM "$pid"
  wait "$pid" || code=$?
  stopped_ms=$(($(now_ms) - from))
  pid=
  [ "$code" = 0 ] || fail "the run ended with exit code $code: $(tail -n 1 "$scratch/log")"
}

measure() {
  local who=$1
  launch "$who"
  if [ "$who" = swarm ]; then
    address=$(address_in "$scratch/log") || fail "the log has no address: $(tail -n 1 "$scratch/log")"
  fi
  await_clients
  look_on "$who"
  threads=$(field "$pid" Threads)
  scrape_p50="" scrape_p99="" scrape_max="" scrape_cpu="" scrape_bytes=""
  [ "$who" != swarm ] || scrape_often
  stop
  append_csv "$csv" "$header" "$scenario,$who,$clients,$rate,$lines,$backoff_ms,$((window_us / 1000)),$reached_ms,$resident,$cpu,$wakeups,$lines_read,$starts,$late,$scrape_p50,$scrape_p99,$scrape_max,$scrape_cpu,$scrape_bytes,$stopped_ms"
}

report() {
  echo "clients          $clients, $scenario"
  [ -z "$reached_ms" ] ||
    echo "reached after    $reached_ms ms, at $rate a second ideally $((clients * 1000 / rate)) ms"
  echo "late starts      $late, by over 100 ms"
  [ "$scenario" != chatty ] || echo "lines read       $((lines_read * 1000000 / window_us)) a second"
  [ "$scenario" != flap ] || echo "restarts         $((starts * 1000000 / window_us)) a second"
  echo "resident memory  $resident KiB"
  echo "threads          $threads"
  echo "CPU              $cpu µs in $seconds s"
  echo "wake-ups         $wakeups in $seconds s"
  echo "scrape           $scrape_cpu µs of CPU; response time P50 $scrape_p50 µs, P99 $scrape_p99 µs"
  echo "stopped after    $stopped_ms ms"
}

measure swarm
report
[ -n "$floor" ] || exit 0
own=$cpu
for who in floor "floor-$coalesce_ms"; do
  measure "$who"
  name='floor, at once'
  [ $who = floor ] || name="floor, $coalesce_ms ms"
  awk -v name="$name" -v cpu="$cpu" -v own="$own" -v s="$seconds" 'BEGIN {
    printf "%-16s %d µs in %d s: swarm / floor = %s\n", name, cpu, s, cpu ? sprintf("%.2f", own / cpu) : "-"
  }'
done
