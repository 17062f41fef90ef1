#!/usr/bin/env bash
# How many instructions do the hot paths take? Prints them for each item of each
# path (benches/instructions.rs says what an item is), counted by callgrind in
# user space: the kernel's are not among them.
#
# usage: benches/instructions.sh [--check FILE] [NAME...]
#
# Each path is run twice, with more passes the second time; the difference is what
# the passes took, without start and end. A load of the machine changes nothing,
# and two runs of one build print the same. Between builds half a percent comes
# from where things lie in memory, since copies are made by alignment. With
# --check FILE, what an earlier run printed, a path that takes over 2 % more than
# it did then is told, and the exit code is 1. Figures of another compiler or CPU
# do not compare: memchr takes the widest vectors that there are.
#
# Needs valgrind. What makes system calls by rustix cannot run under it (its clock
# reads the vDSO, which valgrind hides), so the whole loop is left to dispatch.rs.
set -euo pipefail
cd "$(dirname "$0")/.."

# Passes of the two runs; the shorter one also fills what is kept for later.
few=20
many=60

# What a path may take more than before, in tenths of a percent.
slack=20

before=
if [ "${1-}" = --check ]; then
  before=${2:?"--check needs a file that an earlier run printed"}
  shift 2
fi

valgrind=$(command -v valgrind) || {
  echo "benches/instructions.sh: valgrind is needed (Debian: apt-get install valgrind)" >&2
  exit 1
}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

cargo bench --quiet --bench instructions --no-run --message-format=json >"$scratch/built"
program=$(sed -n 's/.*"executable":"\([^"]*instructions-[^"]*\)".*/\1/p' "$scratch/built")
mapfile -t all < <("$program")

# count NAME PASSES: the instructions of all and the number of items.
count() {
  env -i "$valgrind" --tool=callgrind --callgrind-out-file="$scratch/callgrind" \
    "$program" "$1" "$2" >"$scratch/items" 2>"$scratch/said" || {
    cat "$scratch/said" >&2
    return 1
  }
  echo "$(sed -n 's/^==.*Collected : \([0-9]*\).*/\1/p' "$scratch/said") $(cat "$scratch/items")"
}

code=0
for name in "${@:-${all[@]}}"; do
  [[ " ${all[*]} " == *" $name "* ]] || {
    echo "benches/instructions.sh: no path \"$name\"; there are ${all[*]}" >&2
    exit 2
  }
  short=$(count "$name" $few)
  long=$(count "$name" $many)
  tenths=$(((${long% *} - ${short% *}) * 10 / (${long#* } - ${short#* })))
  printf '%s %d.%d\n' "$name" $((tenths / 10)) $((tenths % 10))
  [ -n "$before" ] || continue
  earlier=$(sed -n "s/^$name \([0-9]*\)\.\([0-9]\)$/\1\2/p" "$before")
  if [ -n "$earlier" ] && [ $((tenths * 1000)) -gt $((earlier * (1000 + slack))) ]; then
    printf '%s took %d.%d before\n' "$name" $((earlier / 10)) $((earlier % 10)) >&2
    code=1
  fi
done
exit $code
