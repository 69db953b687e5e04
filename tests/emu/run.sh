#!/usr/bin/env bash
# The cuda backend on the emulator: the emulator's own guards, every op against ref, then whole trainings and their failures.
cd "$(dirname "$0")/../.." || exit 2
out=${1:-build/release} passed=0 failed=0 skipped=0
export CK_TIMEOUT_MULTIPLIER=${CK_TIMEOUT_MULTIPLIER:-5} # a slow machine is no failure
export VANPOOL_NVML=/nowhere # a driver of this machine is not what is tested
export VANPOOL_CUDA=$PWD/$out/emu/vanpool-cuda.so
run() { # run COMMAND...: shown, and its last line added up
    local log
    log=$("$@" 2>&1)
    printf '%s\n' "$log" | grep -vE '^[0-9]+ passed|^Running|^100%'
    set -- $(printf '%s\n' "$log" | grep -E '^[0-9]+ passed, ' | tail -n 1)
    passed=$((passed + ${1:-0})) failed=$((failed + ${3:-1})) skipped=$((skipped + ${5:-0}))
}
run "$out/check-planted"
run "$out/check-cuda"
VANPOOL_CUDA_MATH=bf16 run "$out/check-cuda" backend
VANPOOL_CUDA_MATH=bf16 run "$out/check-core" trainer_graph
VANPOOL_NVML=$PWD/$out/emu/libnvidia-ml.so.1 run "$out/check-core" trainer_meters trainer_ranges
run "$out/check-core" trainer_rescue trainer_lost trainer_math trainer_graph
run bash tests/emu/faces.sh "$out"
run bash tests/gpu/table.sh
KEEP=/dev/null run bash tests/gpu/run.sh "$out" quick
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
