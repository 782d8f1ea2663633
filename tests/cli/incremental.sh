#!/bin/sh
# What the packed cache makes of changes: only photos whose content is new go through the network, only files
# that are not known by size and times are read at all.
#   tests/cli/incremental.sh BUILD
set -eu
build=$1
drawn=60
. "$(dirname "$0")/drawn_photos.sh"
sleep 0.1 # a file that changed a moment ago is read again: it could have changed since

# expect WHAT CACHED COMPUTED READ FLAGS ...: retrains on `photos`, or on --image_dir among the flags.
expect() {
    what=$1
    wanted="\"cached\": $2, \"computed\": $3, \"photos_read\": $4"
    shift 4
    "$build/retrain" --image_dir photos --tfhub_module "$module" --how_many_training_steps 20 --bottleneck_dir cache \
        --output_graph graph.pb --output_labels labels.txt --json result.json --checkpoint_path '' --summaries_dir '' \
        --logging_verbosity ERROR "$@"
    found=$(sed -n 's/^  "bottlenecks": {\(.*\)},$/\1/p' result.json)
    [ "$found" = "$wanted" ] || { echo "$what: $found, not $wanted"; exit 1; }
    echo "$what: $found"
}

expect 'first run' 0 60 60
cp graph.pb first.pb
expect 'second run' 60 0 0
cmp graph.pb first.pb
[ "$(ls cache)" = "$(printf 'retrain.mdb\nretrain.mdb-lock')" ]

cp photos/red/0000.jpg new.jpg
printf 'x' >>new.jpg
mv new.jpg photos/red/new.jpg
sleep 0.1
expect 'a photo added' 60 1 1
printf 'y' | dd of=photos/red/new.jpg bs=1 seek="$(($(wc -c <photos/red/new.jpg) - 1))" conv=notrunc 2>/dev/null
sleep 0.1
expect 'a byte changed' 60 1 1
touch -d '2020-01-01' photos/red/new.jpg
printf 'z' | dd of=photos/red/new.jpg bs=1 seek="$(($(wc -c <photos/red/new.jpg) - 1))" conv=notrunc 2>/dev/null
touch -d '2020-01-01' photos/red/new.jpg # same size, same time: still seen
sleep 0.1
expect 'a byte changed and the time set back' 60 1 1
rm photos/red/new.jpg
expect 'a photo gone' 60 0 0
cmp graph.pb first.pb

mv photos elsewhere
expect 'the folder moved' 60 0 0 --image_dir elsewhere
cmp graph.pb first.pb
mv elsewhere/red/0001.jpg elsewhere/red/renamed.jpg
expect 'a photo renamed' 60 0 1 --image_dir elsewhere
mv elsewhere/red/renamed.jpg elsewhere/red/0001.jpg
cp -r elsewhere photos
sleep 0.1
expect 'the folder copied' 60 0 60
expect 'the copy again' 60 0 0
cmp graph.pb first.pb
touch photos/*/*
expect 'every photo touched' 60 0 60

# Text files of retrain.py's are read, and need not be read twice.
rm -r cache
sleep 0.1
expect 'text files written' 0 60 60 --bottleneck_cache text
expect 'text files read' 60 0 0 --bottleneck_cache text
expect 'text files read into the packed cache' 60 0 60
rm -r cache/red cache/green cache/yellow cache/off
expect 'text files gone' 60 0 0
cmp graph.pb first.pb

# Vectors made in another way, in the same file or beside the same text files.
expect 'direct convolutions' 0 60 60 --exact
expect 'direct convolutions again' 60 0 0 --exact
expect 'the usual ones again' 60 0 0
cmp graph.pb first.pb
expect 'text files' 0 60 60 --bottleneck_cache text --bottleneck_dir texts
expect 'text files of direct convolutions' 0 60 60 --bottleneck_cache text --bottleneck_dir texts --exact
expect 'both kinds of text files' 60 0 0 --bottleneck_cache text --bottleneck_dir texts
expect 'both kinds of text files' 60 0 0 --bottleneck_cache text --bottleneck_dir texts --exact
[ "$(ls texts/*/*~exact.txt | wc -l)" = 60 ]
expect 'fast decoding' 0 60 60 --fast_decode
expect 'fast decoding again' 60 0 0 --fast_decode
expect 'fast decoding and direct convolutions' 0 60 60 --fast_decode --exact
expect 'neither' 60 0 0
cmp graph.pb first.pb
expect 'text files of fast decoding' 0 60 60 --bottleneck_cache text --bottleneck_dir texts --fast_decode
expect 'three kinds of text files' 60 0 0 --bottleneck_cache text --bottleneck_dir texts
[ "$(ls texts/*/*~fast_decode.txt | wc -l)" = 60 ]
# Nor under another's name; 36 of the photos are so small that they decode alike.
for text in texts/*/*~fast_decode.txt; do cp "$text" "${text%~fast_decode.txt}.txt"; done
expect 'text files of fast decoding, renamed' 36 24 24 --bottleneck_cache text --bottleneck_dir texts
cmp graph.pb first.pb

# Another network, in the same file.
expect 'another network' 0 60 60 --bottleneck_tensor MobilenetV1/MobilenetV1/Conv2d_8_pointwise/Relu6:0
expect 'the first again' 60 0 0
