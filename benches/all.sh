#!/usr/bin/env bash
# Repeats the measurements of docs/PERFORMANCE.md and README.md: writes the raw figures to
# docs/performance/, and generates the pictures and tables with benches/report.sh.
#
# usage: benches/all.sh [-seconds N] [CURVE…]
#
# A CURVE is one of readme, clients, lines, restarts and real; the default is all. Each
# point is measured for N seconds (20), which takes 25 min for the curves (15 with 10), and
# 7 more for the real clients. Nothing else should run at the same time: the load before
# the measurement is recorded in docs/performance/host.csv.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=20
if [ "${1:-}" = -seconds ]; then
  seconds=$2
  shift 2
fi
[ $# -gt 0 ] || set -- readme clients lines restarts real
into=docs/performance
mkdir -p "$into"

# The load before the first point; the points themselves load the host.
load=$(cut -d ' ' -f 1,2 --output-delimiter=, /proc/loadavg)

# host CURVE: records the host of the measurement and its load, one line per curve.
host() {
  local line
  [ -s $into/host.csv ] || echo curve,date,cores,processor,memory_mib,kernel,load_1,load_5 >$into/host.csv
  line="$1,$(date -u +%F),$(nproc),$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1 | tr -d ,)"
  line+=",$(awk '$1 == "MemTotal:" { printf "%d", $2 / 1024 }' /proc/meminfo)"
  line+=",Linux $(uname -r | grep -o '^[0-9]*\.[0-9]*'),$load"
  sed -i "/^$1,/d" $into/host.csv
  echo "$line" >>$into/host.csv
}

# Starts per second of clients that do not exit.
rate=500

# scale CURVE FLAG… CLIENTS: measures one point.
scale() {
  echo "== scale.sh ${*:2}" >&2
  benches/scale.sh -csv "$scratch/$1.csv" "${@:2}" "$rate" "$seconds"
}

measure_readme() {
  { echo '$ benches/scale.sh 1000 500 20' && benches/scale.sh 1000 500 20; } | tee "$scratch/scale.txt"
}

measure_clients() {
  local n
  for n in 100 500 1000 3000 5000; do
    scale clients -scenario silent "$n"
    scale clients -scenario chatty -floor "$n"
  done
}

measure_lines() {
  local n
  for n in 1 10 50 100; do scale lines -scenario chatty -lines "$n" -floor 1000; done
  scale lines -scenario chatty -lines 50 -floor 3000
}

# flap CLIENTS MS: measures one point, with the starts spread over a lifetime of 1.25 s and
# the wait, so that the same number exits in each second.
flap() {
  local rate=$(($1 * 1000 / (1250 + $2)))
  scale restarts -scenario flap -backoff "$2" -floor "$1"
}

measure_restarts() {
  local ms
  for ms in 20000 5000 2000 500; do flap 1000 "$ms"; done
  flap 3000 5000
}

measure_real() {
  # The figures include the number of failed checks.
  benches/real.sh -csv "$scratch/real.csv" -seconds "$scratch/real-seconds.csv" 1000 25 300 ||
    echo "benches/all.sh: the real clients did not pass" >&2
}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
for curve in "$@"; do
  declare -F "measure_$curve" >/dev/null || {
    echo "benches/all.sh: no curve $curve; give readme, clients, lines, restarts or real" >&2
    exit 2
  }
done
for curve in "$@"; do
  host "$curve"
  "measure_$curve"
  # The old figures are replaced only by complete ones.
  mv "$scratch"/* $into/
done
benches/report.sh
