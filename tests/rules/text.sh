#!/bin/sh
# Checks that no file of the project names a folder of somebody's machine or holds a merge conflict:
#   text.sh [source folder]
# /tmp by itself is fine (retrain.py's defaults are there), so are paths the tests make up.
set -eu
cd "${1:-$(dirname "$0")/../..}"
git rev-parse --is-inside-work-tree >/dev/null 2>&1 || { echo "skipped: not a git work tree"; exit 77; }

# Brackets, so that this file does not find itself.
status=0
if git grep -nIE '(^|[^A-Za-z0-9_.~-])/([w]ork|[r]oot|[h]ome/[a-z]+|[U]sers/[A-Za-z]+|[t]mp/tf)/' -- . ':!LICENSE'; then
    echo "absolute paths of a machine in the lines above"
    status=1
fi
if git grep -nIE '^([<]{7}|[>]{7}) '; then
    echo "a merge that was not finished in the lines above"
    status=1
fi
exit $status
