#!/bin/sh
# Installs the Debian packages that are missing: those of packages.txt and those named as arguments.
# As root it installs them; as another user it says which ones are missing and how to get them.
set -eu
cd "$(dirname "$0")/.."

if ! command -v dpkg-query >/dev/null 2>&1; then
    echo "packages: not a Debian or Ubuntu system; packages.txt names what to install here" >&2
    exit 0
fi

wanted=$(sed 's/#.*//' packages.txt; printf '%s\n' "$@")
missing=$(
    {
        # A qualifier like ":amd64" is cut off; a package that was removed but not purged is not there.
        dpkg-query -W -f='${db:Status-Status} ${Package}\n' | sed -n 's/^installed /= /p'
        printf '%s\n' $wanted
    } | awk '$1 == "=" { there[$2]; next } !($1 in there) && !seen[$1]++ { print $1 }'
)
[ -n "$missing" ] || exit 0
missing=$(echo $missing) # one line

if [ "$(id -u)" -ne 0 ]; then
    echo "packages: missing: $missing" >&2
    echo "packages: install them with: sudo apt-get install --no-install-recommends $missing" >&2
    exit 1
fi
echo "packages: installing $missing"
export DEBIAN_FRONTEND=noninteractive
apt-get -q -o DPkg::Lock::Timeout=300 update
apt-get -q -y -o DPkg::Lock::Timeout=300 install --no-install-recommends $missing
