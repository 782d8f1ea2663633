#!/bin/sh
# Retrains on the sample photos and classifies new ones; run by "make demo", which makes what it needs.
set -eu
cd "$(dirname "$0")/.."

run() { # prints a command as one would type it, then does it
    printf '\n$ %s\n' "$*"
    "$@"
}

run build/retrain --image_dir demo/photos --tfhub_module demo/efficientnet_lite0 \
    --bottleneck_dir demo/bottlenecks --eval_step_interval 500 \
    --output_graph demo/traffic_lights.pb --output_labels demo/traffic_lights.txt
run build/retrain label --graph demo/traffic_lights.pb --labels demo/traffic_lights.txt demo/new_photos/*/*.jpg

cat <<'TEXT'

The photos are in demo/photos, a folder a class. With photos of your own, sorted into folders the same way:

    build/retrain --image_dir YOUR_PHOTOS --tfhub_module demo/efficientnet_lite0
    build/retrain label SOME_PHOTO.jpg

The first writes /tmp/output_graph.pb and /tmp/output_labels.txt, the second reads them. build/retrain --help lists
every flag.
TEXT
