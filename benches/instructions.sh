#!/usr/bin/env bash
# How many instructions do the hot paths take? Prints the instructions per item of each path
# (benches/instructions.rs defines the items), counted by callgrind in user space, without
# those of the kernel.
#
# usage: benches/instructions.sh [--check FILE] [NAME...]
#
# Each path is run twice, with more passes the second time; the difference is the cost of
# the passes, without start and end. Other load has no effect, and two runs of one build
# print the same. Builds differ by half a percent because of the layout of memory, since
# copies depend on alignment. --check FILE compares with the output of an earlier run: paths
# that take over 2 % more are printed, and the exit code is 1. Figures of different compilers
# or CPUs are not comparable, since memchr uses the widest vectors available.
#
# Needs valgrind. Code that makes system calls with rustix cannot run under it (its clock
# reads the vDSO, which valgrind hides), so the whole loop is measured by dispatch.rs.
set -euo pipefail
cd "$(dirname "$0")/.."

# Passes of the two runs; the shorter one also fills caches.
few=20
many=60

# Permitted increase of a path, in tenths of a percent.
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

# count NAME PASSES: prints the total of instructions and the number of items.
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
    echo "benches/instructions.sh: no path \"$name\"; give one of ${all[*]}" >&2
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
