#!/usr/bin/env bash
# The release binary as distributions want it: position independent, relro and bind-now, canaries, fortified, CET.
cd "$(dirname "$0")/.." || exit 2
bin=build/release/vanpool passed=0 failed=0
want() { # want WHAT COMMAND...
    if "${@:2}"; then passed=$((passed + 1)); else echo "not so: $1"; failed=$((failed + 1)); fi
}
has() { "readelf" "$1" "$bin" 2>/dev/null | grep -q "$2"; }
want 'position independent' has -h 'DYN'
want 'relro' has -lW 'GNU_RELRO'
want 'bind now' has -d 'BIND_NOW\|FLAGS.*NOW'
want 'stack canary' has -sW '__stack_chk_fail'
want 'fortified' has -sW '_chk@'
# Debian's own start-up objects carry no such marks, so the whole cannot: ours do, each.
want 'control flow marks in each object' sh -c '! find build/release/kernels build/release/core build/release/tui -name "*.o" |
    while read -r o; do readelf -n "$o" 2>/dev/null | grep -q IBT || echo "$o"; done | grep .'
want 'no executable stack' sh -c "readelf -lW $bin | grep GNU_STACK | grep -qv 'RWE'"
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]
