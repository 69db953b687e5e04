#!/usr/bin/env bash
# What `make check-gpu` builds needs no library but C's (and CUDA's): a machine with a GPU may have nothing else. Its
# programs are built with headers of all others in front that are errors, and then started. usage: bare.sh OUT MODULE
cd "$(dirname "$0")/../.." || exit 2
out=${1:-build/bare} module=${2:-} passed=0 failed=0
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for h in ncurses.h curses.h term.h readline/readline.h editline/readline.h jansson.h cmark.h ini.h cairo.h check.h zlib.h; do
    mkdir -p "$folder/$(dirname $h)" && echo "#error $h is not on a bare machine" >"$folder/$h"
done
count() { # count WHAT STATUS
    if [ "$2" = 0 ]; then passed=$((passed + 1)); else failed=$((failed + 1)) && echo "not so: $1"; fi
}
CPATH=$folder make --no-print-directory -j"$(nproc)" OUT="$out" CHECK= "$out/check-gpu" "$out/check-cuda" 2>&1 | grep -E -B 1 '#error|undefined reference|^make: \*\*\*'
count 'it is built without ncurses, readline, jansson, cmark and Check' "${PIPESTATUS[0]}"
readelf -d "$out/check-gpu" "$out/check-cuda" | grep NEEDED | grep -vE '\[(libc|libm|ld-linux-[^]]*)\.so'
count 'it is linked with the C library alone' $((! $?))
"$out/check-gpu" who | grep -qE '^(SKIP backend cuda: |device )'
count 'it says what GPU there is, or why there is none' $?
if [ -n "$module" ]; then
    VANPOOL_CUDA=$PWD/$module "$out/check-cuda" known_moe | tail -n 1 | grep -qE '^[1-9][0-9]* passed, 0 failed'
    count 'tests are run without Check' $?
fi
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]
