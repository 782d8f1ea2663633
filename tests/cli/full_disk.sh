#!/bin/sh
# Runs that may not write a file of more than so many bytes: one line says which file that was, every file that is there
# is whole, and the run can be gone on with once there is room.
#   tests/cli/full_disk.sh BUILD
set -eu
build=$1
drawn=40
. "$(dirname "$0")/drawn_photos.sh"

# run FLAGS ...: everything goes to out/; besides $flags
run() {
    mkdir -p out
    "$build/retrain" --image_dir photos --tfhub_module "$module" --how_many_training_steps 21 --bottleneck_dir cache \
        --output_graph out/graph.pb --output_labels out/labels.txt --checkpoint_path out/ck --saved_model_dir out/model \
        --logging_verbosity ERROR --json out/result.json --checkpoint_interval 0 $flags "$@" >log 2>&1
}

fail() {
    echo "$limit blocks, $flags: $1"
    cat log
    exit 1
}

# Those of a run without limits are in whole/; what has times in it is looked at below.
check_files() {
    [ -z "$(find out -name '*.tmp')" ] || fail "$(find out -name '*.tmp') is left"
    find out -type f ! -name '*.json' ! -name '*.state' ! -name '*tfevents*' | while read -r file; do
        cmp "whole/${file#out/}" "$file" || fail "$file is not whole"
    done
    [ ! -e out/model ] || cmp whole/model/saved_model.pb out/model/saved_model.pb || fail "half a SavedModel"
    find out -name '*tfevents*' | while read -r file; do
        if ! "$build/retrain" inspect "$file" >inspected 2>&1 || grep damage inspected; then
            fail "$file is not whole"
        fi
    done
}

for flags in --summaries_dir=out/logs \
    '--summaries_dir= --intermediate_store_frequency 20 --intermediate_output_graphs_dir out'; do
    run
    rm -rf whole && mv out whole
    # 512 bytes a block: each file of the run is too large by a little, once.
    for limit in $(find whole -type f -size +1 -printf '%s\n' | awk '{print int(($1 - 1) / 512)}' | sort -nu); do
        status=0
        (trap '' XFSZ && ulimit -f "$limit" && run) || status=$?
        if [ "$status" != 0 ]; then # the largest file of the whole run may have been smaller this time
            [ "$status" = 1 ] || fail "status $status"
            [ "$(wc -l <log)" = 1 ] || fail "not one line"
            grep -q '^retrain: cannot .*: \(out\|cache\)/.*: File too large$' log || fail "no reason"
            check_files
        fi
        echo "$limit blocks: $(cat log)"
        run --resume
        cmp whole/graph.pb out/graph.pb
        cmp whole/ck.data-00000-of-00001 out/ck.data-00000-of-00001
        rm -rf out
    done
    rm -rf cache
done
