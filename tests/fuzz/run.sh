#!/bin/sh
# Searches for inputs that break a parser:  run.sh NAME [SECONDS]
# Builds in build-fuzz/ with clang; reference files come from $RETRAIN_SHARED or ../shared, as far as they are there.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
name=${1:?name a target: $(cd "$here" && echo fuzz_*.c)}
seconds=${2:-600}
build=$top/build-fuzz
shared=${RETRAIN_SHARED:-$top/../shared}

[ -f "$build/build.ninja" ] || CC=clang meson setup "$build" "$top" -Dfuzz=true -Db_sanitize=address,undefined -Db_lundef=false
ninja -C "$build" "tests/fuzz/fuzz_$name"
mkdir -p "$build/corpus/$name" "$build/seeds/$name" "$build/crashes"
[ ! -d "$shared/reference" ] || python3 "$here/seeds.py" "$shared" "$build/seeds"
nice "$build/tests/fuzz/fuzz_$name" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=3000 -print_final_stats=1 \
    -artifact_prefix="$build/crashes/$name-" "$build/corpus/$name" "$build/seeds/$name" "$here/corpus/$name"
