#!/bin/sh
# How time and memory grow with the number of photos: N vectors of 1280 floats in a packed cache, 4000 steps.
#   bench/scale.sh FOLDER [N ...]        FOLDER needs 10 KB a photo; a memory file system is quickest
set -eu
folder=$1
shift
top=$(cd "$(dirname "$0")/.." && pwd)
module=${RETRAIN_SHARED:-$top/../shared}/reference/modules/efficientnet_lite0_feature_vector
[ -e "$module" ] || { echo "skipped: no $module"; exit 77; }
[ $# -gt 0 ] || set -- 1000 10000 100000
for n in "$@"; do
    [ -e "$folder/$n" ] || "$top/build/bench/fill_cache" "$folder/$n" "$module" 10 "$n"
    "$top/build/bench/measure" "$top/build/retrain" --image_dir "$folder/$n/photos" --tfhub_module "$module" \
        --bottleneck_dir "$folder/$n/cache" --output_graph "$folder/graph.pb" --output_labels "$folder/labels.txt" \
        --summaries_dir "$folder/logs" --checkpoint_path "$folder/checkpoint" --json "$folder/$n.json" \
        --logging_verbosity WARN
    grep -E '"(bottlenecks|peak_memory_bytes|seconds)"' "$folder/$n.json"
done
