#!/usr/bin/env bash
# Generates the pictures and the tables of docs/PERFORMANCE.md, and the excerpt in
# README.md, from the raw figures under docs/performance/. It measures nothing. A table
# replaces the text between `<!-- NAME -->` and `<!-- end -->`.
#
# usage: benches/report.sh
# The awk programs are for awk.
# shellcheck disable=SC2016,SC2119,SC2120
set -euo pipefail
cd "$(dirname "$0")/.."
export LC_ALL=C

into=docs/performance
page=docs/PERFORMANCE.md

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# from CURVE PROGRAM: runs an awk program over the figures of a curve, whose columns are
# available by name: $at["clients"]. cpu_20s() is seconds of CPU in 20 s.
from() {
  awk -F, "
    function cpu_20s() { return \$at[\"cpu_us\"] / \$at[\"window_ms\"] * 0.02 }
    function percent() { return \$at[\"cpu_us\"] / \$at[\"window_ms\"] / 10 }
    function a_second(n) { return n * 1000 / \$at[\"window_ms\"] }
    function ratio(n, of) { return of > 0 ? sprintf(\"%.2f\", n / of) : \"\" }
    function ms(us) { return sprintf(\"%.2f\", us / 1000) }
    function grouped(n,    text, out) {
      for (text = sprintf(\"%.0f\", n); length(text) > 3; text = substr(text, 1, length(text) - 3))
        out = \",\" substr(text, length(text) - 2) out
      return text out
    }
    function who() { return \$at[\"program\"] == \"swarm\" ? \"swarm\" : \$at[\"program\"] == \"floor\" ? \"floor, reading at once\" : \"floor, every \" substr(\$at[\"program\"], 7) \" ms\" }
    NR == 1 { for (i = 1; i <= NF; i++) at[\$i] = i; next }
    $2" "$into/$1.csv"
}

# picture NAME TITLE X Y: draws lines of figures from stdin.
picture() {
  awk -f benches/plot.awk -v title="$2" -v x_label="$3" -v y_label="$4" - >"$scratch/$1.svg"
  mv "$scratch/$1.svg" "$into/$1.svg"
}

# table NAME [PAGE]: writes the table on stdin into the page.
table() {
  local onto=${2:-$page}
  cat >"$scratch/table"
  awk -v name="$1" -v file="$scratch/table" '
    $0 == "<!-- " name " -->" { print; while ((getline line <file) > 0) print line; inside = found = 1 }
    $0 == "<!-- end -->" { inside = 0 }
    !inside
    END { if (!found) { print "report.sh: no place for " name >"/dev/stderr"; exit 1 } }' "$onto" >"$scratch/page"
  cat "$scratch/page" >"$onto"
}

clients_curve() {
  from clients '$at["scenario"] == "chatty" { print who() "\t" $at["clients"] "\t" percent() }' |
    picture clients-cpu 'CPU of chatty clients, 10 lines a second each' clients 'CPU, % of one core'
  from clients '$at["program"] == "swarm" { print $at["scenario"] "\t" $at["clients"] "\t" $at["resident_kib"] / 1024 }' |
    picture clients-memory 'Resident memory of the swarm' clients MiB
  from clients '$at["program"] == "swarm" && $at["scenario"] == "chatty" {
      print "P50, by the wall clock\t" $at["clients"] "\t" $at["scrape_p50_us"] / 1000
      print "P99, by the wall clock\t" $at["clients"] "\t" $at["scrape_p99_us"] / 1000
      print "CPU of the swarm\t" $at["clients"] "\t" $at["scrape_cpu_us"] / 1000 }' |
    picture clients-scrape 'A scrape, chatty clients' clients ms
  clients_tables
}

clients_tables() {
  {
    echo '| clients | reached (ideal) | late starts | resident | CPU in 20 s | wake-ups in 20 s | scrape: CPU | P50 | P99 | stopped after |'
    echo '|---|---|---|---|---|---|---|---|---|---|'
    from clients '$at["program"] == "swarm" && $at["scenario"] == "silent" {
      printf "| %s | %.2f s (%.1f) | %s | %.1f MiB | %.4f s | %.0f | %s ms | %s ms | %s ms | %.2f s |\n",
        grouped($at["clients"]), $at["reached_ms"] / 1000, $at["clients"] / $at["rate"], $at["late"],
        $at["resident_kib"] / 1024, cpu_20s(), 20 * a_second($at["wakeups"]), ms($at["scrape_cpu_us"]),
        ms($at["scrape_p50_us"]), ms($at["scrape_p99_us"]), $at["stopped_ms"] / 1000 }'
  } | table clients-silent
  {
    echo '| clients | lines per second | reached (ideal) | late starts | resident | CPU in 20 s | of one core | ratio to the floor | to the floor at 10 ms | scrape: CPU | P50 | P99 | stopped after |'
    echo '|---|---|---|---|---|---|---|---|---|---|---|---|---|'
    from clients '
      $at["scenario"] != "chatty" { next }
      $at["program"] == "swarm" {
        own = cpu_20s()
        line = sprintf("| %s | %s | %.2f s (%.1f) | %s | %.1f MiB | %.3f s | %.2f %% |", grouped($at["clients"]),
          grouped(a_second($at["lines"])), $at["reached_ms"] / 1000, $at["clients"] / $at["rate"], $at["late"],
          $at["resident_kib"] / 1024, own, percent())
        rest = sprintf(" %s ms | %s ms | %s ms | %.2f s |", ms($at["scrape_cpu_us"]), ms($at["scrape_p50_us"]),
          ms($at["scrape_p99_us"]), $at["stopped_ms"] / 1000)
      }
      $at["program"] == "floor" { at_once = ratio(own, cpu_20s()) }
      $at["program"] == "floor-10" { print line " " at_once " | " ratio(own, cpu_20s()) " |" rest }'
  } | table clients-chatty
}

# Each floor follows its swarm and has the same input, so it is drawn at the same place.
lines_curve() {
  from lines '
    $at["program"] == "swarm" { x = a_second($at["lines"]) }
    $at["clients"] == 1000 { print who() "\t" x "\t" percent() }' |
    picture lines-cpu 'CPU of 1,000 clients against what they write' 'lines a second' 'CPU, % of one core'
  {
    echo '| clients | lines per second and client | lines per second | CPU in 20 s | of one core | CPU per line | ratio to the floor | to the floor at 10 ms |'
    echo '|---|---|---|---|---|---|---|---|'
    from lines '
      $at["program"] == "swarm" {
        own = cpu_20s()
        line = sprintf("| %s | %s | %s | %.3f s | %.2f %% | %.2f µs |", grouped($at["clients"]), $at["lines_each"],
          grouped(a_second($at["lines"])), own, percent(), $at["cpu_us"] / $at["lines"])
      }
      $at["program"] == "floor" { at_once = ratio(own, cpu_20s()) }
      $at["program"] == "floor-10" { print line " " at_once " | " ratio(own, cpu_20s()) " |" }'
  } | table lines
}

restarts_curve() {
  from restarts '
    $at["program"] == "swarm" { x = a_second($at["starts"]) }
    $at["clients"] == 1000 { print who() "\t" x "\t" percent() }' |
    picture restarts-cpu 'CPU of 1,000 clients against their deaths' 'restarts a second' 'CPU, % of one core'
  {
    echo '| clients | wait before a restart | restarts per second | late starts | resident | CPU in 20 s | of one core | CPU per restart | ratio to the floor | to the floor at 10 ms | stopped after |'
    echo '|---|---|---|---|---|---|---|---|---|---|---|'
    from restarts '
      $at["program"] == "swarm" {
        own = cpu_20s(); n = $at["starts"]
        line = sprintf("| %s | %.1f s | %.0f | %s | %.1f MiB | %.3f s | %.2f %% | %.0f µs |", grouped($at["clients"]),
          $at["backoff_ms"] / 1000, a_second(n), $at["late"], $at["resident_kib"] / 1024, own, percent(), $at["cpu_us"] / n)
        stopped = $at["stopped_ms"] / 1000
      }
      $at["program"] == "floor" { at_once = ratio(own, cpu_20s()) }
      $at["program"] == "floor-10" { printf "%s %s | %s | %.2f s |\n", line, at_once, ratio(own, cpu_20s()), stopped }'
  } | table restarts
}

real_curve() {
  awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
    last { took = $at["second"] - last; if (took > 0) print "swarm\t" $at["second"] "\t" ($at["cpu_us"] - cpu) / took / 10000 }
    { last = $at["second"]; cpu = $at["cpu_us"] }' "$into/real-seconds.csv" >"$scratch/each"
  # Means of ten seconds: a single second depends more on the sampling clock than on the
  # swarm.
  awk -F '\t' '{ sum += $3; n++ } n == 10 { print $1 "\t" $2 "\t" sum / n; sum = n = 0 }' "$scratch/each" |
    picture real-cpu 'CPU of the swarm with real clients, from the first start on' 'seconds' '% of one core'
  {
    echo '| | |'
    echo '|---|---|'
    awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) name[i] = $i; next } { for (i = 1; i <= NF; i++) v[name[i]] = $i }
      END {
        print "| FFmpeg | " v["ffmpeg"] " |"
        print "| clients, starts per second | " v["clients"] ", " v["rate"] " |"
        printf "| all clients running after | %.1f s |\n", v["reached_ms"] / 1000
        printf "| then measured for | %.0f s |\n", v["window_ms"] / 1000
        print "| starts more than 100 ms late | " v["late"] " |"
        print "| restarts, exits | " v["restarts"] ", " v["exits"] " |"
        print "| lowest number of active clients in any second | " v["active_min"] " |"
        print "| clients at or above real time at the end, below it | " v["above_realtime"] ", " v["below_realtime"] " |"
        print "| most clients below real time in any second, most stalled | " v["below_realtime_max"] ", " v["stalled_max"] " |"
        print "| failed requests counted by the swarm, responses of nginx other than 200 and 206 | " v["failed_requests"] ", " v["refused_answers"] " |"
        print "| requests, log lines per second | " v["requests_per_s"] ", " v["lines_per_s"] " |"
        print "| media | " v["mbit_per_s"] " Mbit/s |"
        print "| CPU of the swarm | " v["cpu_percent"] " % of one core |"
        printf "| peak resident memory of the swarm | %.1f MB |\n", v["resident_kib_max"] * 1.024 / 1000
        print "| CPU of all FFmpeg processes, of nginx | " v["clients_cpu_percent"] " %, " v["nginx_cpu_percent"] " % of one core |"
        printf "| sockets, private memory per client | %s, %.1f MiB |\n", v["sockets_each"], v["private_kib_each"] / 1024
        printf "| decrease of the host'"'"'s available memory per client | %.1f MiB |\n", v["host_kib_each"] / 1024
        printf "| duration of the stop, processes left behind | %.1f s, %s |\n", v["stopped_ms"] / 1000, v["left"]
        print "| failed checks | " v["failures"] " |"
      }' "$into/real.csv"
  } | table real
}

host_table() {
  local onto=${2:-$page}
  {
    echo '| figures | date | cores | memory | kernel | load before, over 1 and 5 min |'
    echo '|---|---|---|---|---|---|'
    awk -F, 'NR > 1 { printf "| %s | %s | %s, %s | %.0f GiB | %s | %s, %s |\n", $1, $2, $3, $4, $5 / 1024, $6, $7, $8 }' "$into/host.csv"
  } | table host
}

readme_run() {
  { echo '```text' && cat "$into/scale.txt" && echo '```'; } | table scale README.md
}

host_table
[ ! -s "$into/scale.txt" ] || readme_run
for curve in clients lines restarts real; do
  if [ -s "$into/$curve.csv" ]; then
    "${curve}_curve"
  else
    echo "benches/report.sh: no figures for $curve yet" >&2
  fi
done
