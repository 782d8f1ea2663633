#!/bin/sh
# Any number of processes writes the same bytes as one alone, and computes nothing that any has; a bad photo is told as
# by one alone; what cannot be is refused in one line.
#   tests/cli/ranks.sh BUILD
set -eu
build=$1
drawn=100
. "$(dirname "$0")/mpirun.sh"
. "$(dirname "$0")/drawn_photos.sh"
sleep 0.1 # a file that changed a moment ago is read again: it could have changed since

# run RANKS CACHE FLAGS ...: 0 ranks are without mpirun.
run() {
    n=$1 cache=$2
    shift 2
    if [ "$n" -eq 0 ]; then set -- env "$build/retrain" "$@"; else set -- mpirun -n "$n" "$build/retrain" "$@"; fi
    "$@" --image_dir photos --tfhub_module "$module" --how_many_training_steps 40 --bottleneck_dir "$cache" \
        --output_graph out/graph.pb --output_labels out/labels.txt --json out.json --checkpoint_path out/checkpoint \
        --summaries_dir '' >log 2>&1 || { [ -n "${refused-}" ] || cat log; return 1; }
}
# expect WHAT CACHED COMPUTED READ: of the last run; and its files are those of the first.
expect() {
    found=$(sed -n 's/^  "bottlenecks": {\(.*\)},$/\1/p' out.json)
    case $found in "\"cached\": $2, \"computed\": $3, \"photos_read\": "$4) ;; *) false ;; esac || { cat log; echo "$1: $found"; exit 1; }
    rm -f out/checkpoint.state # says how long ago, and is compared where it is tested
    (cd out && sha256sum -- *) >sums
    [ -e first ] || cp sums first
    cmp first sums || { echo "$1: other bytes"; exit 1; }
    grep -c 'Final test accuracy' log | grep -qx 1 || { cat log; echo "$1: rank 0 alone must speak"; exit 1; }
    echo "$1: $found"
}
# The vectors themselves, by number of processes.
vectors() { "$build/retrain" cache export --bottleneck_dir "$1" --image_dir photos --tfhub_module "$module" "$2" >/dev/null &&
    (cd "$2" && find . -name '*.txt' ! -name '.retrain*' | LC_ALL=C sort | xargs cat | sha256sum); }

run 0 alone && expect 'alone' 0 100 100
for n in 1 2 4; do
    run $n cache$n && expect "$n ranks" 0 100 100
    [ "$(vectors cache$n text$n)" = "$(vectors alone text)" ]
done
[ "$(ls cache4 | grep -c 'mdb$')" -eq 4 ]
for n in 0 1 2 3; do run $n cache4 && expect "$n ranks after 4" 100 0 0; done
"$build/retrain" cache list --bottleneck_dir cache4 | grep -q '^cache4/retrain.mdb and 3 more files: 100 vectors of 1 network'
"$build/retrain" cache verify --bottleneck_dir cache4 | grep -q '^100 vectors, 0 damaged, 0 lost'
cp photos/red/0000.jpg more.jpg && echo x >>more.jpg && mv more.jpg photos/red/more.jpg && sleep 0.1
run 3 cache4 && mv first kept && expect 'a photo added' 100 1 1 && rm photos/red/more.jpg && mv kept first
mv photos/red/0001.jpg photos/red/renamed.jpg && run 4 cache4 && mv first kept && expect 'a photo renamed' 100 0 1
mv kept first && mv photos/red/renamed.jpg photos/red/0001.jpg

echo 'no photo' >photos/red/bad.jpg
for n in 4 0; do
    run $n cache4 && expect "a bad photo, $n ranks" 100 0 '[123]' # by another first
    grep -A1 'could not be read' log >told$n
done
cmp told0 told4
refused=yes
if run 3 cache4 --strict; then exit 1; fi
[ "$(grep -c '^retrain: cannot use photo: photos/red/bad.jpg' log)" -eq 1 ]
rm photos/red/bad.jpg

for flags in '--bottleneck_cache text' '--how_many_training_steps -1' '--saved_model_dir photos'; do
    if run 3 cache4 $flags; then exit 1; fi
    [ "$(grep -c '^retrain: ' log)" -eq 1 ] || { cat log; echo "$flags: not one line"; exit 1; }
    echo "refused: $(grep '^retrain: ' log)"
done
refused=
"$build/retrain" cache prune --bottleneck_dir cache4 --module 1 | grep -q '101 of 101 vectors removed'
run 2 cache4 --flip_left_right --distortion_cache 2
grep -q "through rank 0's network alone" log
echo 'the same bytes for 0, 1, 2, 3 and 4 ranks'
