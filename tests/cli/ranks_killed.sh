#!/bin/sh
# kill -9 of one of three processes at a random moment, RETRAIN_KILLS times: one clear line says which it was, the
# caches stay whole, the next run computes only what was in work, and the last gives the graph of one that never was
# killed.
#   tests/cli/ranks_killed.sh BUILD
set -eu
build=$1 kills=${RETRAIN_KILLS:-4}
drawn=150
. "$(dirname "$0")/mpirun.sh"
. "$(dirname "$0")/drawn_photos.sh"
for photo in photos/*/*.jpg; do # bytes behind the end make another photo of it
    for i in 1 2 3 4 5 6 7 8 9; do { cat "$photo"; echo $i; } >"${photo%.jpg}_$i.jpg"; done
done

# run CACHE NAME LAUNCHER ...
run() {
    cache=$1 name=$2
    shift 2
    "$@" "$build/retrain" --image_dir photos --tfhub_module "$module" --how_many_training_steps 50 --threads 1 \
        --bottleneck_dir "$cache" --output_graph "$name.pb" --output_labels "$name.txt" --json "$name.json" \
        --checkpoint_path '' --summaries_dir '' --logging_verbosity ERROR
}
ranks() { run cache last mpirun -n 3 sh -c 'echo $$ >pid.$OMPI_COMM_WORLD_RANK; exec "$@"' rank; }
field() { sed -n "s/.*\"$1\": \([0-9]*\),.*/\1/p" last.json; }
stored() { "$build/retrain" cache list --bottleneck_dir cache --json 2>/dev/null | sed -n 's/^  "vectors": \([0-9]*\),/\1/p'; }

run whole whole env
killed=0 told=0 least=0 most_lost=0
while [ $killed -lt "$kills" ]; do
    rm -f pid.* last.json
    ranks >log 2>&1 &
    job=$!
    victim=$(($(od -An -N1 -tu1 /dev/urandom) % 3))
    while [ ! -s pid.$victim ] && kill -0 $job 2>/dev/null; do sleep 0.02; done
    sleep "$(od -An -N2 -tu2 /dev/urandom | awk '{printf "%.3f", 0.3 + $1 % 900 / 1000}')"
    kill -9 "$(cat pid.$victim)" 2>/dev/null || true
    if wait $job; then ended=run; else ended=killed; fi
    killed=$((killed + 1))
    ls cache/*.mdb >/dev/null 2>&1 || continue # killed before it began
    now=$(stored)
    "$build/retrain" cache verify --bottleneck_dir cache >verified || { cat log verified; exit 1; }
    line=$(grep "^Rank $victim .* the same command goes on from there" log || true)
    [ -z "$line" ] || told=$((told + 1))
    echo "kill $killed of rank $victim ($ended): $now vectors, $(cat verified); ${line:-no line}"
    [ "${now:-0}" -ge "$least" ] || { echo 'vectors are lost'; exit 1; }
    least=${now:-0}
    if [ $ended = run ] || [ "$least" -gt 1200 ]; then
        ranks
        [ "$(field cached)" -ge "$least" ] || { echo "computed again: $(cat last.json)"; exit 1; }
        cmp whole.pb last.pb
        rm -rf cache
        least=0
    fi
done
ranks
echo "$told of $killed told"
cmp whole.pb last.pb
