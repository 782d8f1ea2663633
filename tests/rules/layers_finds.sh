#!/bin/sh
# Plants breaches in a small tree and checks that layers.sh names each of them, and nothing else.
set -eu
rules=$(cd "$(dirname "$0")" && pwd)
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT

mkdir -p "$tree/doc" "$tree/src/base" "$tree/src/image" "$tree/src/model" "$tree/src/odd"
cp "$1/doc/architecture.md" "$tree/doc/"
cat >"$tree/src/base/file.c" <<'C'
#include "file.h"
#include "graph/graph.h"
#include "retrain/error.h"
#include "retrain/image.h"
#include <jpeglib.h>
#include <stdio.h>
#include <sys/stat.h>
C
cat >"$tree/src/image/jpeg.c" <<'C'
#include "base/file.h"
#include "retrain/image.h"
#include <immintrin.h>
#include <jpeglib.h>
C
cat >"$tree/src/image/jpeg.h" <<'C'
#include <png.h>
C
cat >"$tree/src/model/open.c" <<'C'
#include "exec/plan.h"
#include "graph/graph.h"
#include "model/module.h"
#include "retrain/module.h"
#include <immintrin.h>
C
echo '#include <stdio.h>' >"$tree/src/odd/odd.c"

if "$rules/layers.sh" "$tree" >"$tree/out"; then
    echo "layers.sh found nothing"
    exit 1
fi
grep -o '^src/[a-z/.]*:[0-9]*' "$tree/out" >"$tree/found"
cat >"$tree/expected" <<'LIST'
src/base/file.c:2
src/base/file.c:4
src/image/jpeg.c:4
src/image/jpeg.h:1
src/model/open.c:1
src/model/open.c:3
src/model/open.c:5
src/odd/odd.c:1
LIST
diff -u "$tree/expected" "$tree/found"
