#!/bin/sh
# A run that is killed at 20 random moments and gone on with each time ends with the bytes of one that never was; so
# does one that is stopped by SIGTERM, which stores how far it is.
#   tests/cli/resume.sh BUILD
set -eu
build=$1
module=$RETRAIN_SHARED/reference/modules/mobilenet_v1_025_128_feature_vector
[ -e "$module" ] || { echo "skipped: no $module"; exit 77; }
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
"$build/tools/traffic_lights/traffic_lights" photos 60

# run NAME FLAGS ...
run() {
    name=$1
    shift
    mkdir -p "$name"
    exec "$build/retrain" --image_dir photos --tfhub_module "$module" --how_many_training_steps 2000 --threads 1 \
        --bottleneck_dir cache --output_graph "$name/graph.pb" --output_labels "$name/labels.txt" \
        --checkpoint_path "$name/ck" --summaries_dir "$name/logs" --json "$name/result.json" \
        --eval_step_interval 100 --logging_verbosity WARN "$@" >>"$name/log" 2>&1
}

# What a run left; the seconds it took and the cache it found are its own.
same() {
    for file in graph.pb labels.txt ck.index ck.data-00000-of-00001 ck.meta; do
        cmp "whole/$file" "$1/$file"
    done
    for name in whole "$1"; do
        grep -v -e '"seconds"' -e '"bottlenecks"' -e '"output_' -e '"peak' -e '"resumed' -e "$name/" "$name/result.json" >"$name/plain.json"
    done
    diff whole/plain.json "$1/plain.json"
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

(run whole)
cp -r whole again # resuming a run that is done changes nothing
(run again --resume)
same again
[ "$(step again/ck.state)" = 2000 ] || name=again fail "the state is not at step 2000"

for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    (run killed --resume --checkpoint_interval 0) &
    pid=$!
    sleep "0.$(od -An -N2 -tu2 /dev/urandom | awk '{printf "%03d", $1 % 300}')"
    kill -9 $pid 2>/dev/null || true
    wait $pid || true
    echo "killed after step $(step killed/ck.state)"
done
(run killed --resume)
same killed

(run stopped --checkpoint_interval 0) &
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
