#!/usr/bin/env bash
# Measures anew what docs/PERFORMANCE.md shows: the raw figures under
# docs/performance/, and from them the pictures and the tables, by benches/report.sh.
#
# usage: benches/all.sh [-seconds N] [CURVE…]
#
# A CURVE is one of clients, lines, restarts and real; all of them if none is named.
# Each point is looked at for N seconds (20), which makes half an hour for the curves,
# and eight minutes more for the real clients. Nothing else should run meanwhile: the
# load that was there before is written down (docs/performance/host.csv).
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=20
if [ "${1:-}" = -seconds ]; then
  seconds=$2
  shift 2
fi
[ $# -gt 0 ] || set -- clients lines restarts real
into=docs/performance
mkdir -p "$into"

# host CURVE: on what, and how busy, the figures were made; one line a curve.
host() {
  local line
  [ -s $into/host.csv ] || echo curve,date,cores,processor,memory_mib,kernel,load_1,load_5 >$into/host.csv
  line="$1,$(date -u +%F),$(nproc),$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1 | tr -d ,)"
  line+=",$(awk '$1 == "MemTotal:" { printf "%d", $2 / 1024 }' /proc/meminfo)"
  line+=",Linux $(uname -r | grep -o '^[0-9]*\.[0-9]*'),$(cut -d ' ' -f 1,2 --output-delimiter=, /proc/loadavg)"
  sed -i "/^$1,/d" $into/host.csv
  echo "$line" >>$into/host.csv
}

# scale CURVE FLAG… CLIENTS: one point.
scale() {
  echo "== scale.sh ${*:2}" >&2
  benches/scale.sh -csv "$scratch/$1.csv" "${@:2}" 500 "$seconds"
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

measure_restarts() {
  local ms
  for ms in 20000 5000 2000 500; do scale restarts -scenario flap -backoff "$ms" -floor 1000; done
  scale restarts -scenario flap -floor 3000
}

measure_real() {
  # What failed stands in the figures, too.
  benches/real.sh -csv "$scratch/real.csv" -seconds "$scratch/real-seconds.csv" 1000 25 300 ||
    echo "benches/all.sh: the real clients did not pass" >&2
}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
for curve in "$@"; do
  declare -F "measure_$curve" >/dev/null || {
    echo "benches/all.sh: no curve $curve; there are clients, lines, restarts and real" >&2
    exit 2
  }
done
for curve in "$@"; do
  host "$curve"
  "measure_$curve"
  # Only what is whole takes the place of what was there.
  mv "$scratch/$curve"*.csv $into/
done
benches/report.sh
