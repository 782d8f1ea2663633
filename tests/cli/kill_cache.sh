#!/bin/sh
# A run that is killed while it computes leaves a packed cache that is whole and loses nothing that was stored: each
# run goes on where the one before was killed, and the last gives the graph of one that never was.
#   tests/cli/kill_cache.sh BUILD [KILLS]
set -eu
build=$1 kills=${2:-6}
drawn=600
. "$(dirname "$0")/drawn_photos.sh"

# run CACHE NAME
run() {
    exec "$build/retrain" --image_dir photos --tfhub_module "$module" --how_many_training_steps 50 --bottleneck_dir "$1" \
        --output_graph "$2.pb" --output_labels "$2.txt" --json "$2.json" --checkpoint_path '' --summaries_dir '' \
        --logging_verbosity ERROR
}
stored() { "$build/retrain" cache list --bottleneck_dir cache --json 2>/dev/null | sed -n 's/^  "vectors": \([0-9]*\),/\1/p'; }

(run whole whole)
before=0 killed=0
while [ $killed -lt "$kills" ]; do
    (run cache last) &
    pid=$!
    sleep "0.$(od -An -N2 -tu2 /dev/urandom | awk '{printf "%03d", 20 + $1 % 600}')"
    kill -9 $pid 2>/dev/null || true
    wait $pid 2>/dev/null || true
    killed=$((killed + 1))
    [ -e cache/retrain.mdb ] || continue # killed before it began
    "$build/retrain" cache verify --bottleneck_dir cache >verified || { cat verified; exit 1; }
    now=$(stored)
    echo "kill $killed: $now vectors, $(cat verified)"
    [ "$now" -ge "$before" ] || { echo "vectors are lost"; exit 1; }
    before=$now
    [ "$now" -lt 600 ] || { (run cache last); cmp whole.pb last.pb; rm -r cache; before=0; }
done
(run cache last)
cmp whole.pb last.pb
