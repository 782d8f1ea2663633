#!/bin/sh
# Times whole runs of retrain, 4000 steps each, and compares them with retrain.py's:
#   whole_run.sh [RUNS]
# cold: every bottleneck is computed; warm: all are in the cache.  The median of RUNS (5) by wall time is shown.
# retrain.py under TensorFlow 2.15, on such a machine with two cores: 9.9 s for the bottlenecks of 750 photos and
# 122 s for the steps, whole process 146.5 s; the warm run is compared with the whole of it too.
set -eu
runs=${1:-5}
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/.." && pwd)
shared=${RETRAIN_SHARED:-$top/../shared}
program=${RETRAIN_PROGRAM:-$top/build/retrain}
theirs=131.9 # seconds, bottlenecks and steps
[ -d "$shared/data/flower_photos" ] || { echo "whole_run: no data/flower_photos in $shared: nothing to time"; exit 77; }

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

once() { # MODULE: one run; prints "wall cpu peak accuracy"
    "$top/build/bench/measure" "$program" --image_dir "$shared/data/flower_photos" --tfhub_module "$1" \
        --bottleneck_dir "$scratch/bottlenecks" --summaries_dir "$scratch/logs" \
        --intermediate_output_graphs_dir "$scratch/intermediate/" --checkpoint_path "$scratch/checkpoint" \
        --output_graph "$scratch/graph.pb" --output_labels "$scratch/labels.txt" >"$scratch/log" 2>&1 || {
        cat "$scratch/log" >&2
        exit 1
    }
    accuracy=$(sed -n 's/.*Final test accuracy = \([0-9.]*%\).*/\1/p' "$scratch/log")
    sed -n "s/^measure: //p" "$scratch/log" | sed "s/\$/ ${accuracy:--}/"
}

report() { # NAME CACHE COMPARED < lines of once(): the median line as a row of the table
    sort -n | awk -v name="$1" -v cache="$2" -v theirs="$3" '
        { line[NR] = $0 }
        END {
            split(line[int((NR + 1) / 2)], v, " ")
            ratio = theirs ? sprintf("1/%.0f", theirs / v[1]) : "-"
            printf "%-22s %-5s %8.2f s %8.2f s %8.1f MB %10s %14s\n", name, cache, v[1], v[2], v[3], v[4], ratio
        }'
}

printf '%-22s %-5s %10s %10s %11s %10s %14s\n' module cache wall processor peak accuracy 'of retrain.py'
for name in mobilenet_v1_025_224 efficientnet_lite0; do
    module=$shared/reference/modules/${name}_feature_vector
    compared=
    [ "$name" = mobilenet_v1_025_224 ] && compared=$theirs
    for run in $(seq "$runs"); do
        rm -rf "$scratch/bottlenecks"
        once "$module"
    done >"$scratch/cold"
    for run in $(seq "$runs"); do once "$module"; done >"$scratch/warm"
    report "$name" cold "$compared" <"$scratch/cold"
    report "$name" warm "$compared" <"$scratch/warm"
done
