#!/usr/bin/env bash
# The cost of the dashboard: CLIENTS fakes run for SECONDS, without a dashboard and with one
# in a private tmux, in the overview and in the map. First the fakes write a block of
# progress and two lines a second, then they are silent, so that the swarm only draws. Prints
# the CPU time of the swarm, from /proc, and the dashboard's share in percent of a core.
#
# usage: benches/redraw.sh [CLIENTS [SECONDS [PROGRAM]]]
#
# Needs tmux and a C compiler, and for 3,000 clients a hard limit of about 10,000
# descriptors. Opens no connection. Run it on an idle machine: the fakes take more CPU than
# the dashboard.
set -euo pipefail
cd "$(dirname "$0")/.."

clients=${1:-3000}
seconds=${2:-20}
program=${3:-target/release/ffmpeg-hls-swarm}
rate=500
# Permitted time to start the clients beyond the ramp.
grace_ms=30000
# Panes by their key: the overview with its map, and the map.
panes=(1 5)

scratch=$(mktemp -d)
socket=redraw-$$
pid=
cleanup() {
  # The clients end with the program.
  [ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null || true
  env -u TMUX tmux -L "$socket" kill-server 2>/dev/null || true
  rm -rf "$scratch"
}
trap cleanup EXIT

fail() {
  printf 'benches/redraw.sh: %s\n' "$*" >&2
  exit 1
}

now_ms() { echo $((${EPOCHREALTIME/[.,]/} / 1000)); }

# Sleeps without starting a process: a read that times out.
exec {silence}<> <(:)
nap() { read -rt "$1" -u "$silence" || true; }

cpu_us() { cat /proc/"$pid"/task/*/schedstat | awk '{ ns += $1 } END { printf "%d", ns / 1000 }'; }

[ -x "$program" ] || fail "no $program; build it with cargo build --release"
program=$(realpath "$program")
cc -O2 -o "$scratch/ffmpeg" tests/fakes/fake_ffmpeg.c

# Long enough for the starts and the measurement.
talk=
for ((i = 0; i < seconds + clients / rate + 60; i++)); do
  talk+=progress-1/err-2/sleep-1000/
done

tmux_() { env -u TMUX tmux -f /dev/null -L "$socket" "$@"; }
tmux_ new-session -d -x 120 -y 40

# measure NAME ARGS KEY STEPS: measures one run and sets `cpu`.
measure() {
  local name=$1 args=$2 key=$3 steps=$4 children=() deadline
  printf '%s\n' "echo \$\$ >$scratch/pid" \
    "exec $program -clients $clients -ramp-rate $rate -ramp-jitter 0 -metrics '' -log-level warn \
-ffmpeg $scratch/ffmpeg --skip-preflight $args http://127.0.0.1:9/$steps" >"$scratch/run.sh"
  rm -f "$scratch/pid"
  tmux_ send-keys "clear; TERM=tmux-256color sh $scratch/run.sh 2>$scratch/log" Enter
  deadline=$(($(now_ms) + clients * 1000 / rate + grace_ms))
  until [ -s "$scratch/pid" ] && [ "${#children[@]}" -ge "$clients" ]; do
    [ "$(now_ms)" -lt "$deadline" ] || fail "only ${#children[@]} clients run: $(tail -n 1 "$scratch/log")"
    nap 0.05
    pid=$(cat "$scratch/pid" 2>/dev/null || true)
    { read -ra children <"/proc/$pid/task/$pid/children" || true; } 2>/dev/null
  done
  [ -z "$key" ] || tmux_ send-keys "$key"
  nap 2
  cpu=$(cpu_us)
  nap "$seconds"
  cpu=$(($(cpu_us) - cpu))
  kill -TERM "$pid"
  while [ -d "/proc/$pid" ]; do nap 0.05; done
  pid=
  printf '%-22s %9d µs in %d s\n' "$name" "$cpu" "$seconds"
}

for kind in chatty silent; do
  [ "$kind" = chatty ] && steps=$talk || steps=wait
  measure "$kind, no dashboard" -tui=false "" "$steps"
  plain=$cpu
  for key in "${panes[@]}"; do
    measure "$kind, pane $key" -tui "$key" "$steps"
    awk -v us=$((cpu - plain)) -v s="$seconds" \
      'BEGIN { printf "%-22s %9.2f %% of a core\n", "  adds", us / s / 1e4 }'
  done
done
