#!/bin/sh
# Every benchmark: the programs of this folder, then whole runs.  Each prints a table.
set -eu
cd "$(dirname "$0")/.."
for program in build/bench/bench_*; do
    [ -f "$program" ] && [ -x "$program" ] || continue
    printf '\n==== %s\n' "$(basename "$program")"
    "$program"
done
printf '\n==== whole runs\n'
bench/whole_run.sh
