#!/bin/sh
# Installs the Debian packages named that are missing. As root, or through sudo. On other systems: says what is needed.
set -u
if ! command -v dpkg-query >/dev/null 2>&1 || ! command -v apt-get >/dev/null 2>&1; then
    for p; do
        case $p in
        gcc|g++|clang|tmux|jq|clang-format|pkg-config) command -v "$p" >/dev/null 2>&1 || missing="${missing-} $p" ;;
        esac
    done
    [ -z "${missing-}" ] || echo "not found:$missing"
    echo "This system has no apt-get. vanpool needs what Debian calls: $*"
    exit 0
fi
missing=
for p; do
    case $(dpkg-query -W -f '${Status}' "$p" 2>/dev/null) in
    'install ok installed') ;;
    *) missing="$missing $p" ;;
    esac
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" = 0 ]; then as=
elif command -v sudo >/dev/null 2>&1; then as=sudo
else
    echo "These packages are missing:$missing. Install them as root: apt-get install$missing" >&2
    exit 1
fi
echo "installing:$missing"
log=$(mktemp)
if ! { $as apt-get update && DEBIAN_FRONTEND=noninteractive $as apt-get install -y --no-install-recommends $missing; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    echo "could not install$missing: see above; then try again" >&2
    rm -f "$log"
    exit 1
fi
rm -f "$log"
