#!/bin/sh
# traffic_lights.sh PROGRAM: the sample photos are the same bytes each time, evenly spread over the classes, and
# differ from one seed to the next; bad use ends with status 2.
set -eu
program=$(realpath "$1")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"

"$program" first 10 7
"$program" again 10 7
"$program" other 10 8
diff -r first again
for pair in red:3 yellow:3 green:2 off:2; do
    class=${pair%:*}
    [ "$(find "first/$class" -name '*.jpg' | wc -l)" -eq "${pair#*:}" ] || { echo "$class: wrong count"; exit 1; }
    if cmp -s "first/$class/0000.jpg" "other/$class/0000.jpg"; then
        echo "$class: two seeds, one photo"
        exit 1
    fi
done

for arguments in '' 'folder 10x' 'folder -1' 'folder 1 2 3'; do
    status=0
    # shellcheck disable=SC2086 # several arguments
    "$program" $arguments 2>message || status=$?
    [ "$status" -eq 2 ] && [ "$(wc -l <message)" -eq 1 ] || { echo "'$arguments': status $status"; exit 1; }
done
