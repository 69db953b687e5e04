#!/usr/bin/env bash
# On a machine with a GPU: every op against ref, whole trainings against ref and cpu in each way to multiply, the four
# tools of compute-sanitizer, and a table of times beside PyTorch, where it is. All that is printed is kept, as
# tests/bench/gpu-DATE-DEVICE.txt (KEEP names another file). usage: run.sh OUT [ops|train|times|tools|quick]...:
# all but quick, which is for the emulator. PRESETS=gpu and ROUNDS=1 make less of the times.
cd "$(dirname "$0")/../.." || exit 2
out=${1:-build/release} passed=0 failed=0 skipped=0
shift
stages=${*:-ops train times tools}
PATH=$PATH:/usr/local/cuda/bin
export CK_FORK=no # CUDA does not outlive a fork
folder=$(mktemp -d)
log=$folder/log
trap 'rm -rf "$folder"' EXIT

last() { # last FILE: its line of counts
    grep -E '^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$' "$1" | tail -n 1
}
add() { # add NAME STATUS: what $log says, or that it ended before it could
    local line
    line=$(last "$log")
    set -- "$1" "$2" $line
    passed=$((passed + ${3:-0})) failed=$((failed + ${5:-0})) skipped=$((skipped + ${7:-0}))
    [ -n "$line" ] && { [ "$2" = 0 ] || [ "${5:-0}" -gt 0 ]; } && return
    failed=$((failed + 1))
    echo "FAIL $1: $([ "$2" = 124 ] && echo 'it took too long' || echo "it ended with $2")"
    tail -n 20 "$log"
}
skip() {
    echo "SKIP $1" && skipped=$((skipped + 1))
}
limited() { # limited SECONDS COMMAND...: into $log
    local seconds=$1
    shift
    timeout -k 10 "$seconds" "$@" >"$log" 2>&1
}

ops() {
    [ -x "$out/check-cuda" ] || { skip 'every op: check-cuda was not built'; return; }
    echo "--- every op beside ref"
    limited 900 "$out/check-cuda"
    add 'every op' $?
    grep -E ':[FE]:|^SKIP' "$log"
    last "$log"
}
train() {
    local math
    for math in fp32 tf32 bf16; do
        echo "--- trainings, $math"
        limited 900 "$out/check-gpu" train $math
        add "trainings, $math" $?
        grep -E '^(  ok|FAIL|SKIP)' "$log"
    done
}
# Ours and theirs by turns, so that a change of the machine's clock is both's.
times() { # times [WHAT [FLAG]...]: of check-gpu, and for the peer
    local what=${1:-times} presets=${PRESETS:-tiny,base,gpu} round preset
    shift
    echo "--- times"
    for ((round = 1; round <= ${ROUNDS:-2}; round++)); do
        [ -x "$out/cublas-rate" ] && timeout 120 "$out/cublas-rate" >>"$folder/lines" 2>&1
        for preset in ${presets//,/ }; do
            limited 900 "$out/check-gpu" "$what" all "$preset"
            add "$what of $preset, turn $round" $?
            grep -E '^(  ok|FAIL|SKIP)' "$log"
            cat "$log" >>"$folder/lines"
        done
        peer && timeout 900 python3 tests/gpu/peer_torch.py --presets "$presets" "$@" >>"$folder/lines" 2>"$folder/peer"
    done
    peer || [ "$what" = quick ] || skip 'PyTorch beside it: there is none here'
    awk -f tests/gpu/table.awk "$folder/lines" | tee "$folder/table"
}
peer() {
    python3 -c 'import torch' 2>/dev/null
}
# Trainings, times and table at sizes for the emulator: that the way to a table works is seen without a GPU, too.
quick() {
    PRESETS=tiny ROUNDS=1 times quick --quick --device cpu
    if grep -qE '^G4 .* tiny fp32 \(-?[0-9.]+ % of the' "$folder/table" && ! grep -q '^NOTE' "$folder/table"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1)) && echo 'FAIL the table is not whole'
    fi
}
# A tool slows a kernel many times: it goes over the cases known by heart, and every op on small shapes.
tools() {
    local tool
    for tool in memcheck racecheck synccheck initcheck; do
        if ! command -v compute-sanitizer >/dev/null; then
            skip "compute-sanitizer $tool: it is not installed"
            continue
        fi
        echo "--- compute-sanitizer $tool"
        limited 600 compute-sanitizer --tool $tool --error-exitcode 9 "$out/check-cuda" known small
        status=$?
        if grep -qE 'Device not supported|does not support' "$log"; then
            skip "compute-sanitizer $tool: $(grep -m 1 -E 'not support' "$log")"
        elif [ "$status" = 0 ]; then
            passed=$((passed + 1))
        else
            failed=$((failed + 1))
            echo "FAIL compute-sanitizer $tool: $([ "$status" = 124 ] && echo 'it took too long' || echo "it ended with $status")"
            tail -n 30 "$log"
        fi
        grep -E 'ERROR SUMMARY|RACECHECK SUMMARY' "$log"
    done
}
machine() {
    local name
    name=$(nvidia-smi --query-gpu=name,driver_version,memory.total,clocks.max.sm --format=csv,noheader 2>/dev/null | head -n 1)
    echo "vanpool check-gpu, $(date -u '+%Y-%m-%d %H:%M') UTC, $(git describe --always --dirty 2>/dev/null || echo 'no git')"
    echo "GPU: ${name:-$device}; CUDA: $(nvcc --version 2>/dev/null | sed -n 's/.*release \([^,]*\),.*/\1/p'); $(nproc) CPU cores"
}

limited 120 "$out/check-gpu" who
if grep -q '^SKIP' "$log" || ! grep -q '^device' "$log"; then
    grep '^SKIP' "$log" || echo 'SKIP there is no GPU to check'
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
fi
device=$(sed -n 's/^device \(.*\), vanpool .*/\1/p' "$log")
keep=${KEEP:-tests/bench/gpu-$(date -u +%Y-%m-%d)-$(tr 'A-Z' 'a-z' <<<"$device" | tr -cs 'a-z0-9\n' '-' | sed 's/-$//').txt}
{
    machine
    for stage in $stages; do
        begin=$SECONDS
        $stage
        echo "($stage: $((SECONDS - begin)) s)"
    done
    echo "$passed passed, $failed failed, $skipped skipped"
} > >(tee "$keep") 2>&1
wait $! # for the last lines
echo "kept in $keep"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
