#!/bin/sh
# Real TensorFlow runs what we wrote and reads what we read:  run.sh [unittest arguments]
# Its virtual environment is made once in build-interop/, from the versions pinned in requirements.txt.
# Needs $RETRAIN_PROGRAM or build/retrain, demo/efficientnet_lite0, and the reference data in $RETRAIN_SHARED or ../shared.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
venv=$top/build-interop/venv

python=python3.11
"$python" -c 'import venv' 2>/dev/null || python=python3
if ! "$python" -c 'import sys, venv; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then
    echo "interop: needs Python 3.11 with venv; the versions in requirements.txt are pinned for it" >&2
    exit 1
fi
if ! cmp -s "$here/requirements.txt" "$venv/installed.txt"; then
    echo "interop: installing TensorFlow 2.15.1 into build-interop/ (1.3 GB)"
    rm -rf "$venv"
    "$python" -m venv "$venv"
    "$venv/bin/python" -m pip --disable-pip-version-check install --quiet --no-deps -r "$here/requirements.txt"
    cp "$here/requirements.txt" "$venv/installed.txt"
fi

export RETRAIN_SOURCE="$top" RETRAIN_PROGRAM="${RETRAIN_PROGRAM:-$top/build/retrain}"
export RETRAIN_SHARED="${RETRAIN_SHARED:-$top/../shared}"
export TF_CPP_MIN_LOG_LEVEL=2 CUDA_VISIBLE_DEVICES='' PYTHONDONTWRITEBYTECODE=1
cd "$here"
exec "$venv/bin/python" run.py "$@"
