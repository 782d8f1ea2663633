#!/bin/sh
# How time and memory grow with the number of photos.
#   bench/scale.sh vectors FOLDER [N ...]   N vectors of 1280 floats in a packed cache: 10 KB a photo
#   bench/scale.sh photos FOLDER [N ...]    N photos through MobileNet V1 0.25, and once more: 16 KB a photo
# A memory file system is quickest; FOLDER keeps what it needs for the next time, but for the photos' cache.
set -eu
kind=$1
folder=$2
shift 2
top=$(cd "$(dirname "$0")/.." && pwd)
modules=${RETRAIN_SHARED:-$top/../shared}/reference/modules
mkdir -p "$folder"

# run NAME PHOTOS MODULE CACHE: retrains with all else as by default.
run() {
    "$top/build/bench/measure" "$top/build/retrain" --image_dir "$2" --tfhub_module "$3" --bottleneck_dir "$4" \
        --output_graph "$folder/graph.pb" --output_labels "$folder/labels.txt" --summaries_dir "$folder/logs" \
        --checkpoint_path "$folder/checkpoint" --json "$folder/$1.json" --logging_verbosity WARN
    grep -E '"(bottlenecks|peak_memory_bytes|seconds)"' "$folder/$1.json"
}

vectors() {
    [ -e "$folder/$1" ] || "$top/build/bench/fill_cache" "$folder/$1" "$module" 10 "$1"
    run "$1" "$folder/$1/photos" "$module" "$folder/$1/cache"
}

photos() {
    [ -e "$folder/drawn" ] || "$top/build/tools/traffic_lights/traffic_lights" "$folder/drawn" 500
    [ -e "$folder/photos_$1" ] || "$top/build/bench/many_photos" "$folder/drawn" "$folder/photos_$1" "$1"
    rm -rf "$folder/cache"
    run "cold_$1" "$folder/photos_$1" "$module" "$folder/cache"
    run "warm_$1" "$folder/photos_$1" "$module" "$folder/cache"
}

case $kind in
vectors) module=$modules/efficientnet_lite0_feature_vector ;;
photos) module=$modules/mobilenet_v1_025_128_feature_vector ;;
*) echo "scale.sh: vectors or photos, not $kind" && exit 2 ;;
esac
[ -e "$module" ] || { echo "skipped: no $module"; exit 77; }
[ $# -gt 0 ] || set -- 1000 10000 100000
for n in "$@"; do
    "$kind" "$n"
done
