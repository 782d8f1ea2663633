#!/bin/sh
# A run that is killed at 20 random moments and gone on with each time ends with the bytes of one that never was, on
# distorted photos too; so does one that is stopped by SIGTERM, which stores how far it is.
#   tests/cli/resume.sh BUILD
set -eu
build=$1
drawn=60
. "$(dirname "$0")/drawn_photos.sh"

# run NAME FLAGS ...
run() {
    name=$1
    shift
    mkdir -p "$name"
    exec "$build/retrain" --image_dir photos --tfhub_module "$module" --threads 1 \
        --bottleneck_dir cache --output_graph "$name/graph.pb" --output_labels "$name/labels.txt" \
        --checkpoint_path "$name/ck" --summaries_dir "$name/logs" --json "$name/result.json" \
        --eval_step_interval 100 --logging_verbosity WARN "$@" >>"$name/log" 2>&1
}

# same A B: what two runs left; the seconds they took and the caches they found are their own.
same() {
    for file in graph.pb labels.txt ck.index ck.data-00000-of-00001 ck.meta; do
        cmp "$1/$file" "$2/$file"
    done
    for name in "$1" "$2"; do
        grep -v -e '"seconds"' -e '"bottlenecks"' -e '"output_' -e '"peak' -e '"resumed' -e "$name/" "$name/result.json" >"$name/plain.json"
    done
    diff "$1/plain.json" "$2/plain.json"
}

# The step a stored state is at: behind the text, see src/head/state_file.h.
step() {
    [ -e "$1" ] || { echo 0; return; }
    od -An -j $(($(od -An -j 16 -N 4 -tu4 "$1") + 28)) -N 8 -tu8 "$1" | tr -d ' '
}

fail() {
    echo "$1"
    cat "$name/log"
    exit 1
}

# interrupted NAME KILLS FLAGS ...: a whole run, and one that is killed at so many random moments before it may end.
interrupted() {
    kind=$1 kills=$2
    shift 2
    (run "whole_$kind" "$@")
    before=$(date +%s%3N)
    (run "whole_$kind" "$@") # with the cache that it will find
    length_ms=$(($(date +%s%3N) - before))
    for i in $(seq "$kills"); do
        (run "killed_$kind" --resume --checkpoint_interval 0 "$@") &
        pid=$!
        sleep "$(od -An -N2 -tu2 /dev/urandom | awk -v ms=$length_ms '{printf "%.3f", $1 / 65536 * ms / 1000}')"
        kill -9 $pid 2>/dev/null || true
        wait $pid || true
        echo "$kind: killed after step $(step "killed_$kind/ck.state")"
    done
    (run "killed_$kind" --resume "$@")
    same "whole_$kind" "killed_$kind"
}

distort='--flip_left_right --random_crop 10 --random_scale 10 --random_brightness 10'
interrupted plain 20 --how_many_training_steps 2000
interrupted distorting 8 --how_many_training_steps 60 --train_batch_size 10 --eval_step_interval 5 $distort
interrupted distorted 8 --how_many_training_steps 2000 --distortion_cache 2 $distort
if cmp -s whole_distorting/graph.pb whole_plain/graph.pb; then
    name=whole_distorting fail "nothing was distorted"
fi

cp -r whole_plain again # resuming a run that is done changes nothing
(run again --how_many_training_steps 2000 --resume)
same whole_plain again
[ "$(step again/ck.state)" = 2000 ] || name=again fail "the state is not at step 2000"

(run stopped --how_many_training_steps 2000 --checkpoint_interval 0) &
pid=$!
while [ ! -e stopped/ck.state ]; do sleep 0.01; done
kill -TERM $pid
status=0
wait $pid || status=$?
name=stopped
[ $status = 143 ] || [ $status = 0 ] || fail "status $status after SIGTERM"
[ $status = 0 ] || grep -q '^retrain: stopped after [0-9]* steps' stopped/log || fail "nothing said"
[ $status = 0 ] || [ ! -e stopped/graph.pb ] || fail "a graph was written"
(run offered --checkpoint_path stopped/ck --how_many_training_steps 1)
[ $status = 0 ] || grep -q 'was stopped after [0-9]* of 2000 steps' offered/log || { cat offered/log; exit 1; }
