#!/bin/sh
# Two runs with one seed write the same bytes, with one thread and with two, with a cold cache and a warm one,
# of text files and packed.
#   tests/cli/same_bytes.sh BUILD
set -eu
build=$1
drawn=120
. "$(dirname "$0")/drawn_photos.sh"

# run NAME CACHE FLAGS ...
run() {
    name=$1 cache=$2
    shift 2
    "$build/retrain" --image_dir photos --tfhub_module "$module" --how_many_training_steps 100 \
        --output_graph "$name.pb" --output_labels "$name.txt" --bottleneck_dir "$cache" --logging_verbosity WARN "$@"
}

run first cold1 --threads 1 --bottleneck_cache text
run second cold2 --threads 2 --bottleneck_cache text
run warm cold1 --threads 2 --bottleneck_cache text
run packed cold3 --threads 2
run packed_warm cold3 --threads 1
run imported cold2 --threads 2 # into the packed cache, from text files
rm cold2/retrain.mdb*
run other cold1 --seed 1
rm cold1/retrain.mdb*
for name in second warm packed packed_warm imported; do
    cmp first.pb $name.pb
    cmp first.txt $name.txt
done
diff -r --exclude='*.tsv' --exclude='.*' cold1 cold2
if cmp -s first.pb other.pb; then
    echo "another seed gave the same graph"
    exit 1
fi
