#!/bin/sh
# Times our program beside ONNX Runtime, OpenVINO, LiteRT, MNN and TensorFlow, in turns on the same photos:
#   run.sh [FOLDER_OF_PHOTOS] [--networks LIST] [--engines LIST] [--rounds N] ...      --help lists them
# The table of the day goes to bench/results/. bench/README.md says how each engine is set up and how to read the table.
# $RETRAIN_PEERS (build-peers/) holds the virtual environments, made once (2.2 GB), and the networks.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
work=${RETRAIN_PEERS:-$top/build-peers}

venv() { # NAME: makes $work/NAME of requirements-NAME.txt, unless it is there
    cmp -s "$here/requirements-$1.txt" "$work/$1/installed.txt" && return
    echo "peers: installing requirements-$1.txt into $work/$1" >&2
    rm -rf "${work:?}/$1"
    "$python" -m venv "$work/$1"
    "$work/$1/bin/python" -m pip --disable-pip-version-check install --quiet --no-deps -r "$here/requirements-$1.txt"
    if [ "$1" = engines ]; then # compiled here, for this processor; OpenCV reads the photos where that fails
        flags=
        grep -q avx2 /proc/cpuinfo && flags=-mavx2
        CFLAGS="$flags" "$work/$1/bin/python" -m pip --disable-pip-version-check install --quiet --no-deps \
            Pillow-SIMD==12.1.1.post0 || echo "peers: no Pillow-SIMD here: OpenCV reads the photos" >&2
    fi
    cp "$here/requirements-$1.txt" "$work/$1/installed.txt"
}

python=python3.11
"$python" -c 'import venv' 2>/dev/null || python=python3
if ! "$python" -c 'import sys, venv; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then
    echo "peers: needs Python 3.11 with venv; the versions in requirements-*.txt are pinned for it" >&2
    exit 1
fi
mkdir -p "$work"
venv engines
venv tensorflow
[ -f "$top/build/build.ninja" ] || meson setup "$top/build" >&2
ninja -C "$top/build" retrain bench/ours >&2

export RETRAIN_PEERS="$work" RETRAIN_SHARED="${RETRAIN_SHARED:-$top/../shared}"
export RETRAIN_PROGRAM="${RETRAIN_PROGRAM:-$top/build/retrain}" RETRAIN_OURS="${RETRAIN_OURS:-$top/build/bench/ours}"
export TF_CPP_MIN_LOG_LEVEL=2 CUDA_VISIBLE_DEVICES='' PYTHONDONTWRITEBYTECODE=1
exec "$work/engines/bin/python" "$here/compare.py" "$@"
