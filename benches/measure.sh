# Functions shared by the scripts that measure a running program from outside: sleeping, CPU
# time and memory from /proc, scrapes, and lines of raw figures. This file is sourced and
# starts nothing itself.
# shellcheck shell=bash

export LC_ALL=C

# Sleeps without starting a process: a read that times out.
exec {silence}<> <(:)
nap() { read -rt "$1" -u "$silence" || true; }

now_us() { echo "${EPOCHREALTIME/[.,]/}"; }
now_ms() { echo $((${EPOCHREALTIME/[.,]/} / 1000)); }

# field PID NAME: prints a number of /proc/PID/status.
field() { awk -v name="$2:" '$1 == name { print $2 }' "/proc/$1/status"; }

# cpu_us PID: prints the CPU time of all threads of a process, in microseconds. The
# scheduler's clock counts nanoseconds, /proc/PID/stat hundredths of a second.
cpu_us() { cat /proc/"$1"/task/*/schedstat | awk '{ ns += $1 } END { printf "%.0f\n", ns / 1000 }'; }

# children PID: prints the number of live children.
children() {
  local pids=()
  { read -ra pids <"/proc/$1/task/$1/children" || true; } 2>/dev/null
  echo "${#pids[@]}"
}

# address_in LOG: waits for the scrape address of a program in its log and prints it.
address_in() {
  local _ found
  for _ in {1..200}; do
    found=$(sed -n '/"metrics_server_started"/s/.*"address":"\([^"]*\)".*/\1/p' "$1")
    [ -z "$found" ] || break
    nap 0.05
  done
  [ -n "$found" ] || return 1
  echo "$found"
}

# counters FILE NAME…: prints numbers of a scrape, in this order, for names with their
# labels; absent ones are 0. A name that ends in * is the sum of its series.
counters() {
  local file=$1
  shift
  awk -v names="$*" '
    BEGIN { many = split(names, name, " ") }
    {
      for (i = 1; i <= many; i++) {
        stem = substr(name[i], 1, length(name[i]) - 1)
        if ($1 == name[i] || (name[i] ~ /\*$/ && index($1, stem) == 1)) value[i] += $2
      }
    }
    END {
      # Whole numbers are used in shell arithmetic, which has no exponents.
      for (i = 1; i <= many; i++)
        printf (value[i] == int(value[i]) ? "%.0f" : "%.9g") "%s", value[i], i < many ? " " : "\n"
    }' "$file"
}

# spread FILE: prints median, 99th percentile and maximum of the numbers in a file.
spread() {
  sort -n "$1" | awk '{ v[NR] = $1 } END { print v[int(NR * .5 + .5)], v[int(NR * .99 + .5)], v[NR] }'
}

# append_csv FILE HEADER LINE: appends a line of raw figures; a new file begins with the
# header.
append_csv() {
  [ -n "$1" ] || return 0
  [ -s "$1" ] || printf '%s\n' "$2" >"$1"
  printf '%s\n' "$3" >>"$1"
}
