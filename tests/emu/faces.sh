#!/usr/bin/env bash
# The whole program with a GPU that is missing, old, full or lost at any time: what is asked for is done on the CPU, and
# one sentence says so; a GPU asked for by name is refused with it. The emulated module fails by plan. usage: faces.sh OUT
cd "$(dirname "$0")/../.." || exit 2
out=${1:-build/release} passed=0 failed=0
vanpool=$out/vanpool
export VANPOOL_CUDA=$PWD/$out/emu/vanpool-cuda.so VANPOOL_NVML=/nowhere
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
want() { # want WHAT STATUS PATTERN COMMAND...
    local what=$1 status=$2 pattern=$3 said code
    shift 3
    said=$(timeout 100 "$@" 2>&1 </dev/null)
    code=$?
    if [ $code = "$status" ] && grep -qE -- "$pattern" <<<"$said"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1)) && printf 'not so: %s (status %s)\n%s\n' "$what" "$code" "$said"
    fi
}
while IFS='|' read -r setting says; do
    want "doctor, $setting" 0 "^- gpu  .*$says" env "$setting" VANPOOL_EMU_DRIVER=11040 "$vanpool" doctor
    want "auto, $setting" 0 "^vanpool: on the CPU, as the GPU cannot be used: .*$says" \
        env "$setting" VANPOOL_EMU_DRIVER=11040 "$vanpool" train --steps 2 --batch 4
    want "by name, $setting" 7 "^vanpool: .*$says" \
        env "$setting" VANPOOL_EMU_DRIVER=11040 "$vanpool" train --steps 2 --batch 4 --backend cuda
done <<'CASES'
VANPOOL_EMU_FAIL=1:35|driver is for CUDA 11\.4, this module for 13\.0: a newer driver
VANPOOL_EMU_FAIL=1:100|there is a driver, but no GPU
VANPOOL_EMU_FAIL=2:214|uncorrectable ECC
VANPOOL_EMU_FAIL=6:2|memory is full
VANPOOL_EMU_FAIL=1:1001|cuBLAS says: CUBLAS_STATUS_NOT_INITIALIZED
VANPOOL_EMU_CAPABILITY=6.1|compute capability 6\.1, and 7\.5 is the least
VANPOOL_CUDA_MATH=fp16|'fp16'.*set it to fp32, tf32 or bf16
CASES
for _ in {1..600}; do echo 'the van drives north with a piano. '; done >"$folder/text"
lost='(now on the CPU, from the state after [0-9]+ updates; in [a-z_]+|on the CPU, as the GPU cannot be used: .*) ?the GPU says: '
small=(--width 16 --heads 2 --layers 1 --context 32 --batch 2)
for at in 1500 4000; do
    export VANPOOL_EMU_FAIL=$at:700
    want "training, lost at call $at" 0 "^vanpool: $lost" "$vanpool" train --steps 400 --batch 4
    want "a race, lost at call $at" 0 ": $lost" "$vanpool" race --strategies topk,remoe --budget steps:15 --batch 4
    want "a lesson, lost at call $at" 0 '^1 passed, 0 failed' "$vanpool" lesson check 1 --batch 16
    want "writing, lost at call $at" 0 . "$vanpool" train --data text:"$folder/text" "${small[@]}" --steps 9 --save "$folder/m.safetensors"
    want "a sample, lost at call $at" 0 '^.{12}' "$vanpool" sample "$folder/m.safetensors" --tokens 60
done
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]
