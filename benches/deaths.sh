#!/usr/bin/env bash
# The delay of a scrape when all clients exit at once: starts CLIENTS silent fakes, scrapes
# continuously on one connection, kills every client, and prints the slowest scrape and the
# longest turns of the loop.
#
# usage: benches/deaths.sh [CLIENTS [PROGRAM [held]]]
#
# With `held` the program is stopped (SIGSTOP) until all clients have exited, so that it
# finds every exit in one poll. A scrape is pending when it is continued, and is timed from
# then.
#
# Needs a C compiler, curl, and for 3,000 clients a hard limit of about 10,000
# descriptors. Opens connections only to the program.
set -euo pipefail
cd "$(dirname "$0")/.."

clients=${1:-3000}
program=${2:-target/release/ffmpeg-hls-swarm}
held=${3:-}

scratch=$(mktemp -d)
pid= scraper=
cleanup() {
  # The clients end with the program.
  [ -z "$scraper" ] || kill -KILL "$scraper" 2>/dev/null || true
  [ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null || true
  rm -rf "$scratch"
}
trap cleanup EXIT

fail() {
  printf 'benches/deaths.sh: %s\n' "$*" >&2
  exit 1
}

# Sleeps without starting a process: a read that times out.
exec {silence}<> <(:)
nap() { read -rt "$1" -u "$silence" || true; }

scrape() { curl -sf "http://$address/metrics"; }
value() { scrape | awk -v name="$1" '$1 == name { print $2 }'; }

# until_value NAME AT_LEAST
until_value() {
  local _ now
  for _ in {1..600}; do
    now=$(value "$1")
    [ "${now:-0}" -lt "$2" ] || return 0
    nap 0.1
  done
  fail "$1 did not reach $2"
}

# Time that the program has waited for a core, in ns (schedstat of proc(5)).
waited() { awk '{ print $2 }' "/proc/$pid/schedstat"; }

# A scraper on another host would not compete for these cores. If permitted, this one runs
# with real-time priority (chrt(1)), so that the program's response is timed.
ahead=()
! chrt -f 1 true 2>/dev/null || ahead=(chrt -f 1)

# scrape_on N FILE: writes the times of N consecutive scrapes on one connection, in ms.
scrape_on() {
  "${ahead[@]}" curl -s -o /dev/null -w '%{time_total}\n' "http://$address/metrics?[1-$1]" |
    awk '{ print $1 * 1000 }' >"$2"
}

[ -x "$program" ] || fail "no $program; build it with cargo build --release"
cc -O2 -o "$scratch/ffmpeg" tests/fakes/fake_ffmpeg.c

: >"$scratch/log"
# The clients wait a minute before they restart, so that the starts are not measured.
"$program" -clients "$clients" -ramp-rate 1000 -ramp-jitter 0 -metrics 127.0.0.1:0 \
  -backoff-initial 60s -backoff-max 60s -log-format json \
  -ffmpeg "$scratch/ffmpeg" --skip-preflight http://127.0.0.1:9/wait \
  >"$scratch/out" 2>"$scratch/log" &
pid=$!
address=
for _ in {1..100}; do
  address=$(sed -n '/"metrics_server_started"/s/.*"address":"\([^"]*\)".*/\1/p' "$scratch/log")
  [ -z "$address" ] || break
  nap 0.1
done
[ -n "$address" ] || fail "the log has no address: $(tail -n 1 "$scratch/log")"
until_value hlsswarm_clients_active "$clients"
read -ra children <"/proc/$pid/task/$pid/children" || true
nap 1

scrape_on 500 "$scratch/calm"
scrape >"$scratch/before"
waited=$(waited)
if [ "$held" = held ]; then
  kill -STOP "$pid"
  kill -KILL "${children[@]}"
  for child in "${children[@]}"; do
    until read -r _ _ state _ <"/proc/$child/stat" && [ "$state" = Z ]; do nap 0.01; done
  done
  scrape_on 1 "$scratch/deaths" &
  scraper=$!
  # Its request is pending when the program is continued.
  nap 0.2
  went_on=$EPOCHREALTIME
  kill -CONT "$pid"
  wait "$scraper"
  awk -v from="$went_on" -v to="$EPOCHREALTIME" 'BEGIN { print (to - from) * 1000 }' >"$scratch/deaths"
  scraper=
else
  scrape_on 3000 "$scratch/deaths" &
  scraper=$!
  nap 0.1
  kill -KILL "${children[@]}"
fi
until_value 'hlsswarm_process_exits_total{code="137"}' "$clients"
scrape >"$scratch/after"
waited=$(($(waited) - waited))
if [ -n "$scraper" ]; then
  wait "$scraper"
  scraper=
fi

kill -TERM "$pid"
code=0
wait "$pid" || code=$?
pid=
[ "$code" = 0 ] || fail "the run ended with exit code $code: $(tail -n 1 "$scratch/log")"

spread() { sort -n "$1" | awk '{ t[NR] = $1 } END { printf "P50 %.2f ms, P99 %.2f ms, slowest %.2f ms", t[int(NR * .5 + .5)], t[int(NR * .99 + .5)], t[NR] }'; }
echo "clients          $clients killed at once"
echo "scrapes before   $(spread "$scratch/calm")"
echo "scrapes during   $(spread "$scratch/deaths")"
echo "waits for a core $((waited / 1000000)) ms in all, while the exiting clients used the cores"
awk '
  function bound(text) { sub(/.*le="/, "", text); sub(/".*/, "", text); return text }
  /^hlsswarm_reactor_turn_seconds_bucket/ {
    if (FNR == NR) { before[$1] = $2; next }
    count = $2 - before[$1] - last
    if (count > 0) line = line sprintf(" up to %s s: %d;", bound($1), count)
    last = $2 - before[$1]
  }
  END { print "turns           " line }' "$scratch/before" "$scratch/after"
