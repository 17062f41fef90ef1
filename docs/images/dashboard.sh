#!/usr/bin/env bash
# Regenerates docs/images/dashboard.svg: the screen of a demo with some faults in a private
# tmux, after 40 s.
#
# usage: docs/images/dashboard.sh [PROGRAM [FILE]]
#
# Needs tmux, python3 and FFmpeg. Sends traffic to loopback only.
set -euo pipefail
cd "$(dirname "$0")/../.."

program=$(realpath "${1:-target/release/ffmpeg-hls-swarm}")
file=${2:-docs/images/dashboard.svg}
seconds=40
columns=120
lines=40

scratch=$(mktemp -d)
socket=screenshot-$$
cleanup() {
  # The demo ends with its terminal.
  env -u TMUX tmux -L "$socket" kill-server 2>/dev/null || true
  rm -rf "$scratch"
}
trap cleanup EXIT

tmux_() { env -u TMUX tmux -f /dev/null -L "$socket" "$@"; }

tmux_ new-session -d -x "$columns" -y "$lines" \
  "TERM=tmux-256color '$program' --demo -clients 150 -ramp-rate 3 -duration 3m -seed 42 -metrics '' \
  -target-duration 2s -fault 404:segments:4% -fault hang:segments:0.5% -timeout 6s ${FFMPEG:+-ffmpeg '$FFMPEG'}"
sleep "$seconds"
tmux_ capture-pane -e -p >"$scratch/screen"
tmux_ send-keys q
mkdir -p "$(dirname "$file")"
python3 docs/images/terminal.py "$columns" "$lines" <"$scratch/screen" >"$file"
