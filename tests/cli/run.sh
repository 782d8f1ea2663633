#!/bin/sh
# Runs the program as a user would and compares what it prints.
#
#   tests/cli/run.sh [--update] [--build build] [CASE ...]
#
# Each folder of cases/ is a case: `command` is run by sh in an empty folder of its own; what it writes to
# standard output and standard error and its exit status must equal the files `stdout`, `stderr` (no file:
# nothing) and `status` (no file: 0).  Times become TIME and N s, the empty folder WORK, and the folder of
# reference data SHARED.  The command finds the program in $RETRAIN, sample photos are drawn by $DRAW FOLDER N,
# and $MODULES has the reference modules.  `needs` lists paths under SHARED: without them the case is skipped.
# --update rewrites the files; read the difference before committing it.  The output is TAP.
set -u
here=$(cd "$(dirname "$0")" && pwd)
update=no
build=$here/../../build
while [ $# -gt 0 ]; do
    case $1 in
    --update) update=yes ;;
    --build) build=$2; shift ;;
    --*) echo "unknown flag $1" >&2; exit 2 ;;
    *) break ;;
    esac
    shift
done
build=$(cd "$build" && pwd)
RETRAIN=$build/retrain
DRAW=$build/tools/traffic_lights/traffic_lights
SHARED=${RETRAIN_SHARED:-$here/../../../shared}
MODULES=$SHARED/reference/modules
export RETRAIN DRAW SHARED MODULES
unset XDG_CACHE_HOME TFHUB_CACHE_DIR TMPDIR
[ $# -gt 0 ] || set -- $(cd "$here/cases" && echo *)

scratch=$(mktemp -d) || exit 1
trap 'chmod -R u+w "$scratch"; rm -rf "$scratch"' EXIT
HOME=$scratch/work/home
export HOME

plain() {
    sed -E -e "s|$scratch/work|WORK|g; s|$SHARED|SHARED|g" \
        -e 's/[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:.]+:/TIME:/; s/[0-9]+(\.[0-9]+)? (ms|s)\b/N s/g' "$1"
}

# The first thing that is missing, if any.
missing() {
    [ -f "$1/needs" ] || return 0
    while read -r path; do
        [ -e "$SHARED/$path" ] || { echo "$path"; return; }
    done <"$1/needs"
}

# keep FOUND EXPECTED: empty is no file.
keep() {
    if [ -s "$1" ]; then cp "$1" "$2"; else rm -f "$2"; fi
}

differs() {
    if [ -f "$2" ]; then diff -u "$2" "$1"; else diff -u /dev/null "$1"; fi
}

failed=0
number=0
echo "1..$#"
for name in "$@"; do
    number=$((number + 1))
    case_dir=$here/cases/$name
    lack=$(missing "$case_dir")
    if [ -n "$lack" ]; then
        echo "ok $number - $name # SKIP no $lack"
        continue
    fi
    chmod -R u+w "$scratch" && rm -rf "$scratch/work" && mkdir "$scratch/work"
    (cd "$scratch/work" && exec sh "$case_dir/command" >"$scratch/out" 2>"$scratch/err" </dev/null)
    status=$?
    plain "$scratch/out" >"$scratch/stdout"
    plain "$scratch/err" >"$scratch/stderr"
    : >"$scratch/status"
    [ $status = 0 ] || echo $status >"$scratch/status"
    good=yes
    for file in stdout stderr status; do
        if [ $update = yes ]; then
            keep "$scratch/$file" "$case_dir/$file"
        elif ! differs "$scratch/$file" "$case_dir/$file" >"$scratch/difference"; then
            good=no
            sed 's/^/# /' "$scratch/difference"
        fi
    done
    if [ $good = yes ]; then
        echo "ok $number - $name"
    else
        echo "not ok $number - $name"
        failed=1
    fi
done
exit $failed
