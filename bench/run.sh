#!/bin/sh
# Every benchmark: the programs of this folder, then whole runs.  Each prints a table.
set -eu
cd "$(dirname "$0")/.."
for program in build/bench/bench_*; do
    [ -d "$program" ] && continue # Meson's, of object files
    printf '\n==== %s\n' "$(basename "$program")"
    "$program" || [ $? -eq 77 ] # without reference data there is nothing to time
done
printf '\n==== whole runs\n'
bench/whole_run.sh
