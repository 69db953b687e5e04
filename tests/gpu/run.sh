#!/usr/bin/env bash
# On a machine with a GPU: every op against ref, whole trainings against ref and cpu, the four tools of
# compute-sanitizer over the ops, and a table of times, beside PyTorch where it is. The table is kept, as
# tests/bench/gpu-DATE.txt.
cd "$(dirname "$0")/../.." || exit 2
out=${1:-build/release} passed=0 failed=0 skipped=0
export VANPOOL_CUDA=${VANPOOL_CUDA:-$PWD/$out/vanpool-cuda.so} CK_FORK=no
add() { # add LOG: its last line
    set -- $(grep -E '^[0-9]+ passed, ' "$1" | tail -n 1)
    passed=$((passed + ${1:-0})) failed=$((failed + ${3:-1})) skipped=$((skipped + ${5:-0}))
}
log=$(mktemp)
trap 'rm -f "$log"' EXIT
keep=tests/bench/gpu-$(date -u +%Y-%m-%d).txt

timeout 1200 "$out/check-gpu" ${2:-} >"$log" 2>&1
cat "$log"
add "$log"
if grep -q '^SKIP' "$log"; then echo "$passed passed, $failed failed, $skipped skipped" && exit 0; fi
if [ "${2:-}" != quick ]; then
    VANPOOL_CUDA_MATH=tf32 timeout 600 "$out/check-gpu" times >"$log.fast" 2>&1 && sed 's/^preset/TF32 experts\n&/' "$log.fast"
    timeout 900 python3 tests/gpu/peer_torch.py | tee "$log.peer"
    cat "$log" "$log.fast" "$log.peer" >"$keep" && rm -f "$log.fast" "$log.peer"
fi

echo "--- every op"
timeout 1200 "$out/check-cuda" >"$log" 2>&1
grep -E ':[FE]:|^SKIP|passed,' "$log"
add "$log"

for tool in memcheck racecheck synccheck initcheck; do
    if ! command -v compute-sanitizer >/dev/null; then
        echo "SKIP compute-sanitizer $tool: it is not installed" && skipped=$((skipped + 1))
        continue
    fi
    echo "--- compute-sanitizer $tool"
    timeout 1800 compute-sanitizer --tool $tool --error-exitcode 9 "$out/check-cuda" known >"$log" 2>&1
    [ $? = 0 ] && passed=$((passed + 1)) || { failed=$((failed + 1)) && tail -n 30 "$log"; }
    grep -E 'ERROR SUMMARY|RACECHECK SUMMARY' "$log"
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
