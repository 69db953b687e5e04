#!/usr/bin/env bash
# The module that nvcc built, on a machine without a driver: refused by name with a sentence, passed over
# by auto with a notice, in a second.
cd "$(dirname "$0")/../.." || exit 2
export VANPOOL_CUDA=$PWD/${1:-build/release/vanpool-cuda.so}
vanpool=${2:-build/release/vanpool} passed=0 failed=0
if ldconfig -p | grep -q 'libcuda\.so\.1'; then
    echo "SKIP this machine has a driver" && echo "0 passed, 0 failed, 1 skipped" && exit 0
fi
want() { # want WHAT STATUS PATTERN COMMAND...
    local what=$1 status=$2 pattern=$3 said
    shift 3
    said=$(timeout 10 "$@" 2>&1)
    if [ $? = "$status" ] && grep -q "$pattern" <<<"$said"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1)) && printf 'not so: %s\n%s\n' "$what" "$said"
    fi
}
want 'doctor says what is missing' 0 '^- gpu  .*no NVIDIA driver' "$vanpool" doctor
want 'train goes on on the CPU and says why' 0 'on the CPU, as the GPU cannot be used: .*no NVIDIA driver' \
    "$vanpool" train --steps 3 --batch 8
want 'train asked for cuda is refused' 7 'no NVIDIA driver' "$vanpool" train --steps 3 --backend cuda
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]
