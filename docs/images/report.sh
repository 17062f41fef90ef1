#!/usr/bin/env bash
# Regenerates docs/images/report.png: the top of the report of a demo with faults, rendered
# by headless Chromium. Takes about 80 seconds; needs Chromium and FFmpeg.
#
#   docs/images/report.sh [PROGRAM] [FFMPEG]
set -euo pipefail
cd "$(dirname "$0")/../.."

program=${1:-target/release/ffmpeg-hls-swarm}
ffmpeg=${2:-ffmpeg}
chromium=$(command -v chromium || command -v chromium-browser || command -v google-chrome) || {
  echo "Chromium is needed: .ci/setup installs it" >&2
  exit 1
}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

"$program" --demo -clients 40 -ramp-rate 4 -duration 75s -seed 7 -variant first -metrics '' \
  -ffmpeg "$ffmpeg" -target-duration 2s -report "$scratch/report.html" \
  -fault 'latency:exp(80ms)' -fault '404:segments:4%:@20s-45s' \
  -fault hang:segments:/7:@50s-60s >"$scratch/summary" 2>"$scratch/log"
"$chromium" --headless --no-sandbox --disable-gpu --disable-quic --no-first-run \
  --disable-background-networking --disable-component-update --disable-sync \
  --user-data-dir="$scratch/profile" --hide-scrollbars --blink-settings=preferredColorScheme=1 \
  --window-size=1000,1100 --screenshot=docs/images/report.png "file://$scratch/report.html" 2>/dev/null
ls -l docs/images/report.png
