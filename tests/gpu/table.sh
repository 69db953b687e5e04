#!/usr/bin/env bash
# The arithmetic of table.awk, on lines whose answers are known by heart.
cd "$(dirname "$0")/../.." || exit 2
passed=0 failed=0
said=$(awk -f tests/gpu/table.awk - <<'LINES'
device a chip, vanpool 0
step vanpool gpu 16 8 bf16 cuda 1000 8000 77 80 80 80
step vanpool gpu 16 2 bf16 cuda 1000 3200 77 30 50
step vanpool gpu 16 2 bf16 cuda 1000 3200 77 40 40
step vanpool gpu 16 1 bf16 cuda 1000 2400 77 31 32 33
step vanpool base 8 2 bf16 cuda 10 5 9 1 1 1 1 1 1 1 1 1 1 2
step torch-2 gpu 16 2 bf16 sorted 1000 0 77 70
step torch-2 gpu 16 2 bf16 grouped+compile 1000 0 77 60
step torch-2 gpu 16 2 fp32 sorted 1000 0 77 10
step torch-2 base 8 2 fp32 padded 10 0 10 9
step torch-2 base 8 2 bf16 sorted+compile 10 0 9 5
none vanpool gpu 64 2 bf16 cuda not enough memory for the model
layer vanpool gpu 16 2 bf16 cuda 1000 300 0 1
rate cublas bf16 8192 700 800 750
LINES
)
want() { # want WHAT PATTERN
    if grep -qE -- "$2" <<<"$said"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1)) && echo "not so: $1 ($2)"
    fi
}
want 'two turns are one sample, and how far they are apart is shown' '^gpu +16  2 bf16  vanpool cuda +40\.000 +50\.000 +25000 +80\.000 +32\.000 +0\.0%'
want 'the line of the FLOPs starts at k = 8' '^gpu +16  8 bf16  vanpool cuda +80\.000 .* 80\.000 '
want 'what has no room is said' '^gpu +64  2 bf16  vanpool cuda +not measured: not enough memory for the model$'
want 'another number of parameters is said' '^NOTE base with 8 experts: .* 9 and 10$'
want 'the rate of cuBLAS is a median' 'cuBLAS, bf16, .* 750\.0 TFLOP/s'
want 'G1: the best of torch in bf16, over ours' '^G1 .*\(bf16 grouped\+compile 60\.000 ms / bf16 40\.000 ms\): 1\.50; the goal is 1\.3: met$'
want 'G2: a share of cuBLAS' '^G2 .*: 40\.0 %; the goal is 35 %: met$'
want 'G3: the best of torch eager, any math' '^G3 .* base, .* eager / vanpool \(fp32 padded 9\.000 ms / bf16 1\.000 ms\): 9\.00; the goal is 10: not met$'
want 'G3: compiled' '^G3 .* base, .* compiled / vanpool .*: 5\.00; the goal is 4: met$'
want 'G3: not measured is said' '^G3 .* tiny, .* eager / vanpool: not measured; the goal is 10$'
want 'G4: the share of the time over the share of the FLOPs' '^G4 .*\(20\.0 % .* 25\.0 %.*\): 0\.80; the goal is 0\.8: met$'
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]
