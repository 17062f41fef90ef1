#!/usr/bin/env bash
# Does a long run leak? 200 clients that end repeatedly in every way and 200 healthy ones
# run for SECONDS. Every 10 s a line is written to OUT/soak.csv: resident memory,
# descriptors, live children, entries of the event loop, and counters. At the end the script
# prints the slopes over the second half, by least squares, and whether starts equal exits
# plus live processes. The exit code is 1 if anything leaks.
#
# usage: benches/soak.sh [SECONDS [OUT [PROGRAM]]]
#
# OUT is a folder outside the tree, by default a new one under TMPDIR. Needs a C
# compiler. The fakes open no connection; the program is scraped over loopback.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-3600}
out=${2:-$(mktemp -d)}
program=${3:-target/release/ffmpeg-hls-swarm}

flapping=200
clients=400
every=10
# Permitted growth of memory over the second half, in KiB: the variation of an allocator. A
# leak of ten bytes per exit would be over 600 in half an hour.
memory_growth_max=512
# Permitted growth of descriptors and entries: the number of live flapping clients varies.
count_growth_max=30
# Smallest number of samples for a slope.
samples_min=12

pid=
cleanup() {
  # The clients end with the program.
  [ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null || true
}
trap cleanup EXIT

fail() {
  printf 'benches/soak.sh: %s\n' "$*" >&2
  exit 1
}

# Sleeps without starting a process: a read that times out.
exec {silence}<> <(:)
nap() { read -rt "$1" -u "$silence" || true; }

# scrape: prints /metrics, over one connection.
scrape() {
  local connection
  exec {connection}<>"/dev/tcp/${address%:*}/${address##*:}"
  printf 'GET /metrics HTTP/1.1\r\nHost: soak\r\nConnection: close\r\n\r\n' >&"$connection"
  cat <&"$connection"
  exec {connection}>&-
}

# Writes a line of the table: time, values from /proc, and sums over the labels of a family.
sample() {
  local fds=("/proc/$pid/fd/"*) children=() resident
  read -ra children <"/proc/$pid/task/$pid/children" || true
  resident=$(awk '$1 == "VmRSS:" { print $2 }' "/proc/$pid/status")
  scrape | awk -v prefix="$((SECONDS)),$resident,${#fds[@]},${#children[@]}" '
    /^hlsswarm_reactor_entries/ { entries += $2 }
    /^hlsswarm_reactor_entries\{kind="output"/ { output = $2 }
    /^hlsswarm_reactor_entries\{kind="exit"/ { live = $2 }
    /^hlsswarm_clients_active / { active = $2 }
    /^hlsswarm_clients_started_total / { started = $2 }
    /^hlsswarm_process_exits_total/ { exited += $2 }
    /^hlsswarm_clients\{state="draining"/ { draining = $2 }
    /^hlsswarm_spawn_failures_total/ { failed += $2 }
    /^hlsswarm_log_lines_total/ { lines += $2 }
    /^hlsswarm_log_lines_dropped_total/ { dropped += $2 }
    /^hlsswarm_scrape_duration_seconds / { scrape = $2 }
    /^process_cpu_seconds_total / { cpu = $2 }
    END {
      OFMT = "%.6f"; CONVFMT = "%.6f"
      if (started == "") exit 1
      printf "%s,%d,%d,%d,%d,%d,%d,%d,%d,%d,%d,%s,%s\n", prefix, entries, output, live,
        active, started, exited, draining, failed, lines, dropped, scrape, cpu
    }' >>"$table" || fail "no scrape"
}

[ -x "$program" ] || fail "no $program; build it with cargo build --release"
mkdir -p "$out"
table=$out/soak.csv
cc -O2 -DLONGEST_LIFE="$((seconds + 600))" -o "$out/ffmpeg" tests/fakes/fake_ffmpeg.c

: >"$out/address"
"$program" -clients "$clients" -ramp-rate 200 -ramp-jitter 0 -metrics 127.0.0.1:0 \
  -log-format json -summary-json "$out/summary.json" -ffmpeg "$out/ffmpeg" --skip-preflight \
  "http://127.0.0.1:9/first-$flapping/flap" >"$out/summary.txt" \
  2> >(sed -un '/"metrics_server_started"/{s/.*"address":"\([^"]*\)".*/\1/p;q}' >"$out/address"
       exec tail -n 2000 >"$out/log.tail") &
pid=$!
for _ in {1..100}; do
  [ ! -s "$out/address" ] || break
  nap 0.1
done
address=$(<"$out/address")
[ -n "$address" ] || fail "the log has no address"

SECONDS=0
printf 'seconds,resident_kib,descriptors,children,entries,entries_output,entries_exit,active,' >"$table"
printf 'started,exited,draining,spawn_failures,log_lines,log_lines_dropped,scrape_seconds,cpu_seconds\n' >>"$table"
while [ "$SECONDS" -lt "$seconds" ]; do
  nap "$every"
  [ -d "/proc/$pid/task/$pid" ] || fail "the run ended: $(tail -n 1 "$out/log.tail")"
  sample
done

kill -TERM "$pid"
code=0
wait "$pid" || code=$?
pid=
[ "$code" = 0 ] || fail "the run ended with exit code $code: $(tail -n 1 "$out/log.tail")"

awk -F, -v memory_max="$memory_growth_max" -v count_max="$count_growth_max" -v samples_min="$samples_min" '
  # In a sample every started process is alive, counted as ended, or in between.
  NR > 1 {
    n++; at[n] = $1; memory[n] = $2; fds[n] = $3; children[n] = $4; entries[n] = $5
    gap = $9 - $10 - $7
    if (gap < 0 || gap > $11) { broken++ }
    last = $0; started = $9; cpu = $16
  }
  function slope(value,    i, m, x, y, sx, sy, sxx, sxy) {
    for (i = int(n / 2) + 1; i <= n; i++) {
      x = at[i]; y = value[i]; m++; sx += x; sy += y; sxx += x * x; sxy += x * y
    }
    return m * sxx == sx * sx ? 0 : (m * sxy - sx * sy) / (m * sxx - sx * sx)
  }
  function judge(name, unit, value, most,    per_second, growth) {
    per_second = slope(value)
    growth = per_second * (at[n] - at[int(n / 2) + 1])
    leaks = n >= samples_min && growth > most
    printf "%-16s first %d, last %d %s; %+.1f an hour, %+.1f in the second half%s\n", name,
      value[1], value[n], unit, per_second * 3600, growth, leaks ? ": LEAKS" : ""
    bad += leaks
  }
  END {
    printf "samples          %d over %d s, %d starts, CPU %.1f s\n", n, at[n], started, cpu
    judge("resident memory", "KiB", memory, memory_max)
    judge("descriptors", "", fds, count_max)
    judge("children", "", children, count_max)
    judge("entries", "", entries, count_max)
    printf "identity         started = exited + live: broken in %d of %d samples\n", broken + 0, n
    if (n < samples_min) print "too few samples to judge slopes"
    exit bad + broken > 0
  }' "$table" || code=1

# After the end nothing is alive, so every started process has exited.
tr -s '{},' '\n' <"$out/summary.json" | awk -F: '
  { gsub(/[" ]/, "") }
  $1 == "started" && started == "" { started = $2 }
  $1 == "exits" { inside = 1; next }
  inside && $1 !~ /^[0-9]+$/ { inside = 0 }
  inside { exited += $2 }
  END {
    printf "at the end       %d started, %d exited\n", started, exited
    exit !started || started != exited
  }' || code=1
echo "table            $table"
exit "$code"
